/* The shapes of Attention: where the matrices of its inputs and outputs lie. */
#ifndef CX_OPS_COMMON_ATTENTION_SHAPE_H
#define CX_OPS_COMMON_ATTENTION_SHAPE_H

#include "kernels/multiply.h"
#include "ops/common/attention_mask.h"

enum { CX_Q, CX_K, CX_V, CX_MASK, CX_PAST_K, CX_PAST_V, CX_VALID }; /* inputs */
enum {
    CX_ANSWER,
    CX_PRESENT_K,
    CX_PRESENT_V,
    CX_SEEN
};                 /* outputs; SEEN: scores */
enum { CX_Y = 3 }; /* behind Q, K and V */
/* what SEEN shows */
enum { CX_SEEN_RAW, CX_SEEN_CAPPED, CX_SEEN_MASKED, CX_SEEN_PROBABILITIES };

/* Where the matrices of a tensor lie: reals from one to the next. */
typedef struct cx_place {
    int64_t heads, rows, columns;
    int64_t batch_stride, head_stride, row_stride;
} cx_place;

typedef struct cx_attention {
    int64_t batch, shared; /* heads of Q for one of K and V */
    cx_place at[4];        /* Q, K, V, Y; K and V with those of the past */
    cx_place own[3];       /* K and V as the inputs hold them */
    int joins;             /* K and V are joined to a past, or given out */
    double scale, softcap;
    int seen; /* what SEEN shows */
    cx_attention_mask mask;
} cx_attention;

/* Reals of a tensor's matrices; rank 4: batch, heads, rows, columns, else
   batch, rows, heads and columns together. */
cx_place cx_attention_place(int rank, int64_t heads, int64_t rows,
                            int64_t columns);

/* Reads and checks the inputs and attributes, and sets the shapes of the
   outputs. */
cxai_status cx_attention_read(const cx_case *c, cx_attention *p);

/* The products of one head. */
enum { CX_SCORES, CX_VALUES, CX_D_SCORES, CX_D_Q, CX_D_K, CX_D_V, CX_PRODUCTS };

/* The sizes and strides of a product; left and right as they stand in memory.
   The matrices of scores and probabilities are dense. */
cx_multiply cx_attention_product(const cx_attention *p, int which);

/* The matrix of a head in the data of a tensor. */
cxai_real *cx_attention_matrix(const cxai_real *data, const cx_place *at,
                               int64_t batch, int64_t head);

/* Copies rows of all heads; `first` is where they begin. */
void cx_attention_move(const cx_attention *p, cxai_real *to,
                       const cx_place *to_at, int64_t to_first,
                       const cxai_real *from, const cx_place *from_at,
                       int64_t from_first, int64_t rows);

/* Where K or V of the past lies. */
cx_place cx_attention_past(const cx_attention *p, int which);

#endif
