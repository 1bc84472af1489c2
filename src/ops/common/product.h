/*
 * Batches of matrix products y = a' b' and both gradients, for operators that
 * are such products. a' and b' are the operands or, where these lie transposed,
 * their transposes; y is row-major.
 */
#ifndef CX_OPS_COMMON_PRODUCT_H
#define CX_OPS_COMMON_PRODUCT_H

#include "kernels/multiply.h"
#include "ops/operator.h"

typedef struct cx_product {
    int64_t rows, columns, depth; /* a': rows,depth; b': depth,columns */
    int transposes_a;             /* a lies as depth,rows */
    int transposes_b;             /* b lies as columns,depth */
    /* offsets of the matrices along the axes of the batch: 0 where an operand
       is broadcast; its gradient is summed there in ascending order */
    int batch_rank;
    int64_t batch[CXAI_MAX_RANK];
    int64_t a_batch[CXAI_MAX_RANK], b_batch[CXAI_MAX_RANK];
    int64_t y_batch[CXAI_MAX_RANK];
} cx_product;

typedef enum cx_product_kind {
    CX_PRODUCT,    /* y from a and b */
    CX_GRADIENT_A, /* da from dy and b */
    CX_GRADIENT_B, /* db from a and dy */
} cx_product_kind;

/* Bytes, or SIZE_MAX. */
size_t cx_product_workspace(const cx_case *c, const cx_product *p,
                            cx_product_kind kind);

/* Bytes of b, a constant, packed for this product, or 0 where b is better read
   as it lies. */
size_t cx_product_packed_bytes(const cx_case *c, const cx_product *p,
                               cx_product_kind kind);
/* bias: one number a column that is added to y, or NULL. */
void cx_product_pack(const cx_case *c, const cx_product *p,
                     cx_product_kind kind, const cxai_real *b,
                     const cxai_real *bias, void *packed);

/* The operands of a product, and what becomes of the result. */
typedef struct cx_factors {
    const cxai_real *first, *second;  /* as the kind says */
    const void *packed;               /* b, or NULL */
    const cx_multiply_finish *finish; /* with packed alone; NULL: none */
    cxai_real *result;
} cx_factors;

void cx_product_run(const cx_case *c, const cx_product *p, cx_product_kind kind,
                    const cx_factors *f, void *workspace);

#endif
