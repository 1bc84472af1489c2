#include "kernels/sparse.h"

#include "kernels/work.h"

/* One in so many numbers may be other than 0: sums of rows reach a fraction of
   the product's speed. */
enum { SPARSENESS = 32, STREAMS = 8 };

/* Each output pixel reads the input pixel of its own place alone, and they lie
   in order. */
static int is_pointwise(const cx_convolution *c)
{
    int same = c->groups == 1 && c->taps == 1;
    for (int i = 0; same && i < 3; i++)
        same = c->step[i] == 1 && c->in[i] == c->out[i] &&
               c->tap[0].at[i] == 0 &&
               c->y_stride[i] == c->y_stride[i + 1] * c->out[i];
    return same;
}

static int64_t count_nonzero(const cxai_real *row, int64_t count)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++)
        found += row[i] != 0;
    return found;
}

/* Gives up at the first pixels that have too many. */
static int is_sparse(const cx_convolution *c, int64_t pixels)
{
    int64_t found = 0;
    for (int64_t p = 0; p < pixels; p++) {
        found += count_nonzero(c->x + p * c->x_pixel, c->depth);
        if (found > (p + 1) * c->depth / SPARSENESS)
            return 0;
    }
    return 1;
}

/* Adds rows d[0..count) of all panels, or begins with them. */
static void add_rows(const cx_kernels *kernels, const cx_convolution *c,
                     const int64_t *d, const cxai_real *weight, int count,
                     int adds, cxai_real *y)
{
    int64_t panels = cx_panel_count(kernels, c->columns);
    const cxai_real *panel = c->weights, *row[STREAMS];
    for (int64_t p = 0; p < panels; p++) {
        int columns = cx_panel_columns(kernels, c->columns, p);
        int width =
            columns > kernels->lanes ? 2 * kernels->lanes : kernels->lanes;
        for (int i = 0; i < count; i++)
            row[i] = panel + (1 + d[i]) * width;
        kernels->combine(y, row, weight, count, columns, adds);
        y += columns;
        panel += cx_panel_stride(kernels, 1, c->depth);
    }
}

static void convolve_pixel(const cx_kernels *kernels, const cx_convolution *c,
                           int64_t p)
{
    const cxai_real *x = c->x + p * c->x_pixel;
    cxai_real *y = c->y + p * c->y_stride[3], weight[STREAMS];
    int64_t d[STREAMS];
    int count = 0, adds = c->residual != NULL;
    for (int64_t i = 0; i < c->depth; i++) {
        if (x[i] != 0) {
            d[count] = i;
            weight[count++] = x[i];
        }
        if (count == STREAMS) {
            add_rows(kernels, c, d, weight, count, adds, y);
            adds = 1;
            count = 0;
        }
    }
    if (count > 0 || !adds)
        add_rows(kernels, c, d, weight, count, adds, y);
    const int64_t y_offset[1] = { 0 };
    cx_convolve_finish(kernels, c, y, y_offset, 1, c->columns);
}

int cx_convolve_sparse(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    int64_t pixels = cx_pixel_count(c);
    if (!is_pointwise(c) || (c->residual != NULL && c->residual != c->y) ||
        !is_sparse(c, pixels))
        return 0;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (pixels * (c->depth + c->columns) > CX_SMALL_WORK)
    for (int64_t p = 0; p < pixels; p++)
        convolve_pixel(kernels, c, p);
    return 1;
}
