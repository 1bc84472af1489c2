/*
 * Eigen-CAM. Muhammad and Yeasin, "Eigen-CAM: class activation map using
 * principal components", IJCNN 2020, section III: the activations of a layer
 * projected onto their first principal component. It needs no class and no
 * gradient: it shows what stands out to the network, the same for all targets.
 *
 * As pytorch-grad-cam, activations are centred for each channel first, which
 * the paper's equation leaves out. The decomposition leaves the sign open, and
 * pytorch-grad-cam takes it as it comes, so that now the object and now the
 * background is hot. Here it is the one that agrees with the sum of the
 * magnitudes of the activations: positive where they are strong.
 */
#include <string.h>

#include "../cam.h"

static void copy(const cxai_cam_layer *layer, cxai_real *weighed)
{
    int64_t count = layer->channels * layer->height * layer->width;

    memcpy(weighed, layer->activations, (size_t)count * sizeof *weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_cam cam = { .weigh = copy,
                   .reduction = CX_CAM_BY_MAGNITUDE,
                   .forward_only = 1 };

    return cx_cam_compute(call, &cam, error);
}

const cxai_heatmap_method cxai_method_eigencam = {
    .name = "eigencam",
    .title = "Eigen-CAM",
    .family = "CAM",
    .paper = "Muhammad and Yeasin, 2020, IJCNN",
    .summary = "first principal component of the activations, without a class",
    .cost = "1 forward",
    .needs = CXAI_NEEDS_LAYER,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
