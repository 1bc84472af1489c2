/*
 * Tensors: shapes and strided views of real numbers.
 *
 * A view does not own its memory. Dimensions are in the model's order, for
 * pictures N,C,H,W; the strides say where elements lie, so that the memory
 * behind a view may be channels-last. cxai_tensor_read and cxai_tensor_write
 * convert between a view and a dense row-major array (NCHW for pictures).
 *
 * All functions are pure and may be called from any thread.
 */
#ifndef CXAI_TENSOR_H
#define CXAI_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "cxai/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* float; double in the build that checks gradients (CXAI_DOUBLE). */
#ifdef CXAI_DOUBLE
typedef double cxai_real;
#else
typedef float cxai_real;
#endif

#define CXAI_MAX_RANK 8

/* Dimensions, outermost first. rank 0 is a scalar: one element. */
typedef struct cxai_shape {
    int rank;
    int64_t dim[CXAI_MAX_RANK];
} cxai_shape;

/* A view: element (i0, i1, ...) is data[i0*stride[0] + i1*stride[1] + ...].
   Strides count elements, may be 0 (broadcast) or negative. */
typedef struct cxai_tensor {
    cxai_real *data;
    cxai_shape shape;
    int64_t stride[CXAI_MAX_RANK];
} cxai_tensor;

/* Number of elements, or -1 when a dimension is negative or the product of
   those that are not 0 does not fit into 62 bits (so that strides fit). */
CXAI_API int64_t cxai_shape_count(const cxai_shape *shape);

/* 1 when both have the same rank and dimensions, else 0. */
CXAI_API int cxai_shape_equal(const cxai_shape *a, const cxai_shape *b);

/* Writes "1x3x224x224" ("scalar" for rank 0, "unknown" below) into text, cut
   to size bytes with a final 0; returns text. */
CXAI_API char *cxai_shape_text(const cxai_shape *shape, char *text,
                               size_t size);

/* A row-major view of dense data. */
CXAI_API cxai_tensor cxai_tensor_dense(cxai_real *data,
                                       const cxai_shape *shape);

/* Address of the element at index[0 .. rank-1]; the index is not checked. */
CXAI_API cxai_real *cxai_tensor_at(const cxai_tensor *view,
                                   const int64_t *index);

/* Copies the view's elements, in row-major order, to dense, or back.
   dense holds cxai_shape_count(&view->shape) elements. */
CXAI_API void cxai_tensor_read(const cxai_tensor *view, cxai_real *dense);
CXAI_API void cxai_tensor_write(const cxai_tensor *view,
                                const cxai_real *dense);

#ifdef __cplusplus
}
#endif
#endif
