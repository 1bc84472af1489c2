#include "gradient.h"

#include <stdlib.h>
#include <string.h>

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY, "no memory for gradients");
}

static cxai_status run_at_input(cx_pass *pass, cx_prepare_function *prepare,
                                void *payload, cx_gradient_function *finish,
                                cxai_real *gradient, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = 1 + call->target_count;
    cxai_status status =
        prepare ? prepare(pass->session, payload, error) : CXAI_OK;

    if (status == CXAI_OK)
        status = cx_pass_forward(pass, call->input, error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass->session, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = cx_pass_backward(pass, &call->results[i].target, 1, gradient,
                                  error);
        if (status == CXAI_OK)
            status = finish(call, i, gradient, error);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, total, error);
    }
    return status;
}

cxai_status cx_input_gradients(const cxai_heatmap_call *call,
                               cx_prepare_function *prepare, void *payload,
                               cx_gradient_function *finish, cxai_error *error)
{
    cx_pass pass;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = cx_pass_open(&pass, call, call->input_value, 1, error);
    if (status != CXAI_OK)
        return status;
    cxai_real *gradient = malloc(count * sizeof *gradient);
    status = gradient ? run_at_input(&pass, prepare, payload, finish, gradient,
                                     error)
                      : no_memory(error);
    free(gradient);
    cx_pass_close(&pass);
    return status;
}

/* Memory of one batch. */
typedef struct batch_numbers {
    cxai_real *points;             /* (batch, the fed value's shape) */
    cxai_real *gradients, *values; /* (batch, the wrt value's shape) */
} batch_numbers;

static void add(double *sum, double weight, const cxai_real *gradient,
                int64_t count, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t e = 0; e < count; e++)
        sum[e] += weight * (double)gradient[e];
}

/* What was found for target t at the points from first on. */
static void take_items(const cxai_heatmap_call *call, const cx_points *points,
                       int t, int64_t first, int64_t items,
                       const batch_numbers *b)
{
    int64_t count = cxai_shape_count(&call->shapes[points->wrt]);

    for (int64_t k = 0; k < items; k++) {
        const cxai_real *gradient = b->gradients + k * count;
        const cxai_real *value = b->values ? b->values + k * count : NULL;
        if (points->take)
            points->take(call, points->payload, first + k, t, gradient, value);
        else
            add(points->sums + t * count, points->weights[first + k], gradient,
                count, call->options->threads);
    }
}

/* Points first .. first+items-1, all targets. */
static cxai_status run_batch(cx_pass *pass, const cx_points *points,
                             int64_t first, int64_t items,
                             const batch_numbers *b, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t size = cxai_shape_count(&call->shapes[points->feed]);
    cxai_tensor view;

    for (int64_t k = 0; k < items; k++)
        points->write(call, points->payload, first + k, b->points + k * size);
    cxai_status status = cx_pass_forward(pass, b->points, error);
    if (status == CXAI_OK && points->begins && first == 0)
        status = cxai_heatmap_begin(call, pass->session, error);
    if (status == CXAI_OK && b->values) {
        status = cxai_session_value(pass->session, points->wrt, &view, error);
        if (status == CXAI_OK)
            cxai_tensor_read(&view, b->values);
    }
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        status = cx_pass_backward(pass, &call->results[t].target, items,
                                  b->gradients, error);
        if (status == CXAI_OK)
            take_items(call, points, t, first, items, b);
    }
    return status;
}

static cxai_status run_all(cx_pass *pass, const cx_points *points,
                           const batch_numbers *b, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_status status = CXAI_OK;

    for (int64_t first = 0; status == CXAI_OK && first < points->count;) {
        int64_t left = points->count - first;
        int64_t items = left < pass->batch ? left : pass->batch;
        status = cxai_heatmap_progress(call, first, points->count, error);
        if (status == CXAI_OK)
            status = run_batch(pass, points, first, items, b, error);
        first += items;
    }
    return status == CXAI_OK ? cxai_heatmap_progress(call, points->count,
                                                     points->count, error)
                             : status;
}

cxai_status cx_gradients(const cxai_heatmap_call *call, const cx_points *points,
                         cxai_error *error)
{
    cx_pass pass;
    size_t size = (size_t)cxai_shape_count(&call->shapes[points->feed]);
    size_t count = (size_t)cxai_shape_count(&call->shapes[points->wrt]);
    cxai_status status = cx_pass_open_batched(
        &pass, call, points->feed, points->wrt, points->count, error);
    if (status != CXAI_OK)
        return status;
    /* the unused end of the last batch keeps earlier points: no garbage */
    size_t batch = (size_t)pass.batch;
    batch_numbers b = { .points = calloc(batch, size * sizeof *b.points),
                        .gradients =
                            calloc(batch, count * sizeof *b.gradients) };
    if (points->with_values)
        b.values = calloc(batch, count * sizeof *b.values);
    status = b.points && b.gradients && (b.values || !points->with_values)
                 ? run_all(&pass, points, &b, error)
                 : no_memory(error);
    free(b.points);
    free(b.gradients);
    free(b.values);
    cx_pass_close(&pass);
    return status;
}

cxai_status cx_begin(const cxai_heatmap_call *call, const cxai_real *other,
                     double *other_scores, cxai_error *error)
{
    cx_pass pass;
    cxai_tensor value;
    cxai_status status = cx_pass_open(&pass, call, -1, 1, error);

    if (status != CXAI_OK)
        return status;
    status = cx_pass_forward(&pass, call->input, error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass.session, error);
    if (status == CXAI_OK && other)
        status = cx_pass_forward(&pass, other, error);
    if (status == CXAI_OK && other)
        status = cxai_session_value(pass.session, call->value, &value, error);
    for (int i = 0; status == CXAI_OK && other && i < call->target_count; i++)
        other_scores[i] =
            cxai_target_score(&call->results[i].target, &value, 0);
    cx_pass_close(&pass);
    return status;
}

void cx_note_delta(cxai_heatmap *result, const double *sums,
                   const cxai_real *scale, int64_t count, double baseline_score)
{
    double sum = 0;

    for (int64_t e = 0; e < count; e++)
        sum += scale ? sums[e] * (double)scale[e] : sums[e];
    result->delta = sum - (result->score - baseline_score);
}

cxai_status cx_set_attributions(const cxai_heatmap_call *call,
                                const double *sums, const cxai_real *scale,
                                cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_real *attribution = malloc((size_t)count * sizeof *attribution);
    cxai_status status = attribution ? CXAI_OK : no_memory(error);

    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        const double *sum = sums + i * count;
        for (int64_t e = 0; e < count; e++)
            attribution[e] =
                (cxai_real)(scale ? sum[e] * (double)scale[e] : sum[e]);
        status = cxai_heatmap_set_attribution(call, i, attribution, error);
    }
    free(attribution);
    return status;
}
