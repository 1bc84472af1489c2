/*
 * Layer integrated gradients: integrated gradients (Sundararajan et al., 2017,
 * equation 1) in the space of a layer, from what the network makes of the
 * baseline there to what it makes of the picture, as captum's
 * LayerIntegratedGradients. What goes around the layer keeps the picture; where
 * nothing does, the attribution sums to y(x) - y(x'), and delta says how
 * nearly.
 */
#include <stdlib.h>

#include "../layer.h"
#include "../path.h"

static cxai_status integrate(const cxai_heatmap_call *call, const cx_path *path,
                             double *sums, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->shapes[call->layer]);
    cxai_status status =
        cx_path_integrate(path, call, call->layer, sums, error);

    if (status == CXAI_OK)
        status = cx_set_layers(call, sums, path->way, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        cx_note_delta(&call->results[i], sums + i * count, path->way, count,
                      path->baseline_scores[i]);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_path path;
    cxai_status status = cx_path_open(&path, call, call->layer,
                                      call->options->baseline, 0, error);

    if (status != CXAI_OK)
        return status;
    double *sums = cx_layer_sums(call, error);
    status = sums ? integrate(call, &path, sums, error) : CXAI_NO_MEMORY;
    free(sums);
    cx_path_close(&path);
    return status;
}

static const cxai_heatmap_parameter parameters[] = { CX_RULE_PARAMETER, { 0 } };

const cxai_heatmap_method cxai_method_layer_integrated_gradients = {
    .name = "layer_integrated_gradients",
    .title = "Layer integrated gradients",
    .family = "layer",
    .paper = "Sundararajan et al., 2017, ICML",
    .summary = "integrated gradients in the space of a layer",
    .cost = "2 + steps forward, steps backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS |
             CXAI_NEEDS_BASELINE,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_LAYER,
    .compute = compute,
};
