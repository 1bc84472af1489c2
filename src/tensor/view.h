/*
 * Strided views over items of any size, and the few ways to move them.
 * Operators that only rearrange elements are written with this algebra alone,
 * so that one description serves their forward pass, their gradient and the
 * folding of integer constants.
 */
#ifndef CX_TENSOR_VIEW_H
#define CX_TENSOR_VIEW_H

#include "cxai/tensor.h"

/* Strides count items of item bytes. */
typedef struct cx_view {
    void *data;
    size_t item;
    cxai_shape shape;
    int64_t stride[CXAI_MAX_RANK];
} cx_view;

cx_view cx_view_of(const cxai_tensor *tensor);
cxai_tensor cx_view_tensor(const cx_view *view); /* item == sizeof(cxai_real) */
cx_view cx_view_dense(void *data, size_t item, const cxai_shape *shape);

/* Views of parts; arguments must be in range. */
cx_view cx_view_slice(cx_view view, int axis, int64_t start, int64_t step,
                      int64_t count);
cx_view cx_view_permute(cx_view view, const int *order);
/* Drops an axis by picking one index. */
cx_view cx_view_select(cx_view view, int axis, int64_t index);
/* Adds an axis of one. */
cx_view cx_view_insert(cx_view view, int axis);
/* Splits axis into (outer, inner), outer * inner == its size. */
cx_view cx_view_split(cx_view view, int axis, int64_t inner);
/* The elements in row-major order of the axes, in another shape of as many,
   without moving one; 0, or -1 where no strides do that. */
int cx_view_reshape(const cx_view *view, const cxai_shape *shape, cx_view *out);
/* Numpy's broadcasting to shape (aligned at the last axis): stride 0. */
cx_view cx_view_broadcast(cx_view view, const cxai_shape *shape);

/* 1 when the elements lie row-major without gaps (axes of 1 do not count). */
int cx_view_is_dense(const cx_view *view);

/* 1 when both have the same strides on all axes that are not of size 1. */
int cx_view_same_strides(const cx_view *a, const cx_view *b);

/* to = from, elementwise, equal shapes and items; no overlap. */
void cx_view_copy(const cx_view *to, const cx_view *from);

/* to += from, for reals. Where `to` has strides of 0 the sum runs over that
   axis in ascending order: the gradient of broadcasting. */
void cx_view_add(const cx_view *to, const cx_view *from);

/* Every real of the view = value. */
void cx_view_fill(const cx_view *to, cxai_real value);

/* Numpy's broadcast of two shapes; 0, or -1 when they do not fit. */
int cx_shape_broadcast(const cxai_shape *a, const cxai_shape *b,
                       cxai_shape *out);

/* Product of dimensions [from, to). */
int64_t cx_shape_product(const cxai_shape *shape, int from, int to);

/* Row-major strides of a shape. */
void cx_shape_strides(const cxai_shape *shape, int64_t *stride);

/* Channels-last strides of a shape N,C,spatial...: memory order
   N,spatial...,C. Row-major below rank 3. */
void cx_shape_strides_channels_last(const cxai_shape *shape, int64_t *stride);

#endif
