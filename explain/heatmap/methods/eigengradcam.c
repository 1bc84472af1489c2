/*
 * Eigen-Grad-CAM, of pytorch-grad-cam: the first principal component, as in
 * Eigen-CAM (Muhammad and Yeasin, 2020), of gradient x activation, element by
 * element, which tells classes apart.
 *
 * The sign, which the decomposition leaves open, is the one that agrees with
 * the sum over channels of gradient x activation, the HiRes-CAM map: positive
 * where the layer speaks for the target.
 */
#include "../cam.h"

static void multiply(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    for (int64_t i = 0; i < count; i++)
        weighed[i] = layer->gradients[i] * layer->activations[i];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_cam cam = { .weigh = multiply, .reduction = CX_CAM_PRINCIPAL };

    return cx_cam_compute(call, &cam, error);
}

const cxai_heatmap_method cxai_method_eigengradcam = {
    .name = "eigengradcam",
    .title = "Eigen-Grad-CAM",
    .family = "CAM",
    .paper = "Gildenblat, 2021, pytorch-grad-cam",
    .summary = "first principal component of gradient x activation",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
