/*
 * Element-wise Grad-CAM, of pytorch-grad-cam (GradCAMElementWise); it has no
 * paper of its own and stands between HiRes-CAM and Layer-CAM:
 *
 *     map = sum_k ReLU(dy/dA_k A_k)
 *
 * What speaks against the target at one channel does not cancel what speaks for
 * it at another.
 */
#include "cxai/heatmap.h"

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    for (int64_t i = 0; i < count; i++) {
        cxai_real product = layer->gradients[i] * layer->activations[i];
        weighed[i] = product < 0 ? 0 : product;
    }
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_elementwise = {
    .name = "elementwise",
    .title = "Element-wise Grad-CAM",
    .family = "CAM",
    .paper = "Gildenblat, 2021, pytorch-grad-cam",
    .summary = "HiRes-CAM of what speaks for the target alone",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
