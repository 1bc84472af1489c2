/*
 * Elementwise functions of tensors that broadcast, and reductions of them.
 *
 * Binary operators, sums of many inputs, reductions, softmax and the gradients
 * of all of them are built on the two functions below: a row function says
 * what happens to an element, and the walk over shapes, strides, broadcasting
 * and threads is written once. Every number is computed by one thread, in an
 * order that does not depend on how many threads there are.
 */
#ifndef CX_OPS_COMMON_ROWS_H
#define CX_OPS_COMMON_ROWS_H

#include "tensor/view.h"

enum { CX_ROW_INPUTS = 7 };

/* out[i] = f(in[0][i], in[1][i], ...) for i < n; all are contiguous. */
typedef void cx_row_function(cxai_real *out, const cxai_real *const *in,
                             int64_t n, cxai_real parameter);

/* A row function without a parameter: expression says out[i] by in[0][i], ...
 */
#define CX_ROW(name, expression)                                               \
    static void name(cxai_real *out, const cxai_real *const *in, int64_t n,    \
                     cxai_real unused)                                         \
    {                                                                          \
        (void)unused;                                                          \
        for (int64_t i = 0; i < n; i++)                                        \
            out[i] = expression;                                               \
    }

/* The inputs broadcast to one shape, numpy's way. */
typedef struct cx_rows {
    cx_row_function *function; /* NULL: the first input as it is */
    cxai_real parameter;
    cxai_tensor in[CX_ROW_INPUTS];
    int count;
    int threads;
} cx_rows;

/* out = f(in...), the inputs broadcast to out's shape. */
void cx_rows_map(const cx_rows *rows, const cxai_tensor *out);

typedef enum cx_combine {
    CX_SUM,
    CX_PRODUCT,
    CX_MAXIMUM, /* a NaN wins */
    CX_MINIMUM,
} cx_combine;

/* out = f(in...) combined over the axes along which out would broadcast to
   the shape of in[0], which is the full one. An empty axis gives the neutral
   element (0, 1, -infinity, infinity). */
void cx_rows_reduce(const cx_rows *rows, cx_combine combine,
                    const cxai_tensor *out);

/* The gradient of an operand that was repeated to the shape of in[0]: out =
   f(in...), summed over the axes along which out broadcasts. */
void cx_rows_gradient(const cx_rows *rows, const cxai_tensor *out);

#endif
