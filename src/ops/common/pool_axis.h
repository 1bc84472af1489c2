/* The windows of pools along one axis, as lists of pixels, and what MaxPool's
   second output says of them. */
#ifndef CX_OPS_COMMON_POOL_AXIS_H
#define CX_OPS_COMMON_POOL_AXIS_H

#include "ops/common/window.h"

typedef struct cx_pool_place {
    int64_t pixel;    /* that is read */
    int64_t cell;     /* of the window, through which */
    cxai_real weight; /* 1 / cells that the average counts along this axis */
} cx_pool_place;

/* The input pixels of output pixel o; returns how many. With count_padding an
   average's divisor counts cells in the padding. */
int64_t cx_pool_inputs(const cx_window_axis *axis, int count_padding, int64_t o,
                       cx_pool_place *list);
/* The output pixels that read input pixel i; returns how many. */
int64_t cx_pool_outputs(const cx_window_axis *axis, int count_padding,
                        int64_t i, cx_pool_place *list);

/* For each output element, row-major, the number of the input's element that
   was the greatest, counted through batch, channels and pixels (the last of
   these fastest, or, with column_major, the first). winner: number of a cell by
   output pixel, then channel. */
void cx_pool_indices(const cx_window *window, int64_t channels,
                     const void *winner, int winner_bytes, int column_major,
                     cxai_real *out);

#endif
