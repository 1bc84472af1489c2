/*
 * Layer-CAM. Jiang et al., "LayerCAM: exploring hierarchical class activation
 * maps for localization", IEEE Transactions on Image Processing 30, 2021,
 * equations 5 to 7:
 *
 *     map = ReLU(sum_k ReLU(dy/dA_k) A_k)
 *
 * Numbers as pytorch-grad-cam. The paper's tanh scaling (equation 8), which
 * only serves to fuse several layers, is left out there and here.
 */
#include "cxai/heatmap.h"

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    for (int64_t i = 0; i < count; i++)
        weighed[i] = layer->gradients[i] <= 0
                         ? 0
                         : layer->gradients[i] * layer->activations[i];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_layercam = {
    .name = "layercam",
    .title = "Layer-CAM",
    .family = "CAM",
    .paper = "Jiang et al., 2021, IEEE TIP",
    .summary = "each position weighted by its own positive gradient; any layer",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
