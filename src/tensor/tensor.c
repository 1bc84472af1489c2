#include "cxai/tensor.h"

#include "tensor/view.h"

#include <inttypes.h>
#include <stdio.h>

int64_t cxai_shape_count(const cxai_shape *shape)
{
    const int64_t limit = INT64_C(1) << 62;
    int64_t product = 1; /* of the dimensions that are not 0 */
    int empty = 0;
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        if (dim < 0)
            return -1;
        if (dim == 0) {
            empty = 1;
            continue;
        }
        if (dim > (limit - 1) / product)
            return -1;
        product *= dim;
    }
    return empty ? 0 : product;
}

int cxai_shape_equal(const cxai_shape *a, const cxai_shape *b)
{
    if (a->rank != b->rank)
        return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return 0;
    return 1;
}

char *cxai_shape_text(const cxai_shape *shape, char *text, size_t size)
{
    if (size == 0)
        return text;
    snprintf(text, size, "%s",
             shape->rank > 0    ? ""
             : shape->rank == 0 ? "scalar"
                                : "unknown");
    size_t used = 0;
    for (int i = 0; i < shape->rank && used < size; i++) {
        int length = snprintf(text + used, size - used, "%s%" PRId64,
                              i > 0 ? "x" : "", shape->dim[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    return text;
}

cxai_tensor cxai_tensor_dense(cxai_real *data, const cxai_shape *shape)
{
    cxai_tensor view = { .data = data, .shape = *shape };
    cx_shape_strides(shape, view.stride);
    return view;
}

cxai_real *cxai_tensor_at(const cxai_tensor *view, const int64_t *index)
{
    cxai_real *element = view->data;
    for (int i = 0; i < view->shape.rank; i++)
        element += index[i] * view->stride[i];
    return element;
}

void cxai_tensor_read(const cxai_tensor *view, cxai_real *dense)
{
    cx_view from = cx_view_of(view);
    cx_view to = cx_view_dense(dense, sizeof(cxai_real), &view->shape);
    cx_view_copy(&to, &from);
}

void cxai_tensor_write(const cxai_tensor *view, const cxai_real *dense)
{
    cx_view to = cx_view_of(view);
    /* only read from */
    cx_view from =
        cx_view_dense((void *)(uintptr_t)dense, sizeof *dense, &view->shape);
    cx_view_copy(&to, &from);
}
