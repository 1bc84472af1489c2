/*
 * SmoothGrad. Smilkov et al., "SmoothGrad: removing noise by adding noise",
 * ICML workshop 2017, section 3: the mean over n noisy pictures x + N(0, s^2)
 * of the signed gradient dy/dx, as captum's NoiseTunnel around
 * Saliency(abs=False) computes it. See noise.h for n and s.
 */
#include "../gradient.h"
#include "../noise.h"

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_moments m;
    cxai_status status = cx_noisy_moments(call, &m, error);

    if (status != CXAI_OK)
        return status;
    status = cx_set_attributions(call, m.gradient, NULL, error);
    cx_moments_free(&m);
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
