#include "kernels/convolve.h"

#include <string.h>

#include "base/size.h"
#include "kernels/work.h"

/* Tiles that share one pass over the panels, and the reals of their rows. */
enum { CHUNK_TILES = 8, CHUNK_REALS = 64 << 10 };

static int64_t pixel_count(const cx_convolution *c)
{
    return c->batch * c->out[0] * c->out[1] * c->out[2];
}

/* Widest a table of row pointers gets for one tile. */
static int table_width(const cx_kernels *kernels)
{
    return kernels->tile_rows > CX_DEPTHWISE_PIXELS ? kernels->tile_rows
                                                    : CX_DEPTHWISE_PIXELS;
}

/* ---- workspace: zeros, tap offsets, a table for each thread -------------- */

typedef struct workspace {
    cxai_real *zeros;    /* a row of all input channels, for padding */
    int64_t *offset;     /* of each tap's pixel from pixel 0, in reals */
    int64_t reach[3][2]; /* smallest and largest tap.at of each axis */
    char *tables;
    size_t table_bytes;
} workspace;

static size_t table_bytes(const cx_kernels *kernels, const cx_convolution *c)
{
    size_t tile = cx_size_times((size_t)table_width(kernels), sizeof(void *));
    return cx_size_line(
        cx_size_times(cx_size_times((size_t)c->taps, tile), CHUNK_TILES));
}

size_t cx_convolve_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads)
{
    size_t channels = cx_size_times((size_t)c->groups, (size_t)c->depth);
    size_t zeros = cx_size_line(cx_size_times(channels, sizeof(cxai_real)));
    size_t offsets =
        cx_size_line(cx_size_times((size_t)c->taps, sizeof(int64_t)));
    size_t tables = cx_size_times(table_bytes(kernels, c), (size_t)threads);
    return cx_size_plus(cx_size_plus(zeros, offsets), tables);
}

static workspace arrange(const cx_kernels *kernels, const cx_convolution *c,
                         void *memory)
{
    workspace w = { .zeros = memory, .table_bytes = table_bytes(kernels, c) };
    size_t zeros = (size_t)(c->groups * c->depth) * sizeof(cxai_real);
    memset(w.zeros, 0, zeros);
    w.offset = (int64_t *)(void *)((char *)memory + cx_size_line(zeros));
    w.tables =
        (char *)w.offset + cx_size_line((size_t)c->taps * sizeof(int64_t));
    for (int64_t t = 0; t < c->taps; t++) {
        const int64_t *at = c->tap[t].at;
        w.offset[t] =
            ((at[0] * c->in[1] + at[1]) * c->in[2] + at[2]) * c->x_pixel;
        for (int i = 0; i < 3; i++) {
            if (t == 0 || at[i] < w.reach[i][0])
                w.reach[i][0] = at[i];
            if (t == 0 || at[i] > w.reach[i][1])
                w.reach[i][1] = at[i];
        }
    }
    return w;
}

/* ---- rows ---------------------------------------------------------------- */

/* A walk over output pixels: batch, depth, height, width. */
typedef struct cursor {
    int64_t at[4];
} cursor;

static cursor cursor_at(const cx_convolution *c, int64_t pixel)
{
    cursor p;
    for (int i = 3; i > 0; i--) {
        p.at[i] = pixel % c->out[i - 1];
        pixel /= c->out[i - 1];
    }
    p.at[0] = pixel;
    return p;
}

static void cursor_next(const cx_convolution *c, cursor *p)
{
    for (int i = 3; i > 0; i--) {
        if (++p->at[i] < c->out[i - 1])
            return;
        p->at[i] = 0;
    }
    p->at[0]++;
}

/* The rows that one output pixel reads, width pointers apart; position is
   that of the input pixel of a tap at 0. */
static void pixel_rows(const cx_convolution *c, const workspace *w,
                       int64_t batch, const int64_t position[3], int width,
                       const cxai_real **row)
{
    int64_t pixel =
        ((batch * c->in[0] + position[0]) * c->in[1] + position[1]) * c->in[2] +
        position[2];
    const cxai_real *origin = c->x + pixel * c->x_pixel;
    int inside = 1;
    for (int i = 0; i < 3; i++)
        inside &= position[i] + w->reach[i][0] >= 0 &&
                  position[i] + w->reach[i][1] < c->in[i];
    if (inside) {
        for (int64_t t = 0; t < c->taps; t++)
            row[t * width] = origin + w->offset[t];
        return;
    }
    for (int64_t t = 0; t < c->taps; t++) {
        const int64_t *at = c->tap[t].at;
        inside = 1;
        for (int i = 0; i < 3; i++)
            inside &= (uint64_t)(position[i] + at[i]) < (uint64_t)c->in[i];
        row[t * width] = inside ? origin + w->offset[t] : w->zeros;
    }
}

/* Rows and output offsets of count pixels from p on; p moves behind them. */
static void gather(const cx_convolution *c, const workspace *w, cursor *p,
                   int count, int width, const cxai_real **row,
                   int64_t *y_offset)
{
    for (int i = 0; i < count; i++) {
        int64_t position[3];
        y_offset[i] = p->at[0] * c->y_stride[0];
        for (int axis = 0; axis < 3; axis++) {
            position[axis] = p->at[1 + axis] * c->step[axis];
            y_offset[i] += p->at[1 + axis] * c->y_stride[1 + axis];
        }
        pixel_rows(c, w, p->at[0], position, width, row + i);
        cursor_next(c, p);
    }
}

/* ---- the product --------------------------------------------------------- */

/* How the work is cut: chunks of tiles, times runs of panels. */
typedef struct division {
    int64_t pixels, tiles, chunks;
    int64_t panels_of_group, panels, runs;
} division;

static division divide(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    division d = { .pixels = pixel_count(c) };
    d.tiles = cx_ceiling(d.pixels, kernels->tile_rows);
    d.panels_of_group = cx_panel_count(kernels, c->columns);
    d.panels = d.panels_of_group * c->groups;
    int64_t tile_reals = kernels->tile_rows * c->depth * c->groups;
    int64_t together = cx_minimum(CHUNK_TILES, 1 + CHUNK_REALS / tile_reals);
    d.chunks = cx_ceiling(d.tiles, together);
    if (d.chunks > 1)
        d.chunks = cx_minimum(cx_ceiling(d.chunks, threads) * threads, d.tiles);
    d.runs = 1;
    if (d.chunks < 2 * threads)
        d.runs = cx_minimum(cx_ceiling(2 * threads, d.chunks), d.panels);
    return d;
}

static void convolve_item(const cx_kernels *kernels, const cx_convolution *c,
                          const workspace *w, const division *d, int64_t chunk,
                          int64_t run)
{
    const cxai_real **table =
        (void *)(w->tables + (size_t)cx_thread_number() * w->table_bytes);
    int64_t y_offset[CHUNK_TILES][CX_MAX_TILE_ROWS];
    int rows[CHUNK_TILES];
    int64_t first = d->tiles * chunk / d->chunks;
    int count = (int)(d->tiles * (chunk + 1) / d->chunks - first);
    int64_t tile_table = c->taps * kernels->tile_rows;
    cursor p = cursor_at(c, d->pixels * first / d->tiles);
    for (int i = 0; i < count; i++) {
        rows[i] = (int)(d->pixels * (first + i + 1) / d->tiles -
                        d->pixels * (first + i) / d->tiles);
        gather(c, w, &p, rows[i], kernels->tile_rows, table + i * tile_table,
               y_offset[i]);
    }
    int64_t stride = cx_panel_stride(kernels, c->taps, c->depth);
    int64_t group_bytes =
        (int64_t)cx_panels_bytes(kernels, c->taps, c->depth, c->columns);
    int64_t group_reals = group_bytes / (int64_t)sizeof(cxai_real);
    for (int64_t q = d->panels * run / d->runs;
         q < d->panels * (run + 1) / d->runs; q++) {
        int64_t group = q / d->panels_of_group, n = q % d->panels_of_group;
        int64_t column = group * c->columns + n * 2 * kernels->lanes;
        cx_tile tile = {
            .columns = cx_panel_columns(kernels, c->columns, n),
            .taps = c->taps,
            .depth = c->depth,
            .x_offset = group * c->depth,
            .panel = c->weights + group * group_reals + n * stride,
            .y = c->y + column,
            .residual = c->residual == NULL ? NULL : c->residual + column,
            .low = c->low,
            .high = c->high,
        };
        for (int i = 0; i < count; i++) {
            tile.rows = rows[i];
            tile.x = table + i * tile_table;
            tile.y_offset = y_offset[i];
            kernels->product(&tile);
        }
    }
}

void cx_convolve(const cx_kernels *kernels, const cx_convolution *c,
                 int threads, void *memory)
{
    division d = divide(kernels, c, threads);
    if (d.pixels == 0)
        return;
    workspace w = arrange(kernels, c, memory);
    int64_t items = d.chunks * d.runs;
    int64_t work = d.pixels * c->taps * c->depth * c->columns * c->groups;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t i = 0; i < items; i++)
        convolve_item(kernels, c, &w, &d, i / d.runs, i % d.runs);
}

/* ---- depthwise ----------------------------------------------------------- */

/* Runs of channels are a multiple of this long. */
enum { CHANNEL_RUN = 64 };

static void depthwise_item(const cx_kernels *kernels, const cx_convolution *c,
                           const workspace *w, int64_t line, int64_t from,
                           int64_t to)
{
    const cxai_real **table =
        (void *)(w->tables + (size_t)cx_thread_number() * w->table_bytes);
    int64_t y_offset[CX_DEPTHWISE_PIXELS];
    int64_t width = c->out[2], tiles = cx_ceiling(width, CX_DEPTHWISE_PIXELS);
    cursor p = cursor_at(c, line * width);
    for (int64_t i = 0; i < tiles; i++) {
        int count = (int)(width * (i + 1) / tiles - width * i / tiles);
        gather(c, w, &p, count, CX_DEPTHWISE_PIXELS, table, y_offset);
        for (int64_t t = 0; t < c->taps; t++)
            for (int j = count; j < CX_DEPTHWISE_PIXELS; j++)
                table[t * CX_DEPTHWISE_PIXELS + j] =
                    table[t * CX_DEPTHWISE_PIXELS];
        kernels->depthwise(&(cx_depthwise_tile){
            .pixels = count,
            .taps = c->taps,
            .channels = to - from,
            .x = table,
            .offset = from,
            .weights = c->weights,
            .weights_row = c->groups,
            .y = c->y,
            .y_offset = y_offset,
            .residual = c->residual,
            .low = c->low,
            .high = c->high,
        });
    }
}

void cx_convolve_depthwise(const cx_kernels *kernels, const cx_convolution *c,
                           int threads, void *memory)
{
    int64_t pixels = pixel_count(c);
    if (pixels == 0)
        return;
    workspace w = arrange(kernels, c, memory);
    int64_t lines = pixels / c->out[2], runs = 1;
    if (lines < 4 * threads)
        runs = cx_minimum(cx_ceiling(4 * threads, lines),
                          cx_ceiling(c->groups, CHANNEL_RUN));
    int64_t run =
        cx_ceiling(cx_ceiling(c->groups, runs), CHANNEL_RUN) * CHANNEL_RUN;
    int64_t work = pixels * c->taps * c->groups;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t i = 0; i < lines * runs; i++) {
        int64_t from = i % runs * run;
        if (from < c->groups)
            depthwise_item(kernels, c, &w, i / runs, from,
                           cx_minimum(from + run, c->groups));
    }
}
