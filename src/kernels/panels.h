/*
 * Packing weights for the product kernel (cx_tile in kernels.h).
 *
 * A matrix for each tap, depth x columns, becomes ceil(columns / (2*lanes))
 * panels one behind the other; the last is half as wide when no more than
 * lanes columns are left.
 */
#ifndef CX_KERNELS_PANELS_H
#define CX_KERNELS_PANELS_H

#include "kernels/kernels.h"

/* A tap of a convolution: the pixel that it reads for output pixel 0, along
   depth, height and width, and its place in the kernel. */
typedef struct cx_tap {
    int64_t at[3];
    int64_t weight;
} cx_tap;

/* Where the element of a tap, a depth and a column lies:
   data[tap[t].weight * tap_stride + d * depth_stride + n * column_stride]. */
typedef struct cx_weights {
    const cxai_real *data;
    int64_t tap_stride, depth_stride, column_stride;
    int64_t taps, depth, columns;
    const cx_tap *tap;     /* NULL: one tap at 0 */
    const cxai_real *bias; /* one a column, or NULL: 0 */
} cx_weights;

int64_t cx_panel_count(const cx_kernels *kernels, int64_t columns);
/* Columns that panel number p stores. */
int cx_panel_columns(const cx_kernels *kernels, int64_t columns, int64_t p);
/* Reals from one panel to the next. */
int64_t cx_panel_stride(const cx_kernels *kernels, int64_t taps, int64_t depth);
/* Bytes of all panels, or SIZE_MAX. */
size_t cx_panels_bytes(const cx_kernels *kernels, int64_t taps, int64_t depth,
                       int64_t columns);

/* Packs panel p alone; of tap 0 rows [from, to) of the depth when there is one
   tap, all when there are more. */
void cx_pack_panel(const cx_kernels *kernels, const cx_weights *weights,
                   int64_t p, int64_t from, int64_t to, cxai_real *panel);
void cx_pack_panels(const cx_kernels *kernels, const cx_weights *weights,
                    int threads, cxai_real *panels);

#endif
