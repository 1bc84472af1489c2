#include "kernels/narrow.h"

#include <string.h>

#include "base/size.h"
#include "kernels/gather.h"
#include "kernels/work.h"

/* Below, taps would be merged (gather.h) and vectors stay half empty. */
enum { LEAST_DEPTH = 16 };

int cx_narrow_fits(const cx_convolution *c)
{
    return c->groups == 1 && c->columns <= CX_NARROW_COLUMNS &&
           c->depth >= LEAST_DEPTH;
}

size_t cx_narrow_packed_bytes(const cx_weights *w)
{
    size_t rows = cx_size_times((size_t)w->taps, (size_t)w->depth);
    return cx_size_times(
        cx_size_times(cx_size_plus(1, rows), (size_t)w->columns),
        sizeof(cxai_real));
}

void cx_narrow_pack(const cx_weights *w, cxai_real *packed)
{
    for (int64_t n = 0; n < w->columns; n++)
        *packed++ = w->bias == NULL ? 0 : w->bias[n];
    for (int64_t t = 0; t < w->taps; t++)
        for (int64_t n = 0; n < w->columns; n++) {
            const cxai_real *from = w->data + w->tap[t].weight * w->tap_stride +
                                    n * w->column_stride;
            for (int64_t d = 0; d < w->depth; d++)
                *packed++ = from[d * w->depth_stride];
        }
}

size_t cx_narrow_workspace(const cx_kernels *kernels, const cx_convolution *c,
                           int threads)
{
    return cx_gather_bytes(kernels, c, threads);
}

/* One line of output pixels. Rows that a tile lacks are those of its first
   pixel: they are computed and not written. */
static void convolve_line(const cx_kernels *kernels, const cx_gather *g,
                          int64_t line)
{
    enum { WIDTH = CX_NARROW_PIXELS };
    const cx_convolution *c = g->c;
    int64_t y_offset[WIDTH];
    int64_t pixels = c->out[2], tiles = cx_ceiling(pixels, WIDTH);
    cx_cursor cursor = cx_cursor_at(c, line * pixels);
    cx_tile tile = {
        .columns = (int)c->columns,
        .taps = c->taps,
        .depth = c->depth,
        .panel = c->weights,
        .y = c->y,
        .y_offset = y_offset,
        .residual = c->residual,
        .low = c->low,
        .high = c->high,
    };
    for (int64_t i = 0; i < tiles; i++) {
        tile.rows = (int)(pixels * (i + 1) / tiles - pixels * i / tiles);
        const cxai_real **x =
            cx_gather_rows(g, 0, &cursor, tile.rows, WIDTH, y_offset);
        for (int64_t t = 0; t < c->taps; t++)
            for (int j = tile.rows; j < WIDTH; j++)
                x[t * WIDTH + j] = x[t * WIDTH];
        tile.x = x;
        kernels->narrow(&tile);
        cx_convolve_finish(kernels, c, c->y, y_offset, tile.rows, c->columns);
    }
}

void cx_narrow_convolve(const cx_kernels *kernels, const cx_convolution *c,
                        int threads, void *workspace)
{
    int64_t lines = c->batch * c->out[0] * c->out[1];
    int64_t work = lines * c->out[2] * c->taps * c->depth * c->columns;
    if (work == 0)
        return;
    cx_gather g = cx_gather_begin(kernels, c, workspace);
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t line = 0; line < lines; line++)
        convolve_line(kernels, &g, line);
}
