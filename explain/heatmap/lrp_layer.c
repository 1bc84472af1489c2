#include "lrp_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the output channels are counted; 0: no layer. */
static int find_axes(cx_lrp_layer *layer, const cxai_model *model,
                     const cxai_node *node, const cxai_shape *w,
                     const cxai_shape *y)
{
    const char *type = node->operator_type;

    layer->dense = 1;
    layer->value_axis = y->rank - 1;
    if (strcmp(type, "MatMul") == 0) {
        layer->weight_axis = 1;
        return w->rank == 2 && y->rank >= 1;
    }
    if (strcmp(type, "Gemm") == 0) {
        int plain = cxai_model_attribute(model, layer->head, "alpha", 1) == 1 &&
                    cxai_model_attribute(model, layer->head, "beta", 1) == 1;
        layer->weight_axis =
            cxai_model_attribute(model, layer->head, "transB", 0) != 0 ? 0 : 1;
        return plain && w->rank == 2 && y->rank == 2;
    }
    layer->dense = 0;
    layer->value_axis = 1;
    layer->weight_axis = strcmp(type, "ConvTranspose") == 0;
    if (layer->weight_axis == 0)
        return strcmp(type, "Conv") == 0;
    return cxai_model_attribute(model, layer->head, "group", 1) == 1;
}

/* Whether a constant is one number for each channel of a value, or one for
   all; then *step leads from channel to channel. */
static int by_channel(const cxai_tensor *constant, const cxai_shape *value,
                      int axis, int64_t *step)
{
    int shift = value->rank - constant->shape.rank;

    *step = 0;
    if (!constant->data || shift < 0)
        return 0;
    for (int d = 0; d < constant->shape.rank; d++) {
        int64_t size = constant->shape.dim[d];
        if (size == 1)
            continue;
        if (d + shift != axis || size != value->dim[axis])
            return 0;
        *step = constant->stride[d];
    }
    return 1;
}

/* Adds a constant to the channels. */
static int add_constant(const cx_lrp_layer *layer, const cxai_tensor *constant,
                        const cxai_shape *value, int axis, cxai_real *sums)
{
    int64_t step;

    if (!by_channel(constant, value, axis, &step))
        return 0;
    for (int64_t c = 0; c < layer->channels; c++)
        sums[c] += constant->data[c * step];
    return 1;
}

/* The bias that the head itself adds. */
static int add_bias(cx_lrp_layer *layer, const cxai_model *model,
                    const cxai_shape *y)
{
    if (layer->b < 0)
        return 1;
    cxai_tensor bias = cxai_model_constant(model, layer->b);
    const cxai_shape channels = { 1, { layer->channels } };
    return layer->dense
               ? add_constant(layer, &bias, y, layer->value_axis, layer->shift)
               : add_constant(layer, &bias, &channels, 0, layer->shift);
}

int cx_lrp_layer_begin(cx_lrp_layer *layer, const cxai_model *model,
                       const cxai_shape *shapes, int number, cxai_error *error,
                       cxai_status *status)
{
    cxai_node node = cxai_model_node(model, number);

    *layer = (cx_lrp_layer){ .head = number, .tail = number };
    if (node.input_count < 2 || node.inputs[1] < 0 ||
        !cxai_model_constant(model, node.inputs[1]).data)
        return 0;
    const cxai_shape *y = &shapes[node.outputs[0]];
    if (y->rank < 1 ||
        !find_axes(layer, model, &node, &shapes[node.inputs[1]], y))
        return 0;
    layer->x = node.inputs[0];
    layer->w = node.inputs[1];
    layer->b = node.input_count > 2 ? node.inputs[2] : -1;
    layer->channels = y->dim[layer->value_axis];
    layer->scale = malloc((size_t)layer->channels * sizeof *layer->scale);
    layer->shift = calloc((size_t)layer->channels, sizeof *layer->shift);
    layer->offset = calloc((size_t)layer->channels, sizeof *layer->offset);
    if (!layer->scale || !layer->shift || !layer->offset) {
        *status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for the layers");
        cx_lrp_layer_clear(layer);
        return 0;
    }
    for (int64_t c = 0; c < layer->channels; c++)
        layer->scale[c] = 1;
    if (add_bias(layer, model, y))
        return 1;
    cx_lrp_layer_clear(layer);
    return 0;
}

/* y = (x - mean) / sqrt(var + epsilon) * gamma + beta. */
static int merge_batch_norm(cx_lrp_layer *layer, const cxai_model *model,
                            int number)
{
    cxai_node node = cxai_model_node(model, number);
    cxai_tensor part[5];

    for (int i = 1; i < 5; i++) {
        part[i] = cxai_model_constant(model, node.inputs[i]);
        if (!part[i].data ||
            cxai_shape_count(&part[i].shape) != layer->channels)
            return 0;
    }
    double epsilon = cxai_model_attribute(model, number, "epsilon", 1e-5);
    for (int64_t c = 0; c < layer->channels; c++) {
        double factor =
            (double)part[1].data[c] / sqrt((double)part[4].data[c] + epsilon);
        double mean = (double)part[3].data[c], beta = (double)part[2].data[c];
        double shift = (double)layer->shift[c] - mean;
        double offset = (double)layer->offset[c] - mean;
        layer->scale[c] = (cxai_real)((double)layer->scale[c] * factor);
        layer->shift[c] = (cxai_real)(shift * factor + beta);
        layer->offset[c] = (cxai_real)(offset * factor + beta);
    }
    return 1;
}

int cx_lrp_layer_merge(cx_lrp_layer *layer, const cxai_model *model,
                       const cxai_shape *shapes, int number)
{
    cxai_node node = cxai_model_node(model, number);

    if (strcmp(node.operator_type, "BatchNormalization") == 0)
        return layer->value_axis == 1 && merge_batch_norm(layer, model, number);
    if (strcmp(node.operator_type, "Add") != 0)
        return 0;
    const cxai_shape *y = &shapes[node.outputs[0]];
    for (int i = 0; i < 2; i++) {
        cxai_tensor constant = cxai_model_constant(model, node.inputs[i]);
        if (constant.data && cxai_shape_equal(y, &shapes[node.inputs[1 - i]]))
            return add_constant(layer, &constant, y, layer->value_axis,
                                layer->shift) &&
                   add_constant(layer, &constant, y, layer->value_axis,
                                layer->offset);
    }
    return 0;
}

void cx_lrp_layer_clear(cx_lrp_layer *layer)
{
    free(layer->scale);
    free(layer->shift);
    free(layer->offset);
    layer->scale = layer->shift = layer->offset = NULL;
}
