#include "rows.h"

#include <string.h>

/* The axes to walk, the closest first: neighbours that all views run through
   as if they were one are one. */
typedef struct walk {
    int axis_count;
    int64_t size[CXAI_MAX_RANK];
    int64_t stride[CXAI_MAX_RANK][cx_most_rows]; /* by axis and view */
} walk;

/* Axes longer than 1, by the first view's strides; their number. */
static int sort_axes(const cxai_tensor *view, int *order)
{
    int count = 0;

    for (int axis = view->shape.rank - 1; axis >= 0; axis--) {
        if (view->shape.dim[axis] == 1)
            continue;
        int place = count++;
        for (; place > 0 && view->stride[order[place - 1]] > view->stride[axis];
             place--)
            order[place] = order[place - 1];
        order[place] = axis;
    }
    return count;
}

/* Whether an axis goes on where the last one of the walk ends. */
static int continues(const walk *w, const cxai_tensor *views, int view_count,
                     int axis)
{
    int last = w->axis_count - 1;
    int fits = last >= 0;

    for (int v = 0; fits && v < view_count; v++)
        fits = views[v].stride[axis] == w->stride[last][v] * w->size[last];
    return fits;
}

static void plan_walk(walk *w, const cxai_tensor *views, int view_count)
{
    int order[CXAI_MAX_RANK];
    int count = sort_axes(views, order);

    memset(w, 0, sizeof *w);
    for (int k = 0; k < count; k++) {
        int64_t size = views->shape.dim[order[k]];
        if (continues(w, views, view_count, order[k])) {
            w->size[w->axis_count - 1] *= size;
            continue;
        }
        w->size[w->axis_count] = size;
        for (int v = 0; v < view_count; v++)
            w->stride[w->axis_count][v] = views[v].stride[order[k]];
        w->axis_count++;
    }
}

/* Moves to the next row; 0 behind the last. */
static int advance(const walk *w, int view_count, int64_t *index,
                   cxai_real **at)
{
    for (int axis = 1; axis < w->axis_count; axis++) {
        int more = ++index[axis] < w->size[axis];
        int64_t by = more ? 1 : 1 - w->size[axis];
        for (int v = 0; v < view_count; v++)
            at[v] += by * w->stride[axis][v];
        if (more)
            return 1;
        index[axis] = 0;
    }
    return 0;
}

void cx_each_row(const cxai_tensor *views, int view_count,
                 cx_row_function *function, void *payload)
{
    int64_t index[CXAI_MAX_RANK] = { 0 };
    cxai_real *at[cx_most_rows];
    walk w;

    if (cxai_shape_count(&views->shape) < 1)
        return;
    plan_walk(&w, views, view_count);
    for (int v = 0; v < view_count; v++)
        at[v] = views[v].data;
    do
        function(at, w.stride[0], w.axis_count > 0 ? w.size[0] : 1, payload);
    while (advance(&w, view_count, index, at));
}
