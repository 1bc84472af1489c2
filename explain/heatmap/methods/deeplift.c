/*
 * DeepLIFT. Shrikumar, Greenside and Kundaje, "Learning important features
 * through propagating activation differences", ICML 2017, with the rescale rule
 * (section 3.5.2): multipliers instead of gradients go back through the network
 * (rescale.h), and the attribution is (x - x') times the multiplier, x' being
 * the baseline. As captum's DeepLift but for max pools whose windows overlap.
 *
 * The attribution sums to y(x) - y(x') where only the operators that rescale.h
 * names are not linear; delta says how nearly.
 */
#include <stdlib.h>
#include <string.h>

#include "../gradient.h"
#include "../rescale.h"

/* pictures: the picture, then the baseline */
static cxai_status run_pair(cx_pass *pass, const cxai_real *pictures,
                            double *scores, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_tensor value;
    cxai_status status = cx_pass_forward(pass, pictures, error);

    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass->session, error);
    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->value, &value, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        scores[i] = cxai_target_score(&call->results[i].target, &value, 1);
    return status;
}

/* The result of target i; multipliers takes those of both pictures. */
static cxai_status explain(cx_pass *pass, int i, const cxai_real *pictures,
                           cxai_real *multipliers, double baseline_score,
                           cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_heatmap *result = &call->results[i];
    int64_t count = cxai_shape_count(&call->input_shape);
    const cxai_real *baseline = pictures + count;
    double sum = 0;
    cxai_status status =
        cx_pass_backward(pass, &result->target, 2, multipliers, error);

    if (status != CXAI_OK)
        return status;
    for (int64_t e = 0; e < count; e++) {
        multipliers[e] *= call->input[e] - baseline[e];
        sum += (double)multipliers[e];
    }
    result->delta = sum - (result->score - baseline_score);
    return cxai_heatmap_set_attribution(call, i, multipliers, error);
}

static cxai_status explain_all(cx_pass *pass, const cxai_real *pictures,
                               cxai_real *multipliers, double *scores,
                               cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = run_pair(pass, pictures, scores, error);

    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = cxai_heatmap_progress(call, 1 + i, total, error);
        if (status == CXAI_OK)
            status = explain(pass, i, pictures, multipliers, scores[i], error);
    }
    return status == CXAI_OK ? cxai_heatmap_progress(call, total, total, error)
                             : status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_pass pass;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    const cxai_real *baseline = call->options->baseline;
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = cx_pass_open_hooked(&pass, call, call->input_value, 2,
                                     cx_list_rescalers, NULL, error);
    if (status != CXAI_OK)
        return status;
    cxai_real *pictures = calloc(count, 2 * sizeof *pictures);
    cxai_real *multipliers = malloc(count * 2 * sizeof *multipliers);
    double *scores = calloc((size_t)call->target_count, sizeof *scores);
    if (pictures && multipliers && scores) {
        memcpy(pictures, call->input, count * sizeof *pictures);
        if (baseline)
            memcpy(pictures + count, baseline, count * sizeof *pictures);
        status = explain_all(&pass, pictures, multipliers, scores, error);
    } else {
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for DeepLIFT");
    }
    free(pictures);
    free(multipliers);
    free(scores);
    cx_pass_close(&pass);
    return status;
}

const cxai_heatmap_method cxai_method_deeplift = {
    .name = "deeplift",
    .title = "DeepLIFT",
    .family = "gradient",
    .paper = "Shrikumar et al., 2017, ICML",
    .summary = "contributions to the change of the score from a baseline, "
               "rescale rule",
    .cost = "2 forward, 2 backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_BASELINE,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
