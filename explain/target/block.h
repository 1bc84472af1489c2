/* The numbers of one term of a target, one after the other. */
#ifndef CXAI_TARGET_BLOCK_H
#define CXAI_TARGET_BLOCK_H

#include "cxai/target.h"

/* Positions at the beginning of a term's block in batch item index[0], and
   moves on in row-major order. */
typedef struct cx_block {
    int rank;
    cxai_span span[CXAI_MAX_RANK]; /* no count is 0 */
    int64_t count;                 /* of all numbers in the block */
    int64_t index[CXAI_MAX_RANK];
} cx_block;

cx_block cx_block_of(const cxai_target_term *term, const cxai_shape *shape,
                     int64_t item);
void cx_block_next(cx_block *block);

#endif
