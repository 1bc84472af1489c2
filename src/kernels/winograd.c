#include "kernels/winograd.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/work.h"

enum {
    KERNEL = 3,
    TILE = CX_WINOGRAD_TILE,
    SIDE = CX_WINOGRAD_SIDE,
    POINTS = CX_WINOGRAD_POINTS,
    LEAST_CHANNELS = 16,
    LEAST_OUTPUTS = 9, /* along each axis: else weights are read for too few */
};

/* ---- what fits ----------------------------------------------------------- */

/* The taps by their place: number[3*i + j] reads i rows and j columns from the
   first pixel that any tap reads. */
typedef struct square {
    int64_t first[2];
    int64_t number[KERNEL * KERNEL];
} square;

/* Fills *s; 0 when the taps are no square of 3x3 neighbours. */
static int find_square(const cx_tap *tap, int64_t taps, square *s)
{
    int seen = 0;
    if (taps != KERNEL * KERNEL)
        return 0;
    for (int a = 0; a < 2; a++) {
        s->first[a] = tap[0].at[1 + a];
        for (int64_t t = 1; t < taps; t++)
            s->first[a] = cx_minimum(s->first[a], tap[t].at[1 + a]);
    }
    for (int64_t t = 0; t < taps; t++) {
        int64_t i = tap[t].at[1] - s->first[0], j = tap[t].at[2] - s->first[1];
        if (tap[t].at[0] != 0 || i >= KERNEL || j >= KERNEL)
            return 0;
        s->number[i * KERNEL + j] = t;
        seen |= 1 << (i * KERNEL + j);
    }
    return seen == (1 << KERNEL * KERNEL) - 1;
}

int cx_winograd_fits(const cx_convolution *c)
{
    square s;
    return c->groups == 1 && c->depth >= LEAST_CHANNELS &&
           c->columns >= LEAST_CHANNELS && c->in[0] == 1 && c->out[0] == 1 &&
           c->step[1] == 1 && c->step[2] == 1 && c->out[1] >= LEAST_OUTPUTS &&
           c->out[2] >= LEAST_OUTPUTS && find_square(c->tap, c->taps, &s);
}

/* ---- weights ------------------------------------------------------------- */

/* Reals of one point's panels, one behind the other by panel: a panel has all
   its points. */
static int64_t matrix_reals(const cx_kernels *kernels, int64_t depth)
{
    return cx_panel_stride(kernels, 1, depth);
}

static size_t bias_reals(const cx_kernels *kernels, int64_t columns)
{
    return (size_t)cx_panel_count(kernels, columns) * 2 *
           (size_t)kernels->lanes;
}

size_t cx_winograd_packed_bytes(const cx_kernels *kernels,
                                const cx_convolution *c)
{
    size_t panels = cx_panels_bytes(kernels, 1, c->depth, c->columns);
    return cx_size_plus(cx_size_times(panels, POINTS),
                        bias_reals(kernels, c->columns) * sizeof(cxai_real));
}

/* u = G g along one axis of a kernel; the matrix is that of the points 0,
   1/sqrt(2), -1/sqrt(2), sqrt(2), -sqrt(2), infinity. */
static void transform_kernel(double g0, double g1, double g2, double u[SIDE])
{
    double r = sqrt(0.5);
    u[0] = g0;
    u[1] = (g0 + r * g1 + g2 / 2) / -1.5;
    u[2] = (g0 - r * g1 + g2 / 2) / -1.5;
    u[3] = (g0 + 2 * r * g1 + 2 * g2) / 6;
    u[4] = (g0 - 2 * r * g1 + 2 * g2) / 6;
    u[5] = g2;
}

/* u = G g G^T; g has the 3x3 weights by place. */
static void transform_weights(const double g[KERNEL * KERNEL],
                              double u[SIDE][SIDE])
{
    double half[KERNEL][SIDE], column[SIDE];
    for (int j = 0; j < KERNEL; j++)
        transform_kernel(g[j], g[KERNEL + j], g[2 * KERNEL + j], half[j]);
    for (int i = 0; i < SIDE; i++) {
        transform_kernel(half[0][i], half[1][i], half[2][i], column);
        memcpy(u[i], column, sizeof column);
    }
}

/* Row d of all points of panel p. */
static void pack_row(const cx_weights *w, const square *s, int64_t d,
                     int64_t first, int count, int width, int64_t matrix,
                     cxai_real *row)
{
    for (int n = 0; n < width; n++) {
        double g[KERNEL * KERNEL] = { 0 }, u[SIDE][SIDE];
        const cxai_real *from =
            w->data + d * w->depth_stride + (first + n) * w->column_stride;
        for (int k = 0; k < KERNEL * KERNEL && n < count; k++)
            g[k] = (double)from[w->tap[s->number[k]].weight * w->tap_stride];
        transform_weights(g, u);
        for (int i = 0; i < POINTS; i++)
            row[i * matrix + n] = (cxai_real)u[i / SIDE][i % SIDE];
    }
}

void cx_winograd_pack(const cx_kernels *kernels, const cx_weights *w,
                      int threads, cxai_real *packed)
{
    square s;
    int64_t panels = cx_panel_count(kernels, w->columns);
    int64_t matrix = matrix_reals(kernels, w->depth);
    cxai_real *bias = packed + panels * POINTS * matrix;
    int full = 2 * kernels->lanes;
    find_square(w->tap, w->taps, &s);
    memset(bias, 0, bias_reals(kernels, w->columns) * sizeof *bias);
    if (w->bias != NULL)
        memcpy(bias, w->bias, (size_t)w->columns * sizeof *bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < panels; p++) {
        int count = cx_panel_columns(kernels, w->columns, p);
        int width = count > kernels->lanes ? full : kernels->lanes;
        cxai_real *panel = packed + p * POINTS * matrix;
        for (int i = 0; i < POINTS; i++)
            memset(panel + i * matrix, 0, (size_t)width * sizeof *panel);
        for (int64_t d = 0; d < w->depth; d++)
            pack_row(w, &s, d, p * full, count, width, matrix,
                     panel + (1 + d) * width);
    }
}

/* ---- division of the work ------------------------------------------------ */

/*
 * Tiles are taken in blocks. Either each thread has a block of its own, whose
 * transformed inputs stay in its second-level cache while all panels pass; or,
 * when there are few tiles or so many weights that they should be read once,
 * the threads share a block and each takes its part of the panels.
 */
enum {
    OWN_BYTES = 576 << 10,    /* of a thread's own block */
    SHARED_BYTES = 4 << 20,   /* of a shared one */
    WEIGHTS_BYTES = 10 << 20, /* panels that may be read for each own block */
    PADDING = 16,             /* reals, so that points lie in different sets */
};

typedef struct division {
    int64_t across, down, tiles; /* tiles along a row, a column; of all */
    int64_t panels, matrix, width;
    int64_t blocks, block; /* number of blocks, most tiles of one */
    int shared;
    int64_t v_point, m_point;
    size_t v_bytes, m_bytes, list_bytes, zero_bytes;
} division;

static int64_t point_bytes(int64_t channels)
{
    return POINTS * channels * (int64_t)sizeof(cxai_real);
}

static division divide(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    division d = { .across = cx_ceiling(c->out[2], TILE),
                   .down = cx_ceiling(c->out[1], TILE),
                   .panels = cx_panel_count(kernels, c->columns),
                   .matrix = matrix_reals(kernels, c->depth),
                   .width = 2 * kernels->lanes };
    d.tiles = c->batch * d.across * d.down;
    int64_t rows = kernels->tile_rows;
    int64_t own = OWN_BYTES / point_bytes(c->depth + d.width);
    own = cx_maximum(cx_minimum(own / rows, 4), 1) * rows;
    d.blocks = cx_ceiling(d.tiles, own);
    d.shared = d.blocks < 2 * threads ||
               point_bytes(c->depth) * c->columns > WEIGHTS_BYTES;
    if (d.shared)
        d.blocks = cx_ceiling(
            d.tiles, cx_maximum(SHARED_BYTES / point_bytes(c->depth), rows));
    else
        d.blocks = cx_minimum(cx_ceiling(d.blocks, threads) * threads, d.tiles);
    d.block = d.blocks > 0 ? cx_ceiling(d.tiles, d.blocks) : 0;
    d.v_point = d.block * c->depth + PADDING;
    d.m_point = d.block * d.width + PADDING;
    d.v_bytes = cx_size_line((size_t)d.v_point * POINTS * sizeof(cxai_real));
    d.m_bytes = cx_size_line((size_t)d.m_point * POINTS * sizeof(cxai_real));
    d.list_bytes =
        cx_size_line((size_t)d.block * (sizeof(cxai_real *) + sizeof(int64_t)));
    d.zero_bytes = cx_size_line((size_t)c->depth * sizeof(cxai_real));
    return d;
}

size_t cx_winograd_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads)
{
    division d = divide(kernels, c, threads);
    size_t own = cx_size_plus(d.m_bytes, d.list_bytes);
    size_t all =
        cx_size_plus(d.zero_bytes, cx_size_times(own, (size_t)threads));
    return cx_size_plus(
        all, cx_size_times(d.v_bytes, d.shared ? 1 : (size_t)threads));
}

/* ---- the work ------------------------------------------------------------ */

typedef struct job {
    const cx_kernels *kernels;
    const cx_convolution *c;
    division d;
    square s;
    cxai_real *zeros;
    char *own, *v; /* of all threads */
} job;

/* A tile's place: its picture and its first output pixel. */
typedef struct place {
    int64_t n, y, x;
} place;

static place place_of(const division *d, int64_t tile)
{
    return (place){ tile / (d->across * d->down),
                    tile / d->across % d->down * TILE,
                    tile % d->across * TILE };
}

/* Tile number i of a block that begins with tile `first`. */
static void transform_tile(const job *j, int64_t first, int64_t i, cxai_real *v)
{
    const cx_convolution *c = j->c;
    const cxai_real *x[POINTS];
    place p = place_of(&j->d, first + i);
    for (int row = 0; row < SIDE; row++) {
        int64_t y = p.y + j->s.first[0] + row;
        const cxai_real *line =
            c->x + (p.n * c->in[1] + y) * c->in[2] * c->x_pixel;
        int inside = y >= 0 && y < c->in[1];
        for (int column = 0; column < SIDE; column++) {
            int64_t at = p.x + j->s.first[1] + column;
            x[row * SIDE + column] = inside && at >= 0 && at < c->in[2]
                                         ? line + at * c->x_pixel
                                         : j->zeros;
        }
    }
    j->kernels->winograd_input(x, c->depth, v + i * c->depth, j->d.v_point);
}

/* A thread's own memory: products of one panel, rows to read and write. */
typedef struct scratch {
    cxai_real *m;
    const cxai_real **row;
    int64_t *offset;
} scratch;

static scratch scratch_of(const job *j)
{
    char *own =
        j->own + (size_t)cx_thread_number() * (j->d.m_bytes + j->d.list_bytes);
    char *lists = own + j->d.m_bytes;
    return (scratch){
        .m = (cxai_real *)(void *)own,
        .row = (const cxai_real **)(void *)lists,
        .offset = (int64_t *)(void *)(lists +
                                      (size_t)j->d.block * sizeof(cxai_real *)),
    };
}

/* m = v u for every point: count tiles from v on against panel p. */
static void multiply_points(const job *j, const scratch *own,
                            const cxai_real *v, int64_t count, int64_t p,
                            int columns)
{
    const division *d = &j->d;
    int64_t groups = cx_ceiling(count, j->kernels->tile_rows);
    cx_tile tile = {
        .columns = columns,
        .taps = 1,
        .depth = j->c->depth,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
    for (int64_t i = 0; i < count; i++) {
        own->row[i] = v + i * j->c->depth;
        own->offset[i] = i * d->width;
    }
    for (int k = 0; k < POINTS; k++) {
        tile.panel = j->c->weights + (p * POINTS + k) * d->matrix;
        tile.x_offset = k * d->v_point;
        tile.y = own->m + k * d->m_point;
        for (int64_t g = 0; g < groups; g++) {
            int64_t first = count * g / groups;
            tile.rows = (int)(count * (g + 1) / groups - first);
            tile.x = own->row + first;
            tile.y_offset = own->offset + first;
            j->kernels->product(&tile);
        }
    }
}

static void finish_rows(const job *j, const cx_winograd_tile *tile)
{
    const int64_t pixel[TILE] = { 0, tile->y_pixel, 2 * tile->y_pixel,
                                  3 * tile->y_pixel };
    for (int i = 0; i < tile->rows; i++)
        cx_convolve_finish(j->kernels, j->c, tile->y + i * tile->y_row, pixel,
                           tile->width, tile->columns);
}

/* Tiles [from, to) of a block that begins with tile `first`, panel p. */
static void finish_panel(const job *j, const cxai_real *v, int64_t first,
                         int64_t from, int64_t to, int64_t p)
{
    const cx_convolution *c = j->c;
    const division *d = &j->d;
    scratch own = scratch_of(j);
    int columns = cx_panel_columns(j->kernels, c->columns, p);
    int width = columns > j->kernels->lanes ? (int)d->width : j->kernels->lanes;
    int64_t column = p * d->width;
    multiply_points(j, &own, v + from * c->depth, to - from, p, width);
    cx_winograd_tile tile = {
        .m_point = d->m_point,
        .columns = columns,
        .bias = c->weights + d->panels * POINTS * d->matrix + column,
        .y_row = c->y_stride[2],
        .y_pixel = c->y_stride[3],
        .low = c->low,
        .high = c->high,
    };
    for (int64_t i = from; i < to; i++) {
        place at = place_of(d, first + i);
        int64_t offset = at.n * c->y_stride[0] + at.y * c->y_stride[2] +
                         at.x * c->y_stride[3] + column;
        tile.m = own.m + (i - from) * d->width;
        tile.rows = (int)cx_minimum(TILE, c->out[1] - at.y);
        tile.width = (int)cx_minimum(TILE, c->out[2] - at.x);
        tile.y = c->y + offset;
        tile.residual = c->residual == NULL ? NULL : c->residual + offset;
        j->kernels->winograd_output(&tile);
        finish_rows(j, &tile);
    }
}

static void run_own_block(const job *j, int64_t first, int64_t count)
{
    char *memory = j->v + (size_t)cx_thread_number() * j->d.v_bytes;
    cxai_real *v = (cxai_real *)(void *)memory;
    for (int64_t i = 0; i < count; i++)
        transform_tile(j, first, i, v);
    for (int64_t p = 0; p < j->d.panels; p++)
        finish_panel(j, v, first, 0, count, p);
}

/* Parts into which a shared block is cut for one panel, so that the threads
   get as much work each. */
static int64_t part_count(const job *j, int64_t count, int threads)
{
    int64_t groups = cx_ceiling(count, j->kernels->tile_rows);
    if (j->d.panels % threads == 0 || j->d.panels > 8 * threads)
        return 1;
    return cx_minimum(groups, threads);
}

static void run_shared_block(const job *j, int64_t first, int64_t count,
                             int threads)
{
    cxai_real *v = (cxai_real *)(void *)j->v;
    int64_t parts = part_count(j, count, threads);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < count; i++)
            transform_tile(j, first, i, v);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < j->d.panels * parts; i++) {
            int64_t part = i % parts;
            finish_panel(j, v, first, count * part / parts,
                         count * (part + 1) / parts, i / parts);
        }
    }
}

void cx_winograd_convolve(const cx_kernels *kernels, const cx_convolution *c,
                          int threads, void *workspace)
{
    job j = { .kernels = kernels,
              .c = c,
              .d = divide(kernels, c, threads),
              .zeros = workspace };
    const division *d = &j.d;
    find_square(c->tap, c->taps, &j.s);
    memset(j.zeros, 0, d->zero_bytes);
    j.own = (char *)workspace + d->zero_bytes;
    j.v = j.own + (size_t)threads * (d->m_bytes + d->list_bytes);
    if (d->shared) {
        for (int64_t b = 0; b < d->blocks; b++) {
            int64_t first = d->tiles * b / d->blocks;
            run_shared_block(&j, first, d->tiles * (b + 1) / d->blocks - first,
                             threads);
        }
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < d->blocks; b++) {
        int64_t first = d->tiles * b / d->blocks;
        run_own_block(&j, first, d->tiles * (b + 1) / d->blocks - first);
    }
}
