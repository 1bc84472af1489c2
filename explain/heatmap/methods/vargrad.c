/*
 * VarGrad. Adebayo et al., "Local explanation methods for deep neural networks
 * lack sensitivity to parameter values", ICLR workshop 2018, section 2.1: the
 * variance of the gradient over noisy pictures, E[g^2] - E[g]^2 as captum's
 * NoiseTunnel with nt_type vargrad. See noise.h for samples and noise.
 */
#include "../gradient.h"
#include "../noise.h"

static void subtract_squares(const cxai_heatmap_call *call, cx_moments *m)
{
    int64_t count = call->target_count * cxai_shape_count(&call->input_shape);

    for (int64_t e = 0; e < count; e++)
        m->square[e] -= m->gradient[e] * m->gradient[e];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_moments m;
    cxai_status status = cx_noisy_moments(call, &m, error);

    if (status != CXAI_OK)
        return status;
    subtract_squares(call, &m);
    status = cx_set_attributions(call, m.square, NULL, error);
    cx_moments_free(&m);
    return status;
}

const cxai_heatmap_method cxai_method_vargrad = {
    .name = "vargrad",
    .title = "VarGrad",
    .family = "gradient",
    .paper = "Adebayo et al., 2018, ICLR workshop",
    .summary = "variance of the gradient at the input over noisy copies of the "
               "picture",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
