/*
 * Internal influence. Leino et al., "Influence-directed explanations for deep
 * convolutional networks", ITC 2018, definition 1 with the distribution that
 * follows the straight way from the baseline to the picture: the gradient at
 * the layer, averaged over that way, as captum's InternalInfluence.
 */
#include <stdlib.h>

#include "../layer.h"
#include "../path.h"

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_path path;
    cxai_status status = cx_path_open(&path, call, call->input_value,
                                      call->options->baseline, 0, error);

    if (status != CXAI_OK)
        return status;
    double *sums = cx_layer_sums(call, error);
    status = sums ? cx_path_integrate(&path, call, call->layer, sums, error)
                  : CXAI_NO_MEMORY;
    if (status == CXAI_OK)
        status = cx_set_layers(call, sums, NULL, error);
    free(sums);
    cx_path_close(&path);
    return status;
}

static const cxai_heatmap_parameter parameters[] = { CX_RULE_PARAMETER, { 0 } };

const cxai_heatmap_method cxai_method_internal_influence = {
    .name = "internal_influence",
    .title = "Internal influence",
    .family = "layer",
    .paper = "Leino et al., 2018, ITC",
    .summary = "gradient at a layer averaged on the way from a baseline",
    .cost = "2 + steps forward, steps backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS |
             CXAI_NEEDS_BASELINE,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_LAYER,
    .compute = compute,
};
