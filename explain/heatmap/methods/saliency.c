/*
 * Saliency. Simonyan, Vedaldi and Zisserman, "Deep inside convolutional
 * networks: visualising image classification models and saliency maps", ICLR
 * workshop 2014, section 3: |dy/dx|. The paper takes the largest magnitude of
 * a pixel's channels; here, as in captum, each channel keeps its own.
 */
#include <math.h>

#include "../gradient.h"

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);

    for (int64_t e = 0; e < count; e++)
        gradient[e] = (cxai_real)fabs((double)gradient[e]);
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_input_gradients(call, NULL, NULL, finish, error);
}

const cxai_heatmap_method cxai_method_saliency = {
    .name = "saliency",
    .title = "Saliency",
    .family = "gradient",
    .paper = "Simonyan et al., 2014, ICLR workshop",
    .summary = "magnitude of the gradient at the input",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
