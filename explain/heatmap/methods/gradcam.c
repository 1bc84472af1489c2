/*
 * Grad-CAM. Selvaraju et al., "Grad-CAM: visual explanations from deep networks
 * via gradient-based localization", ICCV 2017, equations 1 and 2:
 *
 *     alpha_k = mean over positions of dy/dA_k
 *     map = ReLU(sum_k alpha_k A_k)
 *
 * Numbers as pytorch-grad-cam.
 */
#include "../cam.h"

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    cx_weigh_channels(layer, cx_mean_gradient, weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_gradcam = {
    .name = "gradcam",
    .title = "Grad-CAM",
    .family = "CAM",
    .paper = "Selvaraju et al., 2017, ICCV",
    .summary = "channels of a layer weighted by their mean gradient",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
