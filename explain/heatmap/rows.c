#include "rows.h"

#include <string.h>

/* The axis with the smallest stride among those that are longer than 1. */
static int closest_axis(const cxai_tensor *view)
{
    int best = view->shape.rank - 1;

    for (int axis = best - 1; axis >= 0; axis--)
        if (view->shape.dim[axis] > 1 &&
            (view->shape.dim[best] == 1 ||
             view->stride[axis] < view->stride[best]))
            best = axis;
    return best;
}

/* The next index of all axes but inner; 0 behind the last. */
static int advance(const cxai_shape *shape, int inner, int64_t *index)
{
    for (int axis = shape->rank - 1; axis >= 0; axis--) {
        if (axis == inner)
            continue;
        if (++index[axis] < shape->dim[axis])
            return 1;
        index[axis] = 0;
    }
    return 0;
}

void cx_each_row(const cxai_tensor *views, int view_count,
                 cx_row_function *function, void *payload)
{
    const cxai_shape *shape = &views->shape;
    int64_t index[CXAI_MAX_RANK] = { 0 }, step[cx_most_rows] = { 0 };
    cxai_real *at[cx_most_rows];

    if (cxai_shape_count(shape) < 1)
        return;
    int inner = closest_axis(views);
    int64_t count = inner < 0 ? 1 : shape->dim[inner];
    for (int v = 0; inner >= 0 && v < view_count; v++)
        step[v] = views[v].stride[inner];
    do {
        for (int v = 0; v < view_count; v++)
            at[v] = cxai_tensor_at(&views[v], index);
        function(at, step, count, payload);
    } while (advance(shape, inner, index));
}
