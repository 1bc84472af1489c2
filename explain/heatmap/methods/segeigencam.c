/*
 * Seg-Eigen-CAM. Chung and Ying, "Seg-Eigen-CAM: eigen-value-based visual
 * explanations for semantic segmentation models", Applied Sciences 15(13),
 * 2025, equations 10 to 13: the first principal component of |gradient| x
 * activation, turned so that its largest magnitude is positive. Made for
 * targets that are regions; any target will do. Numbers as pytorch-grad-cam.
 */
#include <math.h>

#include "../cam.h"

static void multiply(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    for (int64_t i = 0; i < count; i++)
        weighed[i] = (cxai_real)fabs((double)layer->gradients[i]) *
                     layer->activations[i];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_cam cam = { .weigh = multiply, .reduction = CX_CAM_BY_EXTREME };

    return cx_cam_compute(call, &cam, error);
}

const cxai_heatmap_method cxai_method_segeigencam = {
    .name = "segeigencam",
    .title = "Seg-Eigen-CAM",
    .family = "CAM",
    .paper = "Chung and Ying, 2025, Applied Sciences",
    .summary = "first principal component of gradient magnitude x activation",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
