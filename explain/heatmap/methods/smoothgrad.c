/*
 * SmoothGrad. Smilkov et al., "SmoothGrad: removing noise by adding noise",
 * ICML workshop 2017, section 3: the mean over n noisy pictures x + N(0, s^2)
 * of the signed gradient dy/dx, as captum's NoiseTunnel around
 * Saliency(abs=False) computes it. See noise.h for n and s.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    double *mean = calloc((size_t)call->target_count, count * sizeof *mean);
    cxai_status status =
        mean ? cx_noisy_mean(call, mean, error)
             : cxai_fail(error, CXAI_NO_MEMORY, "no memory for SmoothGrad");

    if (status == CXAI_OK)
        status = cx_set_attributions(call, mean, NULL, error);
    free(mean);
    return status;
}

const cxai_heatmap_method cxai_method_smoothgrad = {
    .name = "smoothgrad",
    .title = "SmoothGrad",
    .family = "gradient",
    .paper = "Smilkov et al., 2017, ICML workshop",
    .summary =
        "gradient at the input averaged over noisy copies of the picture",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
