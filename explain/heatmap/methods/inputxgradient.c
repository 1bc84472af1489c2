/*
 * Input x gradient: x dy/dx, the first term of y's Taylor series at zero.
 * Shrikumar et al., "Not just a black box: learning important features through
 * propagating activation differences", arXiv 1605.01713, 2016, section 2, which
 * shows that it is epsilon-LRP in a network of ReLUs with epsilon 0. x is what
 * the network takes, after the preprocessing, as in captum.
 */
#include "../gradient.h"

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);

    for (int64_t e = 0; e < count; e++)
        gradient[e] *= call->input[e];
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_input_gradients(call, NULL, NULL, finish, error);
}

const cxai_heatmap_method cxai_method_inputxgradient = {
    .name = "inputxgradient",
    .title = "Input x gradient",
    .family = "gradient",
    .paper = "Shrikumar et al., 2016, arXiv",
    .summary = "gradient at the input times the input",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
