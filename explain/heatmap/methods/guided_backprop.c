/*
 * Guided backpropagation. Springenberg et al., "Striving for simplicity: the
 * all convolutional net", ICLR workshop 2015, section 3.4 and figure 1: the
 * gradient at the input, with negative gradients stopped at every ReLU; see
 * guided.h for what a ReLU is. Signs as in captum: the result may be negative
 * below the first ReLU.
 */
#include "../gradient.h"
#include "../guided.h"

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_input_gradients(call, cx_guide, NULL, finish, error);
}

const cxai_heatmap_method cxai_method_guided_backprop = {
    .name = "guided_backprop",
    .title = "Guided backpropagation",
    .family = "gradient",
    .paper = "Springenberg et al., 2015, ICLR workshop",
    .summary = "gradient at the input, negative gradients stopped at each ReLU",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
