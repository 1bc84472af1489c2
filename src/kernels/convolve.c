#include "kernels/convolve.h"

#include "kernels/gather.h"
#include "kernels/turn.h"
#include "kernels/work.h"

size_t cx_convolve_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads)
{
    return cx_gather_bytes(kernels, c, threads);
}

int64_t cx_pixel_count(const cx_convolution *c)
{
    return c->batch * c->out[0] * c->out[1] * c->out[2];
}

/* ---- the product --------------------------------------------------------- */

/* Reals of input rows that a chunk of tiles reads at most: they stay in the
   second-level cache while panel after panel passes. */
enum { CHUNK_REALS = 64 << 10 };

/*
 * Where the weights are much larger than the input, and this stays there whole,
 * each thread takes a share of the panels instead and reads it once: all pixels
 * pass a panel before the next.
 */
enum { INPUT_REALS = 128 << 10, MUCH_LARGER = 8 };

/* How the work is cut: chunks of tiles, times runs of panels. */
typedef struct division {
    int panels_first;
    int64_t pixels, tiles, chunks;
    int64_t panels_of_group, panels, runs;
    int64_t panel_reals, group_reals; /* from one to the next */
} division;

static division divide(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    division d = { .pixels = cx_pixel_count(c) };
    d.tiles = cx_ceiling(d.pixels, kernels->tile_rows);
    d.panels_of_group = cx_panel_count(kernels, c->columns);
    d.panels = d.panels_of_group * c->groups;
    d.panel_reals = cx_panel_stride(kernels, c->taps, c->depth);
    d.group_reals = d.panel_reals * d.panels_of_group;
    int64_t tile_reals = kernels->tile_rows * c->depth * c->groups;
    int64_t together = cx_minimum(CX_CHUNK_TILES, 1 + CHUNK_REALS / tile_reals);
    d.chunks = cx_ceiling(d.tiles, together);
    if (d.chunks > 1)
        d.chunks = cx_minimum(cx_ceiling(d.chunks, threads) * threads, d.tiles);
    d.runs = 1;
    int64_t read = c->batch * c->in[0] * c->in[1] * c->in[2];
    read = cx_minimum(read, d.pixels * c->taps) * c->depth * c->groups;
    d.panels_first =
        read <= INPUT_REALS && d.panels * d.panel_reals >= MUCH_LARGER * read;
    if (d.panels_first)
        d.runs = d.panels;
    else if (d.chunks < 2 * threads)
        d.runs = cx_minimum(cx_ceiling(2 * threads, d.chunks), d.panels);
    if (c->turned > 0) {
        d.runs = cx_ceiling(d.panels, cx_turned_panels(kernels, c));
        d.runs = cx_minimum(cx_ceiling(d.runs, threads) * threads, d.panels);
    }
    return d;
}

/* The tiles of a chunk: rows[i] pixels each, and what they read and write. */
typedef struct chunk {
    int count;
    int rows[CX_CHUNK_TILES];
    const cxai_real **x[CX_CHUNK_TILES];
    int64_t y_offset[CX_CHUNK_TILES][CX_MAX_TILE_ROWS];
} chunk;

static void gather_chunk(const cx_kernels *kernels, const cx_gather *g,
                         const division *d, int64_t number, chunk *tiles)
{
    int64_t first = d->tiles * number / d->chunks;
    int64_t end = d->tiles * (number + 1) / d->chunks;
    int64_t pixel = d->pixels * first / d->tiles;
    cx_cursor cursor = cx_cursor_at(g->c, pixel);
    tiles->count = (int)(end - first);
    for (int i = 0; i < tiles->count; i++) {
        int64_t next = d->pixels * (first + i + 1) / d->tiles;
        tiles->rows[i] = (int)(next - pixel);
        tiles->x[i] = cx_gather_rows(g, i, &cursor, tiles->rows[i],
                                     kernels->tile_rows, tiles->y_offset[i]);
        pixel = next;
    }
}

void cx_convolve_mask(const cx_kernels *kernels, const cx_convolution *c,
                      cxai_real *y, const int64_t *y_offset, int rows,
                      int64_t columns)
{
    if (c->mask != NULL)
        kernels->keep_rows(y, y_offset, rows, columns, c->mask,
                           y - c->mask_start);
}

void cx_convolve_finish(const cx_kernels *kernels, const cx_convolution *c,
                        cxai_real *y, const int64_t *y_offset, int rows,
                        int64_t columns)
{
    if (c->swish)
        kernels->swish_rows(y, y_offset, rows, columns);
    cx_convolve_mask(kernels, c, y, y_offset, rows, columns);
}

/* All tiles of a chunk against panel number q of all groups, which lies in
   panel. */
static void convolve_panel(const cx_kernels *kernels, const cx_gather *g,
                           const division *d, const chunk *tiles, int64_t q,
                           const cxai_real *panel)
{
    const cx_convolution *c = g->c;
    int64_t group = q / d->panels_of_group, p = q % d->panels_of_group;
    int64_t column = group * c->columns + p * 2 * kernels->lanes;
    cx_tile tile = {
        .columns = cx_panel_columns(kernels, c->columns, p),
        .taps = g->taps,
        .depth = g->depth,
        .x_offset = group * c->depth,
        .panel = panel,
        .y = c->y + column,
        .residual = c->residual == NULL ? NULL : c->residual + column,
        .low = c->low,
        .high = c->high,
    };
    for (int i = 0; i < tiles->count; i++) {
        tile.rows = tiles->rows[i];
        tile.x = tiles->x[i];
        tile.y_offset = tiles->y_offset[i];
        kernels->product(&tile);
        cx_convolve_finish(kernels, c, tile.y, tile.y_offset, tile.rows,
                           tile.columns);
    }
}

static const cxai_real *panel_of(const cx_gather *g, const division *d,
                                 int64_t q)
{
    int64_t group = q / d->panels_of_group, p = q % d->panels_of_group;
    return g->c->weights + group * d->group_reals + p * d->panel_reals;
}

static void convolve_item(const cx_kernels *kernels, const cx_gather *g,
                          const division *d, int64_t item)
{
    chunk tiles;
    int64_t run = d->panels_first ? item / d->chunks : item % d->runs;
    int64_t number = d->panels_first ? item % d->chunks : item / d->runs;
    gather_chunk(kernels, g, d, number, &tiles);
    for (int64_t q = d->panels * run / d->runs;
         q < d->panels * (run + 1) / d->runs; q++)
        convolve_panel(kernels, g, d, &tiles, q, panel_of(g, d, q));
}

/* Turns a run of panels and lets all pixels pass them. */
static void convolve_turned(const cx_kernels *kernels, const cx_gather *g,
                            const division *d, int64_t run)
{
    chunk tiles;
    cxai_real *panels = cx_gather_panels(g);
    int64_t first = d->panels * run / d->runs;
    int64_t end = d->panels * (run + 1) / d->runs;
    for (int64_t q = first, next; q < end; q = next) { /* group by group */
        int64_t group = q / d->panels_of_group, p = q % d->panels_of_group;
        next = cx_minimum(end, (group + 1) * d->panels_of_group);
        cx_turn_panels(kernels, g->c, group, p, p + next - q,
                       panels + (q - first) * d->panel_reals);
    }
    for (int64_t i = 0; i < d->chunks; i++) {
        gather_chunk(kernels, g, d, i, &tiles);
        for (int64_t q = first; q < end; q++)
            convolve_panel(kernels, g, d, &tiles, q,
                           panels + (q - first) * d->panel_reals);
    }
}

void cx_convolve_alone(const cx_kernels *kernels, const cx_gather *g)
{
    division d = divide(kernels, g->c, 1);
    for (int64_t item = 0; item < d.chunks * d.runs; item++)
        convolve_item(kernels, g, &d, item);
}

void cx_convolve(const cx_kernels *kernels, const cx_convolution *c,
                 int threads, void *workspace)
{
    division d = divide(kernels, c, threads);
    if (d.pixels == 0)
        return;
    cx_gather g = cx_gather_begin(kernels, c, workspace);
    int64_t work = d.pixels * c->taps * c->depth * c->columns * c->groups;
    int64_t items = c->turned > 0 ? d.runs : d.chunks * d.runs;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t item = 0; item < items; item++)
        if (c->turned > 0)
            convolve_turned(kernels, &g, &d, item);
        else
            convolve_item(kernels, &g, &d, item);
}
