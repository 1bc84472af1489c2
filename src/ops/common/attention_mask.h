/*
 * What is added to the scores of Attention: a mask, and minus infinity where a
 * query must not see a key: keys behind it (causal), outside of a window around
 * it, or in the padding of a cache. The place of query i is i + offset, where
 * the offset counts the keys before the first query.
 */
#ifndef CX_OPS_COMMON_ATTENTION_MASK_H
#define CX_OPS_COMMON_ATTENTION_MASK_H

#include "ops/operator.h"

typedef struct cx_attention_mask {
    int64_t batch, heads, queries, keys, past; /* filled by the operator */
    int causal;
    int64_t left, right;    /* keys of the window; -1: without end */
    const int64_t *valid;   /* keys of each sample; NULL: all */
    const cx_literal *mask; /* NULL: none */
    int64_t columns;        /* of the mask; keys behind them are not seen */
    int64_t stride[4];      /* batch, head, query, key; 0: repeated */
} cx_attention_mask;

/* The inputs that hold the mask and the number of valid keys, and attributes.
   Both are constants. */
cxai_status cx_attention_mask_read(const cx_case *c, int mask, int valid,
                                   cx_attention_mask *m);

cxai_real cx_attention_mask_at(const cx_attention_mask *m, int64_t batch,
                               int64_t head, int64_t query, int64_t key);

#endif
