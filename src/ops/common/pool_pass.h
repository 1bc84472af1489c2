/*
 * A pass of a pool over all pixels.
 *
 * Forward each output pixel gathers the input pixels of its window; backward
 * each input pixel gathers the output pixels whose windows it lies in. So both
 * directions write every pixel once, in any order. Both walk the same lists,
 * which are made axis by axis: a window is a box.
 */
#ifndef CX_OPS_COMMON_POOL_PASS_H
#define CX_OPS_COMMON_POOL_PASS_H

#include "ops/common/pool_axis.h"

typedef struct cx_pool {
    cx_window window;
    int64_t channels;
    int maximum;       /* else the average */
    int count_padding; /* an average's divisor counts cells in the padding */
} cx_pool;

typedef struct cx_pool_pass {
    const cx_pool *pool;
    int backward;
    const cxai_tensor *from, *to; /* channels-last: x, y or dy, dx */
    void *winner; /* of a maximum, by output pixel, then channel: the number of
                     its cell; forward NULL: not wanted */
    cx_delivery delivery;
} cx_pool_pass;

/* Of a cell's number: 1 or 4. */
int cx_pool_winner_bytes(const cx_pool *pool);

/* Bytes, or SIZE_MAX. */
size_t cx_pool_workspace(const cx_pool *pool, int backward, int threads);
void cx_pool_run(const cx_case *c, const cx_pool_pass *pass, void *workspace);

#endif
