/*
 * CAM. Zhou et al., "Learning deep features for discriminative localization",
 * CVPR 2016, equation 2: map_c = sum_k w_ck A_k, where the network ends in
 * y_c = sum_k w_ck mean(A_k) + b_c. No approximation, but defined only for such
 * networks: the graph is walked from the target back to the pooling, and any
 * other end is refused.
 *
 * The weights need not be read from the file: everything behind the pooling is
 * linear, so the sum over the positions of dy_c/dA_k is w_ck, whether the file
 * writes a Gemm (transposed or scaled), a MatMul or a 1x1 convolution.
 */
#include <string.h>

#include "../cam.h"
#include "../types.h"

/* A linear or shape-only node behind the pooling. */
static int is_linear(const char *type)
{
    static const char types[] =
        "Gemm MatMul Conv Add Flatten Reshape Squeeze Unsqueeze Dropout "
        "Identity Gather";

    return cx_is_one_of(type, types);
}

/* The one input of a linear node that is no weight, or -1 when there are
   several: the product of two activations is not linear. */
static int moving_input(const cxai_model *model, const cxai_node *node)
{
    static const char shape_only[] = "Reshape Squeeze Unsqueeze";
    int count =
        cx_is_one_of(node->operator_type, shape_only) ? 1 : node->input_count;
    int found = -1;

    for (int i = 0; i < count; i++) {
        int value = node->inputs[i];
        if (value < 0 || cxai_model_producer(model, value) < 0)
            continue;
        if (found >= 0)
            return -1;
        found = value;
    }
    return found;
}

/* Whether a node averages each channel of a spatial value over all positions.
   A ReduceMean does when one number a channel is left; where a channel count
   equals a side, other axes could give the same shape, and it is refused. */
static int is_average(const cxai_heatmap_call *call, const cxai_node *node)
{
    if (strcmp(node->operator_type, "GlobalAveragePool") == 0)
        return 1;
    if (strcmp(node->operator_type, "ReduceMean") != 0)
        return 0;
    const cxai_shape *in = &call->shapes[node->inputs[0]];
    const cxai_shape *out = &call->shapes[node->outputs[0]];
    if (in->rank != 4 || out->rank < 2 || out->dim[1] != in->dim[1] ||
        cxai_shape_count(out) != in->dim[0] * in->dim[1])
        return 0;
    return out->rank == 4 ||
           (in->dim[1] != in->dim[2] && in->dim[1] != in->dim[3]);
}

static cxai_status refuse(const cxai_heatmap_call *call, const char *found,
                          cxai_error *error)
{
    return cxai_fail(error, CXAI_UNSUPPORTED,
                     "CAM needs a network that ends in a global average pool "
                     "and a linear layer; going back from '%s' there is %s "
                     "first; use gradcam",
                     cxai_model_value_name(call->model, call->value), found);
}

/* The value that is pooled before the target. */
static cxai_status find_pooled(const cxai_heatmap_call *call, int *layer,
                               cxai_error *error)
{
    int value = call->value;

    for (;;) {
        int producer = cxai_model_producer(call->model, value);
        if (producer < 0)
            return refuse(call, "no pooling", error);
        cxai_node node = cxai_model_node(call->model, producer);
        if (is_average(call, &node)) {
            *layer = node.inputs[0];
            return CXAI_OK;
        }
        value = is_linear(node.operator_type) ? moving_input(call->model, &node)
                                              : -1;
        if (value < 0)
            return refuse(call, node.operator_type, error);
    }
}

static double sum_of_gradients(const cxai_real *activation,
                               const cxai_real *gradient, int64_t positions)
{
    double weight = 0;

    (void)activation;
    for (int64_t i = 0; i < positions; i++)
        weight += (double)gradient[i];
    return weight;
}

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    cx_weigh_channels(layer, sum_of_gradients, weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cxai_heatmap_call pooled = *call;
    cxai_status status = find_pooled(call, &pooled.layer, error);

    if (status != CXAI_OK)
        return status;
    int asked = call->options->layer >= 0 || call->options->layer_count > 0;
    if (asked && call->layer != pooled.layer)
        return cxai_fail(error, CXAI_INVALID,
                         "CAM is defined at '%s' alone, the layer before the "
                         "pooling; use gradcam for others",
                         cxai_model_value_name(call->model, pooled.layer));
    for (int i = 0; i < call->target_count; i++)
        call->results[i].layer = pooled.layer;
    return cxai_heatmap_cam(&pooled, weigh, error);
}

const cxai_heatmap_method cxai_method_cam = {
    .name = "cam",
    .title = "CAM",
    .family = "CAM",
    .paper = "Zhou et al., 2016, CVPR",
    .summary = "the classifier's own weights; exact, where the network ends in "
               "global average pooling and a linear layer",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
