/*
 * Integrated gradients. Sundararajan, Taly and Yan, "Axiomatic attribution for
 * deep networks", ICML 2017, equation 1:
 *
 *     (x - x') * integral over a in 0..1 of dy/dx at x' + a (x - x')
 *
 * from the baseline x' to the picture x, by Gauss-Legendre quadrature with 50
 * points as in captum, or another rule (quadrature.h); the baseline is zero
 * unless the options give another. The attribution sums to y(x) - y(x') up to
 * the error of the quadrature, which is reported as delta.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../path.h"

static cxai_status integrate(const cxai_heatmap_call *call, double *products,
                             double *baseline_scores, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_status status = cx_integrate(call, call->options->baseline, 0, 1,
                                      products, baseline_scores, error);

    if (status == CXAI_OK)
        status = cx_set_attributions(call, products, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        cx_note_delta(&call->results[i], products + i * count, NULL, count,
                      baseline_scores[i]);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    size_t targets = (size_t)call->target_count;
    double *products = calloc(targets, count * sizeof *products);
    double *scores = calloc(targets, sizeof *scores);
    cxai_status status = products && scores
                             ? integrate(call, products, scores, error)
                             : cxai_fail(error, CXAI_NO_MEMORY,
                                         "no memory for integrated gradients");

    free(products);
    free(scores);
    return status;
}

static const cxai_heatmap_parameter parameters[] = { CX_RULE_PARAMETER, { 0 } };

const cxai_heatmap_method cxai_method_integrated_gradients = {
    .name = "integrated_gradients",
    .title = "Integrated gradients",
    .family = "path",
    .paper = "Sundararajan et al., 2017, ICML",
    .summary = "gradient averaged on the way from a baseline, times the way; "
               "sums to the change of the score",
    .cost = "2 + steps forward, steps backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS | CXAI_NEEDS_BASELINE,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
