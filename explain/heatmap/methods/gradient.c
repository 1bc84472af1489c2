/*
 * The gradient dy/dx with its sign: Baehrens et al., "How to explain individual
 * classification decisions", JMLR 11, 2010, definition 1, of the score instead
 * of a probability. saliency is its magnitude.
 */
#include "../gradient.h"

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_input_gradients(call, NULL, NULL, finish, error);
}

const cxai_heatmap_method cxai_method_gradient = {
    .name = "gradient",
    .title = "Gradient",
    .family = "gradient",
    .paper = "Baehrens et al., 2010, JMLR",
    .summary = "gradient at the input, with its sign",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
