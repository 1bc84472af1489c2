#include "kernels/winograd_weights.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/turn.h"
#include "kernels/work.h"

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
    int tile, points; /* outputs of a tile along an axis; its points */
    int64_t across, down, tiles; /* tiles along a row, a column; of all */
    int64_t panels, matrix, width;
    int64_t blocks, block; /* number of blocks, most tiles of one */
    int shared;
    int turns; /* weights are turned; else, if they are of the other direction,
                  they are read as they lie. As all pictures, alone or not */
    int64_t v_point, m_point;
    size_t v_bytes, m_bytes, list_bytes, zero_bytes;
    size_t own_bytes;    /* of a thread: products, lists, a turned panel */
    size_t turned_bytes; /* of all weights, turned before blocks read them */
} division;

/* All points of a tile. */
static int64_t points_bytes(const cx_convolution *c, int64_t channels)
{
    return cx_winograd_points(c->tile) * channels * (int64_t)sizeof(cxai_real);
}

static division divide(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    division d = { .tile = c->tile,
                   .points = cx_winograd_points(c->tile),
                   .across = cx_ceiling(c->out[2], c->tile),
                   .down = cx_ceiling(c->out[1], c->tile),
                   .panels = cx_panel_count(kernels, c->columns),
                   .matrix = cx_winograd_matrix(kernels, c->depth),
                   .width = 2 * kernels->lanes };
    d.tiles = c->batch * d.across * d.down;
    int64_t rows = kernels->tile_rows;
    int64_t own = OWN_BYTES / points_bytes(c, c->depth + d.width);
    own = cx_maximum(cx_minimum(own / rows, 4), 1) * rows;
    d.blocks = cx_ceiling(d.tiles, own);
    d.shared = d.blocks < 2 * threads ||
               points_bytes(c, c->depth) * c->columns > WEIGHTS_BYTES;
    if (d.shared)
        d.blocks = cx_ceiling(
            d.tiles,
            cx_maximum(SHARED_BYTES / points_bytes(c, c->depth), rows));
    else
        d.blocks = cx_minimum(cx_ceiling(d.blocks, threads) * threads, d.tiles);
    d.block = d.blocks > 0 ? cx_ceiling(d.tiles, d.blocks) : 0;
    d.v_point = d.block * c->depth + PADDING;
    d.m_point = d.block * d.width + PADDING;
    d.v_bytes =
        cx_size_line((size_t)(d.v_point * d.points) * sizeof(cxai_real));
    d.m_bytes =
        cx_size_line((size_t)(d.m_point * d.points) * sizeof(cxai_real));
    d.list_bytes =
        cx_size_line((size_t)d.block * (sizeof(cxai_real *) + sizeof(int64_t)));
    d.zero_bytes = cx_size_line((size_t)c->depth * sizeof(cxai_real));
    d.own_bytes = cx_size_plus(d.m_bytes, d.list_bytes);
    d.turns =
        c->turned > 0 && !cx_turn_point_fits(kernels, c, d.across * d.down);
    size_t matrix_bytes = (size_t)d.matrix * sizeof(cxai_real);
    if (d.turns && d.shared)
        d.own_bytes = cx_size_plus(d.own_bytes, cx_size_line(matrix_bytes));
    else if (d.turns)
        d.turned_bytes = cx_size_line(
            cx_size_times((size_t)(d.panels * d.points), matrix_bytes));
    return d;
}

size_t cx_winograd_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads)
{
    division d = divide(kernels, c, threads);
    size_t all =
        cx_size_plus(d.zero_bytes, cx_size_times(d.own_bytes, (size_t)threads));
    all = cx_size_plus(all, d.turned_bytes);
    return cx_size_plus(
        all, cx_size_times(d.v_bytes, d.shared ? 1 : (size_t)threads));
}

/* ---- the work ------------------------------------------------------------ */

typedef struct job {
    const cx_kernels *kernels;
    const cx_convolution *c;
    division d;
    cx_square s;
    cxai_real *zeros;
    const cxai_real *weights; /* packed for this direction, or NULL */
    char *own, *v;            /* of all threads */
} job;

/* A tile's place: its picture and its first output pixel. */
typedef struct place {
    int64_t n, y, x;
} place;

static place place_of(const division *d, int64_t tile)
{
    return (place){ tile / (d->across * d->down),
                    tile / d->across % d->down * d->tile,
                    tile % d->across * d->tile };
}

/* Tile number i of a block that begins with tile `first`. */
static void transform_tile(const job *j, int64_t first, int64_t i, cxai_real *v)
{
    const cx_convolution *c = j->c;
    const cxai_real *x[CX_WINOGRAD_POINTS];
    const int side = cx_winograd_side(c->tile);
    place p = place_of(&j->d, first + i);
    for (int row = 0; row < side; row++) {
        int64_t y = p.y + j->s.first[0] + row;
        const cxai_real *line =
            c->x + (p.n * c->in[1] + y) * c->in[2] * c->x_pixel;
        int inside = y >= 0 && y < c->in[1];
        for (int column = 0; column < side; column++) {
            int64_t at = p.x + j->s.first[1] + column;
            x[row * side + column] = inside && at >= 0 && at < c->in[2]
                                         ? line + at * c->x_pixel
                                         : j->zeros;
        }
    }
    j->kernels->winograd_input(c->tile, x, c->depth, v + i * c->depth,
                               j->d.v_point);
}

/* A thread's own memory: products of one panel, rows to read and write, turned
   weights. */
typedef struct scratch {
    cxai_real *m;
    const cxai_real **row;
    int64_t *offset;
    cxai_real *panel; /* one point of a turned one */
} scratch;

static scratch scratch_of(const job *j)
{
    char *own = j->own + (size_t)cx_thread_number() * j->d.own_bytes;
    char *lists = own + j->d.m_bytes;
    return (scratch){
        .m = (cxai_real *)(void *)own,
        .row = (const cxai_real **)(void *)lists,
        .offset = (int64_t *)(void *)(lists +
                                      (size_t)j->d.block * sizeof(cxai_real *)),
        .panel = (cxai_real *)(void *)(lists + j->d.list_bytes),
    };
}

/* Longer panels are too much to be fetched ahead; those that each thread reads
   for a block of its own are near already. */
enum { FETCHED_REALS = 5 << 10 };

/* Fetches a part of the panel that is used next: where few rows share a panel,
   waiting for it takes as long as the products. */
static void fetch_part(const cxai_real *panel, int64_t reals, int64_t part,
                       int64_t parts)
{
    enum { LINE = 64 / sizeof(cxai_real), SECOND_LEVEL = 2 };
    for (int64_t i = reals * part / parts; i < reals * (part + 1) / parts;
         i += LINE)
        __builtin_prefetch(panel + i, 0, SECOND_LEVEL);
}

/* Point k of count tiles against a panel of this direction. next: the panel
   that follows, or NULL. */
static void multiply_point(const job *j, const scratch *own, int64_t count,
                           int k, int columns, const cxai_real *panel,
                           const cxai_real *next)
{
    int64_t groups = cx_ceiling(count, j->kernels->tile_rows);
    cx_tile tile = {
        .columns = columns,
        .taps = 1,
        .depth = j->c->depth,
        .x_offset = k * j->d.v_point,
        .panel = panel,
        .y = own->m + k * j->d.m_point,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
    for (int64_t g = 0; g < groups; g++) {
        int64_t first = count * g / groups;
        tile.rows = (int)(count * (g + 1) / groups - first);
        tile.x = own->row + first;
        tile.y_offset = own->offset + first;
        if (next != NULL)
            fetch_part(next, j->d.matrix, g, groups);
        j->kernels->product(&tile);
    }
}

/* The same against panel p of the other direction. */
static void multiply_turned(const job *j, const scratch *own, int64_t count,
                            int k, int64_t p)
{
    const cx_convolution *c = j->c;
    cx_turned_tile next, tile = {
        .rows = (int)count,
        .x = own->row,
        .x_offset = k * j->d.v_point,
        .y = own->m + k * j->d.m_point,
        .y_offset = own->offset,
    };
    cx_turn_point_tile(j->kernels, c, p, k, &tile);
    int points = j->d.points;
    if (k + 1 < points || p + 1 < j->d.panels) {
        cx_turn_point_tile(j->kernels, c, p + (k + 1) / points,
                           (k + 1) % points, &next);
        tile.next = next.panel;
    }
    j->kernels->product_turned(&tile);
}

/* m = v u for every point: count tiles from v on against panel p. */
static void multiply_points(const job *j, const scratch *own,
                            const cxai_real *v, int64_t count, int64_t p,
                            int columns)
{
    const division *d = &j->d;
    for (int64_t i = 0; i < count; i++) {
        own->row[i] = v + i * j->c->depth;
        own->offset[i] = i * d->width;
    }
    for (int k = 0; k < d->points; k++) {
        if (j->weights != NULL) {
            const cxai_real *panel =
                j->weights + (p * d->points + k) * d->matrix;
            multiply_point(j, own, count, k, columns, panel,
                           d->shared && d->matrix <= FETCHED_REALS
                               ? panel + d->matrix
                               : NULL);
        } else if (d->turns) {
            cx_turn_point(j->kernels, j->c, p, k, own->panel);
            multiply_point(j, own, count, k, columns, own->panel, NULL);
        } else {
            multiply_turned(j, own, count, k, p);
        }
    }
}

static void finish_rows(const job *j, const cx_winograd_tile *tile)
{
    const int64_t pixel[CX_WINOGRAD_TILE] = { 0, tile->y_pixel,
                                              2 * tile->y_pixel,
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
    static const cxai_real no_bias[2 * CX_MAX_LANES];
    scratch own = scratch_of(j);
    int columns = cx_panel_columns(j->kernels, c->columns, p);
    int width = columns > j->kernels->lanes ? (int)d->width : j->kernels->lanes;
    int64_t column = p * d->width;
    multiply_points(j, &own, v + from * c->depth, to - from, p, width);
    cx_winograd_tile tile = {
        .size = d->tile,
        .m_point = d->m_point,
        .columns = columns,
        .bias = c->turned > 0
                    ? no_bias
                    : c->weights + d->panels * d->points * d->matrix + column,
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
        tile.rows = (int)cx_minimum(d->tile, c->out[1] - at.y);
        tile.width = (int)cx_minimum(d->tile, c->out[2] - at.x);
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

/* Turns all weights, which many blocks are going to read. */
static void turn_weights(const job *j, int threads, cxai_real *turned)
{
    const division *d = &j->d;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < d->panels * d->points; i++)
        cx_turn_point(j->kernels, j->c, i / d->points, (int)(i % d->points),
                      turned + i * d->matrix);
}

void cx_winograd_convolve(const cx_kernels *kernels, const cx_convolution *c,
                          int threads, void *workspace)
{
    job j = { .kernels = kernels,
              .c = c,
              .d = divide(kernels, c, threads),
              .zeros = workspace,
              .weights = c->turned > 0 ? NULL : c->weights };
    const division *d = &j.d;
    cx_find_square(c->tap, c->taps, &j.s);
    memset(j.zeros, 0, d->zero_bytes);
    j.own = (char *)workspace + d->zero_bytes;
    j.v = j.own + (size_t)threads * d->own_bytes;
    if (d->turns && !d->shared) {
        cxai_real *turned = (cxai_real *)(void *)j.v;
        turn_weights(&j, threads, turned);
        j.weights = turned;
        j.v += d->turned_bytes;
    }
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
