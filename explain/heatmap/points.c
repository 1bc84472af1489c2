#include "points.h"

#include <stdlib.h>
#include <string.h>

/* Numbers that a thread handles at once: they stay in its first-level cache. */
enum { RUN = 1024 };

/* What all batches share. Points on a line and sums are kept in the order in
   which the session's memory has a picture's numbers, where that is possible:
   nothing is transposed on the way. */
typedef struct work {
    const cx_points *points;
    cx_pass pass;
    cxai_tensor fed;       /* the session's own; data NULL: points are copied */
    cxai_real *buffer;     /* (batch, fed shape), unless fed.data */
    cxai_real *from, *way; /* of points on a line */
    cxai_real *gradients, *values; /* (batch, wrt shape) */
    double *sums;                  /* [target][wrt shape] */
    cxai_tensor order;             /* of sums */
} work;

/* Whether the items lie one behind the other, without gaps, in whatever order
   of their axes. */
static int is_packed(const cxai_tensor *view)
{
    int64_t size = 1;
    int found = 1;

    while (found) {
        found = 0;
        for (int axis = 1; !found && axis < view->shape.rank; axis++)
            if (view->shape.dim[axis] > 1 && view->stride[axis] == size) {
                size *= view->shape.dim[axis];
                found = 1;
            }
    }
    return view->shape.rank > 0 && view->stride[0] == size &&
           size * view->shape.dim[0] == cxai_shape_count(&view->shape);
}

/* One item that lies at data as those of the view do. */
static cxai_tensor item_at(const cxai_tensor *view, cxai_real *data)
{
    cxai_tensor item = *view;

    item.data = data;
    item.shape.dim[0] = 1;
    return item;
}

/* ---- points -------------------------------------------------------------- */

static void write_line(const work *w, int64_t first, int64_t items,
                       int64_t count, cxai_real *to)
{
    int threads = w->pass.call->options->threads;
    const double *nodes = w->points->nodes + first;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t at = 0; at < count; at += RUN) {
        int64_t end = at + RUN < count ? at + RUN : count;
        for (int64_t k = 0; k < items; k++) {
            cxai_real a = (cxai_real)nodes[k];
            for (int64_t e = at; e < end; e++)
                to[k * count + e] = w->from[e] + a * w->way[e];
        }
    }
}

/* Points first .. first+items-1 to where the session reads them. */
static cxai_status write_points(work *w, int64_t first, int64_t items,
                                cxai_error *error)
{
    const cx_points *points = w->points;
    const cxai_heatmap_call *call = w->pass.call;
    int64_t size = cxai_shape_count(&call->shapes[points->feed]);
    cxai_real *to = w->fed.data ? w->fed.data : w->buffer;

    if (!points->write)
        write_line(w, first, items, size, to);
    for (int64_t k = 0; points->write && k < items; k++)
        points->write(call, points->payload, first + k, to + k * size);
    return w->fed.data
               ? CXAI_OK
               : cxai_session_set(w->pass.session, points->feed, to, error);
}

/* ---- what is found ------------------------------------------------------- */

static void add(double *sum, const double *weights, const cxai_real *gradients,
                int64_t items, int64_t count, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t at = 0; at < count; at += RUN) {
        int64_t end = at + RUN < count ? at + RUN : count;
        for (int64_t k = 0; k < items; k++)
            for (int64_t e = at; e < end; e++)
                sum[e] += weights[k] * (double)gradients[k * count + e];
    }
}

/* The gradient of target t at the points from first on. */
static void add_gradients(work *w, const cxai_tensor *view, int t,
                          int64_t first, int64_t items)
{
    const cx_points *points = w->points;
    const cxai_heatmap_call *call = w->pass.call;
    int64_t count = cxai_shape_count(&call->shapes[points->wrt]);
    const cxai_real *gradients = w->gradients;

    if (is_packed(view)) {
        gradients = view->data;
        w->order = *view;
    } else {
        cxai_tensor_read(view, w->gradients);
        w->order = cxai_tensor_dense(w->gradients, &view->shape);
    }
    add(w->sums + t * count, points->weights + first, gradients, items, count,
        call->options->threads);
}

static void take_gradients(work *w, const cxai_tensor *view, int t,
                           int64_t first, int64_t items)
{
    const cx_points *points = w->points;
    const cxai_heatmap_call *call = w->pass.call;
    int64_t count = cxai_shape_count(&call->shapes[points->wrt]);

    cxai_tensor_read(view, w->gradients);
    for (int64_t k = 0; k < items; k++)
        points->take(call, points->payload, first + k, t,
                     w->gradients + k * count,
                     w->values ? w->values + k * count : NULL);
}

/* The sums, which the session's order decided until now, dense. */
static void deliver_sums(const work *w)
{
    const cx_points *points = w->points;
    cxai_tensor order = item_at(&w->order, w->gradients);
    const cxai_shape *shape = &order.shape;
    int64_t count = cxai_shape_count(shape), index[CXAI_MAX_RANK] = { 0 };

    for (int64_t e = 0; e < count; e++) {
        int64_t at = cxai_tensor_at(&order, index) - order.data;
        for (int t = 0; t < w->pass.call->target_count; t++)
            points->sums[t * count + e] = w->sums[t * count + at];
        for (int a = shape->rank - 1; a > 0 && ++index[a] == shape->dim[a]; a--)
            index[a] = 0;
    }
}

/* ---- all of it ----------------------------------------------------------- */

/* Points first .. first+items-1, all targets. */
static cxai_status run_batch(work *w, int64_t first, int64_t items,
                             cxai_error *error)
{
    const cx_points *points = w->points;
    const cxai_heatmap_call *call = w->pass.call;
    cxai_tensor view;

    cxai_status status = write_points(w, first, items, error);
    if (status == CXAI_OK)
        status = cxai_session_forward(w->pass.session, error);
    if (status == CXAI_OK && points->begins && first == 0)
        status = cxai_heatmap_begin(call, w->pass.session, error);
    if (status == CXAI_OK && w->values) {
        status = cxai_session_value(w->pass.session, points->wrt, &view, error);
        if (status == CXAI_OK)
            cxai_tensor_read(&view, w->values);
    }
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        status = cx_pass_differentiate(&w->pass, &call->results[t].target,
                                       items, &view, error);
        if (status == CXAI_OK && points->take)
            take_gradients(w, &view, t, first, items);
        else if (status == CXAI_OK)
            add_gradients(w, &view, t, first, items);
    }
    return status;
}

/* After `done` points of these. A part begins where the one before it ended,
   which was told. */
static cxai_status tell(const work *w, int64_t done, cxai_error *error)
{
    const cx_points *points = w->points;
    int64_t parts = points->parts ? points->parts : 1;

    if (done == 0 && points->part > 0)
        return CXAI_OK;
    return cxai_heatmap_progress(w->pass.call,
                                 points->part * points->count + done,
                                 parts * points->count, error);
}

static cxai_status run_all(work *w, cxai_error *error)
{
    int64_t count = w->points->count;
    cxai_status status = CXAI_OK;

    for (int64_t first = 0; status == CXAI_OK && first < count;) {
        int64_t left = count - first;
        int64_t items = left < w->pass.batch ? left : w->pass.batch;
        status = tell(w, first, error);
        if (status == CXAI_OK)
            status = run_batch(w, first, items, error);
        first += items;
    }
    if (status == CXAI_OK && !w->points->take)
        deliver_sums(w);
    return status == CXAI_OK ? tell(w, count, error) : status;
}

/* Memory, and the ends of a line in the order of the session. The unused end
   of the last batch keeps earlier points, or zeros: no garbage. */
static cxai_status begin(work *w, cxai_error *error)
{
    const cx_points *points = w->points;
    const cxai_heatmap_call *call = w->pass.call;
    size_t size = (size_t)cxai_shape_count(&call->shapes[points->feed]);
    size_t count = (size_t)cxai_shape_count(&call->shapes[points->wrt]);
    size_t batch = (size_t)w->pass.batch;
    cxai_status status =
        cxai_session_fed(w->pass.session, points->feed, &w->fed, error);

    if (status != CXAI_OK)
        return status;
    w->gradients = calloc(batch, count * sizeof *w->gradients);
    if (points->with_values)
        w->values = calloc(batch, count * sizeof *w->values);
    if (points->write || !is_packed(&w->fed)) {
        w->buffer = calloc(batch, size * sizeof *w->buffer);
        w->fed = cxai_tensor_dense(NULL, &w->fed.shape);
    }
    if (!points->write) {
        w->from = malloc(size * sizeof *w->from);
        w->way = malloc(size * sizeof *w->way);
    }
    if (!points->take)
        w->sums = calloc((size_t)call->target_count, count * sizeof *w->sums);
    if (!w->gradients || (points->with_values && !w->values) ||
        (!w->fed.data && !w->buffer) ||
        (!points->write && (!w->from || !w->way)) ||
        (!points->take && !w->sums))
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for gradients");
    if (!points->write) {
        cxai_tensor from = item_at(&w->fed, w->from);
        cxai_tensor way = item_at(&w->fed, w->way);
        cxai_tensor_write(&from, points->from);
        cxai_tensor_write(&way, points->way);
    }
    return CXAI_OK;
}

cxai_status cx_gradients(const cxai_heatmap_call *call, const cx_points *points,
                         cxai_error *error)
{
    work w = { .points = points };
    cxai_status status = cx_pass_open_batched(
        &w.pass, call, points->feed, points->wrt, points->count, error);

    if (status != CXAI_OK)
        return status;
    status = begin(&w, error);
    if (status == CXAI_OK)
        status = run_all(&w, error);
    free(w.buffer);
    free(w.from);
    free(w.way);
    free(w.gradients);
    free(w.values);
    free(w.sums);
    cx_pass_close(&w.pass);
    return status;
}
