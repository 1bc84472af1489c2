/* Matrix products of any strides, for fully connected layers, their gradients
   and the weight gradients of convolutions. */
#ifndef CX_KERNELS_MULTIPLY_H
#define CX_KERNELS_MULTIPLY_H

#include "kernels/kernels.h"

/* What else becomes of c, not accumulated: clip(c + bias + residual). */
typedef struct cx_multiply_finish {
    const cxai_real *bias;     /* one a column; NULL: none, or in the panels */
    const cxai_real *residual; /* lies as c; NULL: none */
    cxai_real low, high;
} cx_multiply_finish;

/* c (accumulate: +)= a b; a is rows x depth, b depth x columns. The columns of
   c are contiguous; other strides, in reals, are free. */
typedef struct cx_multiply {
    int64_t rows, columns, depth;
    const cxai_real *a;
    int64_t a_row, a_column;
    const cxai_real *b;
    int64_t b_row, b_column;
    cxai_real *c;
    int64_t c_row;
    int accumulate;
    int skips_zeros; /* where a is 0 a row of b need not be read, whatever
                        stands there */
    const cxai_real *panels; /* b as cx_multiply_pack made it; NULL: b itself */
    const cx_multiply_finish *finish; /* NULL: none */
} cx_multiply;

/* Bytes of workspace, or SIZE_MAX. Does not look at the pointers. */
size_t cx_multiply_workspace(const cx_kernels *kernels, const cx_multiply *m,
                             int threads);

/* Bytes of b packed once for many products, or 0 where that gains nothing: few
   rows read b as it lies, and a few more no faster than memory. */
size_t cx_multiply_packed_bytes(const cx_kernels *kernels,
                                const cx_multiply *m);
/* bias, unless NULL, is added to every row of the product. */
void cx_multiply_pack(const cx_kernels *kernels, const cx_multiply *m,
                      const cxai_real *bias, void *packed);

/* No element depends on the number of threads. One thread is the calling one,
   without a parallel region. */
void cx_multiply_run(const cx_kernels *kernels, const cx_multiply *m,
                     int threads, void *workspace);

#endif
