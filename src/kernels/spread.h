/*
 * The gradient at a picture: a transposed convolution to few channels, whose
 * kernel's rows are wider than its steps.
 *
 *   y[r][x*stride - before + k][c] += sum over i, d of
 *       x[o][x][d] * w[d][c][i][k]   with o*stride - before + i = r
 *
 * A line of y is one product: the lines of x that reach it are the taps, and
 * the columns are all k and c of a kernel's row. Rows of the product overlap in
 * y, where they are added in one order.
 */
#ifndef CX_KERNELS_SPREAD_H
#define CX_KERNELS_SPREAD_H

#include "kernels/panels.h"

/* Along height and width. x is the convolution's output, y its input. */
typedef struct cx_spread {
    int64_t batch;
    int64_t in[2], out[2]; /* pixels of y and of x */
    int64_t kernel[2], stride[2], before[2];
    int64_t depth, channels; /* of x and of y */
    const cxai_real *x;
    int64_t x_pixel; /* reals from a pixel to the next; they lie in order */
    cxai_real *y;
    int64_t y_pixel;
    int adds;                 /* to what is in y */
    int biased;               /* the packed biases are added */
    const cxai_real *weights; /* packed */
} cx_spread;

/* Whether this is faster than pixel by pixel (kernels/narrow.h). Looks at the
   kernel, the strides and the channels alone. */
int cx_spread_fits(const cx_kernels *kernels, const cx_spread *s);

/* Bytes, or SIZE_MAX. */
size_t cx_spread_packed_bytes(const cx_kernels *kernels, const cx_spread *s);
/* w: depth,channels,kernel; bias: one a channel, or NULL. */
void cx_spread_pack(const cx_kernels *kernels, const cx_spread *s,
                    const cxai_real *w, const cxai_real *bias,
                    cxai_real *packed);

size_t cx_spread_workspace(const cx_kernels *kernels, const cx_spread *s,
                           int threads);
void cx_spread_run(const cx_kernels *kernels, const cx_spread *s, int threads,
                   void *workspace);

#endif
