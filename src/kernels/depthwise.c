/*
 * Depthwise convolutions, a line of output pixels at a time.
 */
#include "kernels/depthwise.h"

#include "kernels/work.h"

/* Runs of channels are a multiple of this long. */
enum { CHANNEL_RUN = 64 };

/* Taps that follow each other along the width and that the kernel takes as one
   line, or 1. */
static int line_width(const cx_convolution *c)
{
    int64_t run = cx_tap_run(c);
    return cx_depthwise_fits(run, c->step[2]) ? (int)run : 1;
}

/* The first input pixel of the line that tap t reads for a line of output
   pixels, or NULL when it lies outside. */
static const cxai_real *input_line(const cx_convolution *c, const cx_cursor *p,
                                   const cx_tap *tap)
{
    int64_t z = p->at[1] * c->step[0] + tap->at[0];
    int64_t y = p->at[2] * c->step[1] + tap->at[1];
    if (z < 0 || z >= c->in[0] || y < 0 || y >= c->in[1])
        return NULL;
    int64_t line =
        c->ring > 0 ? y % c->ring : (p->at[0] * c->in[0] + z) * c->in[1] + y;
    return c->x + line * c->in[2] * c->x_pixel;
}

/* The columns of a line of taps for output pixels from `pixel` on; zeros where
   they lie outside. */
static void fill_line(const cx_gather *g, const cxai_real *line,
                      const cx_tap *tap, int64_t pixel, int width, int columns,
                      const cxai_real **x)
{
    const cx_convolution *c = g->c;
    int64_t first = pixel * c->step[2] + tap->at[2];
    int64_t jump = width == 1 ? c->step[2] : 1;
    for (int j = 0; j < columns; j++) {
        int64_t column = first + j * jump;
        x[j] = line == NULL || column < 0 || column >= c->in[2]
                   ? g->zeros
                   : line + column * c->x_pixel;
    }
}

void cx_depthwise_line(const cx_kernels *kernels, const cx_gather *g,
                       int64_t number, int64_t from, int64_t to)
{
    const cx_convolution *c = g->c;
    int64_t pixels = c->out[2];
    int64_t tiles = cx_ceiling(pixels, CX_DEPTHWISE_PIXELS);
    int64_t y_offset[CX_DEPTHWISE_PIXELS], y_line = 0;
    int width = line_width(c), step = width == 1 ? 1 : (int)c->step[2];
    int columns = cx_depthwise_columns(width, step);
    const cxai_real **x = cx_gather_table(g);
    const cx_cursor cursor = cx_cursor_at(c, number * pixels);
    cx_depthwise_tile tile = {
        .width = width,
        .step = step,
        .lines = c->taps / width,
        .channels = to - from,
        .x = x,
        .offset = from,
        .weights = c->weights,
        .weights_row = c->groups,
        .y = c->y,
        .y_offset = y_offset,
        .residual = c->residual,
        .low = c->low,
        .high = c->high,
        .swish = c->swish,
    };
    for (int axis = 0; axis < 3; axis++)
        y_line += cursor.at[axis] * c->y_stride[axis];
    for (int64_t i = 0; i < tiles; i++) {
        int64_t first = pixels * i / tiles;
        tile.pixels = (int)(pixels * (i + 1) / tiles - first);
        for (int j = 0; j < tile.pixels; j++)
            y_offset[j] = y_line + (first + j) * c->y_stride[3];
        for (int64_t l = 0; l < tile.lines; l++) {
            const cx_tap *tap = &c->tap[l * width];
            fill_line(g, input_line(c, &cursor, tap), tap, first, width,
                      columns, x + l * columns);
        }
        kernels->depthwise(&tile);
        cx_convolve_mask(kernels, c, c->y + from, y_offset, tile.pixels,
                         to - from);
    }
}

void cx_convolve_depthwise(const cx_kernels *kernels, const cx_convolution *c,
                           int threads, void *workspace)
{
    int64_t pixels = cx_pixel_count(c), runs = 1;
    if (pixels == 0)
        return;
    cx_gather g = cx_gather_begin(kernels, c, workspace);
    int64_t lines = pixels / c->out[2];
    if (lines < 4 * threads)
        runs = cx_minimum(cx_ceiling(4 * threads, lines),
                          cx_ceiling(c->groups, CHANNEL_RUN));
    int64_t run = cx_ceiling(cx_ceiling(c->groups, runs), CHANNEL_RUN);
    run *= CHANNEL_RUN;
    int64_t work = pixels * c->taps * c->groups;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t i = 0; i < lines * runs; i++) {
        int64_t from = i % runs * run;
        if (from < c->groups)
            cx_depthwise_line(kernels, &g, i / runs, from,
                              cx_minimum(from + run, c->groups));
    }
}
