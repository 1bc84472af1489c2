/*
 * SmoothGrad squared. Hooker et al., "A benchmark for interpretability methods
 * in deep neural networks", NeurIPS 2019, section 3.1: the mean over noisy
 * pictures of the squared gradient, each number by itself, as captum's
 * NoiseTunnel with nt_type smoothgrad_sq. See noise.h for samples and noise.
 */
#include "../gradient.h"
#include "../noise.h"

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_moments m;
    cxai_status status = cx_noisy_moments(call, &m, error);

    if (status != CXAI_OK)
        return status;
    status = cx_set_attributions(call, m.square, NULL, error);
    cx_moments_free(&m);
    return status;
}

const cxai_heatmap_method cxai_method_smoothgrad_squared = {
    .name = "smoothgrad_squared",
    .title = "SmoothGrad squared",
    .family = "gradient",
    .paper = "Hooker et al., 2019, NeurIPS",
    .summary = "squared gradient at the input averaged over noisy copies of "
               "the picture",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
