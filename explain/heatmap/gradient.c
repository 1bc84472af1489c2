#include "gradient.h"

#include <stdlib.h>
#include <string.h>

#include "relus.h"

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY, "no memory for gradients");
}

static cxai_status run_at_input(cx_pass *pass, cx_gradient_function *finish,
                                cxai_real *gradient, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = cx_pass_forward(pass, call->input, error);

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
                               cxai_hook_function *at_relus, void *payload,
                               cx_gradient_function *finish, cxai_error *error)
{
    cx_pass pass;
    cxai_hook hook = { .function = at_relus, .payload = payload };
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status =
            cx_pass_open_hooked(&pass, call, call->input_value, 1,
                                at_relus ? cx_list_relus : NULL, &hook, error);
    if (status != CXAI_OK)
        return status;
    cxai_real *gradient = malloc(count * sizeof *gradient);
    status = gradient ? run_at_input(&pass, finish, gradient, error)
                      : no_memory(error);
    free(gradient);
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
