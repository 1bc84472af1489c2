/* The algebra of views: new views of the same memory. */
#include "tensor/view.h"

static cx_view view_from(void *data, size_t item, const cxai_shape *shape)
{
    return (cx_view){ .data = data, .item = item, .shape = *shape };
}

cx_view cx_view_of(const cxai_tensor *tensor)
{
    cx_view view = view_from(tensor->data, sizeof(cxai_real), &tensor->shape);
    for (int i = 0; i < tensor->shape.rank; i++)
        view.stride[i] = tensor->stride[i];
    return view;
}

cxai_tensor cx_view_tensor(const cx_view *view)
{
    cxai_tensor tensor = { .data = view->data, .shape = view->shape };
    for (int i = 0; i < view->shape.rank; i++)
        tensor.stride[i] = view->stride[i];
    return tensor;
}

cx_view cx_view_dense(void *data, size_t item, const cxai_shape *shape)
{
    cx_view view = view_from(data, item, shape);
    cx_shape_strides(shape, view.stride);
    return view;
}

/* Moves the origin by `elements` items. NULL stays NULL: views of memory that
   is not there yet are shaped like any other. */
static void advance(cx_view *view, int64_t elements)
{
    if (view->data != NULL)
        view->data = (char *)view->data + elements * (int64_t)view->item;
}

cx_view cx_view_slice(cx_view view, int axis, int64_t start, int64_t step,
                      int64_t count)
{
    if (count > 0)
        advance(&view, start * view.stride[axis]);
    view.shape.dim[axis] = count;
    /* the stride of a single element is never used, and may overflow */
    if (count > 1)
        view.stride[axis] *= step;
    return view;
}

cx_view cx_view_permute(cx_view view, const int *order)
{
    cx_view permuted = view;
    for (int i = 0; i < view.shape.rank; i++) {
        permuted.shape.dim[i] = view.shape.dim[order[i]];
        permuted.stride[i] = view.stride[order[i]];
    }
    return permuted;
}

cx_view cx_view_select(cx_view view, int axis, int64_t index)
{
    advance(&view, index * view.stride[axis]);
    view.shape.rank--;
    for (int i = axis; i < view.shape.rank; i++) {
        view.shape.dim[i] = view.shape.dim[i + 1];
        view.stride[i] = view.stride[i + 1];
    }
    return view;
}

cx_view cx_view_insert(cx_view view, int axis)
{
    for (int i = view.shape.rank; i > axis; i--) {
        view.shape.dim[i] = view.shape.dim[i - 1];
        view.stride[i] = view.stride[i - 1];
    }
    view.shape.rank++;
    view.shape.dim[axis] = 1;
    view.stride[axis] = 0;
    return view;
}

cx_view cx_view_split(cx_view view, int axis, int64_t inner)
{
    int64_t size = view.shape.dim[axis], stride = view.stride[axis];
    view = cx_view_insert(view, axis);
    view.shape.dim[axis] = inner > 0 ? size / inner : 0;
    view.stride[axis] = stride * inner;
    view.shape.dim[axis + 1] = inner;
    return view;
}

cx_view cx_view_broadcast(cx_view view, const cxai_shape *shape)
{
    while (view.shape.rank < shape->rank)
        view = cx_view_insert(view, 0);
    for (int i = 0; i < shape->rank; i++) {
        if (view.shape.dim[i] == shape->dim[i])
            continue;
        view.shape.dim[i] = shape->dim[i];
        view.stride[i] = 0;
    }
    return view;
}

/* Axes of a shape and of another whose sizes have the same product. */
typedef struct group {
    int from, to; /* axes of the first shape */
    int new_from, new_to;
    int64_t size, new_size;
} group;

/* The next group: grows the smaller side until both are equal. */
static void grow(group *g, const cxai_shape *a, const cxai_shape *b)
{
    g->from = g->to;
    g->new_from = g->new_to;
    g->size = a->dim[g->to++];
    g->new_size = b->dim[g->new_to++];
    while (g->size != g->new_size) {
        if (g->size < g->new_size)
            g->size *= a->dim[g->to++];
        else
            g->new_size *= b->dim[g->new_to++];
    }
}

/* Whether the axes of a group are one run of elements; *last: the distance of
   its elements. */
static int is_run(const cx_view *view, const group *g, int64_t *last)
{
    *last = view->stride[g->to - 1];
    for (int i = g->from; i + 1 < g->to; i++)
        if (view->stride[i] != view->stride[i + 1] * view->shape.dim[i + 1])
            return 0;
    return 1;
}

/* Axes of 1 take no part. */
static cx_view without_ones(const cx_view *view)
{
    cx_view plain = *view;
    plain.shape.rank = 0;
    for (int i = 0; i < view->shape.rank; i++)
        if (view->shape.dim[i] != 1) {
            plain.stride[plain.shape.rank] = view->stride[i];
            plain.shape.dim[plain.shape.rank++] = view->shape.dim[i];
        }
    return plain;
}

int cx_view_reshape(const cx_view *view, const cxai_shape *shape, cx_view *out)
{
    const cx_view from = without_ones(view);
    cx_view to = { .data = view->data, .item = view->item, .shape = *shape };
    cx_shape_strides(shape, to.stride);
    const cx_view all = to;
    to = without_ones(&all);
    group g = { 0 };
    for (int i = 0; i < from.shape.rank; i++)
        if (from.shape.dim[i] == 0)
            return -1;
    while (g.to < from.shape.rank) {
        int64_t stride;
        grow(&g, &from.shape, &to.shape);
        if (!is_run(&from, &g, &stride))
            return -1;
        for (int i = g.new_to - 1; i >= g.new_from; i--) {
            to.stride[i] = stride;
            stride *= to.shape.dim[i];
        }
    }
    *out = all;
    for (int i = 0, k = 0; i < shape->rank; i++)
        if (shape->dim[i] != 1)
            out->stride[i] = to.stride[k++];
    return 0;
}

int cx_view_is_dense(const cx_view *view)
{
    int64_t expected = 1;
    for (int i = view->shape.rank - 1; i >= 0; i--) {
        if (view->shape.dim[i] == 1)
            continue;
        if (view->stride[i] != expected)
            return 0;
        expected *= view->shape.dim[i];
    }
    return 1;
}

int cx_view_same_strides(const cx_view *a, const cx_view *b)
{
    for (int i = 0; i < a->shape.rank; i++)
        if (a->shape.dim[i] != 1 && a->stride[i] != b->stride[i])
            return 0;
    return 1;
}

int cx_shape_broadcast(const cxai_shape *a, const cxai_shape *b,
                       cxai_shape *out)
{
    int rank = a->rank > b->rank ? a->rank : b->rank;
    cxai_shape shape = { .rank = rank };
    for (int i = 0; i < rank; i++) {
        int in_a = i - (rank - a->rank), in_b = i - (rank - b->rank);
        int64_t dim_a = in_a < 0 ? 1 : a->dim[in_a];
        int64_t dim_b = in_b < 0 ? 1 : b->dim[in_b];
        if (dim_a != dim_b && dim_a != 1 && dim_b != 1)
            return -1;
        shape.dim[i] = dim_a == 1 ? dim_b : dim_a;
    }
    *out = shape;
    return 0;
}

int64_t cx_shape_product(const cxai_shape *shape, int from, int to)
{
    int64_t product = 1;
    for (int i = from; i < to; i++)
        product *= shape->dim[i];
    return product;
}

/* The step to the next outer axis. An empty axis counts as one element, so
   that strides stay distinct. */
static int64_t outer_stride(int64_t stride, int64_t dim)
{
    return dim > 0 ? stride * dim : stride;
}

void cx_shape_strides(const cxai_shape *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step = outer_stride(step, shape->dim[i]);
    }
}

void cx_shape_strides_channels_last(const cxai_shape *shape, int64_t *stride)
{
    if (shape->rank < 3) {
        cx_shape_strides(shape, stride);
        return;
    }
    int64_t step = outer_stride(1, shape->dim[1]);
    stride[1] = 1;
    for (int i = shape->rank - 1; i >= 2; i--) {
        stride[i] = step;
        step = outer_stride(step, shape->dim[i]);
    }
    stride[0] = step;
}
