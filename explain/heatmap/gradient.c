#include "gradient.h"

#include <stdlib.h>
#include <string.h>

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory for gradients at the input");
}

static cxai_status run_at_input(cx_pass *pass, cx_prepare_function *prepare,
                                cx_gradient_function *finish,
                                cxai_real *gradient, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = prepare ? prepare(pass->session, error) : CXAI_OK;

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
                               cx_prepare_function *prepare,
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
    status = gradient ? run_at_input(&pass, prepare, finish, gradient, error)
                      : no_memory(error);
    free(gradient);
    cx_pass_close(&pass);
    return status;
}

/* One batch: points first .. first+items-1, all targets. pictures and
   gradients hold (batch,C,H,W). */
static cxai_status add_batch(cx_pass *pass, const cx_points *points,
                             int64_t first, int64_t items, cxai_real *pictures,
                             cxai_real *gradients, double *sums,
                             cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t count = cxai_shape_count(&call->input_shape);

    for (int64_t k = 0; k < items; k++)
        points->write(call, points->payload, first + k, pictures + k * count);
    cxai_status status = cx_pass_forward(pass, pictures, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        status = cx_pass_backward(pass, &call->results[t].target, items,
                                  gradients, error);
        if (status != CXAI_OK)
            break;
        double *sum = sums + t * count;
        for (int64_t k = 0; k < items; k++) {
            const cxai_real *gradient = gradients + k * count;
            double weight = points->weights[first + k];
            for (int64_t e = 0; e < count; e++)
                sum[e] += weight * (double)gradient[e];
        }
    }
    return status;
}

cxai_status cx_weighted_gradients(const cxai_heatmap_call *call,
                                  const cx_points *points, double *sums,
                                  cxai_error *error)
{
    cx_pass pass;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cxai_status status =
        cx_pass_open_batched(&pass, call, call->input_value, call->input_value,
                             points->count, error);
    if (status != CXAI_OK)
        return status;
    size_t batch = (size_t)pass.batch;
    /* the unused end of the last batch keeps earlier points: no garbage */
    cxai_real *pictures = calloc(batch, count * sizeof *pictures);
    cxai_real *gradients = calloc(batch, count * sizeof *gradients);
    if (!pictures || !gradients)
        status = no_memory(error);
    for (int64_t first = 0; status == CXAI_OK && first < points->count;) {
        int64_t left = points->count - first;
        int64_t items = left < pass.batch ? left : pass.batch;
        status = cxai_heatmap_progress(call, first, points->count, error);
        if (status == CXAI_OK)
            status = add_batch(&pass, points, first, items, pictures, gradients,
                               sums, error);
        first += items;
    }
    if (status == CXAI_OK)
        status =
            cxai_heatmap_progress(call, points->count, points->count, error);
    free(pictures);
    free(gradients);
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
