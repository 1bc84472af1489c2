/*
 * XGrad-CAM. Fu et al., "Axiom-based Grad-CAM: towards accurate visualization
 * and explanation of CNNs", BMVC 2020, equation 8:
 *
 *     w_k = sum_ij (dy/dA_kij A_kij / sum_ab A_kab)
 *     map = ReLU(sum_k w_k A_k)
 *
 * Numbers as pytorch-grad-cam, which adds 1e-7 to the denominator, so that a
 * channel that is zero everywhere weighs nothing.
 */
#include "../cam.h"

static double weight_of(const cxai_real *activation, const cxai_real *gradient,
                        int64_t positions)
{
    double total = 0, product = 0;

    for (int64_t i = 0; i < positions; i++) {
        total += (double)activation[i];
        product += (double)gradient[i] * (double)activation[i];
    }
    return product / (total + 1e-7);
}

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    cx_weigh_channels(layer, weight_of, weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_xgradcam = {
    .name = "xgradcam",
    .title = "XGrad-CAM",
    .family = "CAM",
    .paper = "Fu et al., 2020, BMVC",
    .summary = "channels weighted by gradient x activation over activation",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
