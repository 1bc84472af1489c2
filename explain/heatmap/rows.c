#include "rows.h"

#include <string.h>

/* Fewer elements are done sooner by one thread. */
enum { parallel_from = 1 << 15 };

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

static void run_walk(const walk *w, int view_count, cxai_real *const *start,
                     cx_row_function *function, void *payload)
{
    int64_t index[CXAI_MAX_RANK] = { 0 };
    cxai_real *at[cx_most_rows];

    memcpy(at, start, (size_t)view_count * sizeof *at);
    do
        function(at, w->stride[0], w->axis_count > 0 ? w->size[0] : 1, payload);
    while (advance(w, view_count, index, at));
}

/* One part of several, cut along the outermost axis. */
static void run_part(const walk *w, int view_count, cxai_real *const *start,
                     int part, int parts, cx_row_function *function,
                     void *payload)
{
    int axis = w->axis_count - 1;
    int64_t from = w->size[axis] * part / parts;
    cxai_real *at[cx_most_rows];
    walk own = *w;

    own.size[axis] = w->size[axis] * (part + 1) / parts - from;
    for (int v = 0; v < view_count; v++)
        at[v] = start[v] + from * w->stride[axis][v];
    if (own.size[axis] > 0)
        run_walk(&own, view_count, at, function, payload);
}

void cx_each_row_on(int threads, const cxai_tensor *views, int view_count,
                    cx_row_function *function, void *payload)
{
    int64_t count = cxai_shape_count(&views->shape);
    cxai_real *at[cx_most_rows];
    walk w;

    if (count < 1)
        return;
    plan_walk(&w, views, view_count);
    for (int v = 0; v < view_count; v++)
        at[v] = views[v].data;
    if (threads == 1 || count < parallel_from) {
        run_walk(&w, view_count, at, function, payload);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++)
        run_part(&w, view_count, at, t, threads, function, payload);
}

void cx_each_row(const cxai_tensor *views, int view_count,
                 cx_row_function *function, void *payload)
{
    cx_each_row_on(1, views, view_count, function, payload);
}
