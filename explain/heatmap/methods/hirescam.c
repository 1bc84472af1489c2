/*
 * HiRes-CAM. Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful
 * explanations of convolutional neural networks", arXiv 2011.08891, 2020,
 * equation 3:
 *
 *     map = ReLU(sum_k dy/dA_k A_k)
 *
 * element by element: no gradient is averaged over positions. Numbers as
 * pytorch-grad-cam.
 */
#include "cxai/heatmap.h"

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    for (int64_t i = 0; i < count; i++)
        weighed[i] = layer->gradients[i] * layer->activations[i];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_hirescam = {
    .name = "hirescam",
    .title = "HiRes-CAM",
    .family = "CAM",
    .paper = "Draelos and Carin, 2020, arXiv",
    .summary =
        "gradient x activation at each position; faithful to a linear end",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
