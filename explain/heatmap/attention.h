/* Attention matrices of a vision transformer, and what flows through them all
   from the patches to the token that is read. */
#ifndef CXAI_HEATMAP_ATTENTION_H
#define CXAI_HEATMAP_ATTENTION_H

#include "cxai/heatmap.h"

/* One block's attention: tokens x tokens for each head. */
typedef struct cx_attention {
    int64_t heads, tokens;
    const cxai_real *weights;   /* [heads][tokens][tokens], rows sum to 1 */
    const cxai_real *gradients; /* of the target, the same; or NULL */
    const void *payload;
} cx_attention;

/* Makes of a block what it mixes tokens by: where a token takes from, row
   [tokens]. Called on several threads at once. */
typedef void cx_attention_function(const cx_attention *a, int64_t token,
                                   double *row);

/*
 * A method, whole: multiplies the blocks' matrices, last times ... times
 * first, and hands over the row of the first token when that is no patch (the
 * class token), else the mean of all rows, at the patches.
 *
 * Attention matrices are what Softmax nodes put out along the last axis and a
 * MatMul multiplies values by. CXAI_UNSUPPORTED when there are none, or they do
 * not all join all tokens, as in Swin, whose windows are shifted.
 */
cxai_status cx_attention_rollout(const cxai_heatmap_call *call,
                                 int with_gradients,
                                 cx_attention_function *function,
                                 const void *payload, cxai_error *error);

#endif
