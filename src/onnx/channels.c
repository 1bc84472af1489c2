/*
 * Inputs that are declared without a shape, or without a number of channels:
 * the first convolution that reads them knows it.
 */
#include <string.h>

#include "onnx/reader.h"

/* Nodes between an input and its convolution. */
enum { MOST_STEPS = 16 };

static int is_one_of(const char *type, const char *const *types)
{
    for (; *types != NULL; types++)
        if (strcmp(type, *types) == 0)
            return 1;
    return 0;
}

/* The first node that reads a value as its first input. */
static const Onnx__NodeProto *reader_of(const Onnx__GraphProto *graph,
                                        const char *name)
{
    for (size_t n = 0; n < graph->n_node; n++)
        if (graph->node[n]->n_input > 0 && graph->node[n]->n_output > 0 &&
            strcmp(graph->node[n]->input[0], name) == 0)
            return graph->node[n];
    return NULL;
}

static const Onnx__TensorProto *weight(const Onnx__GraphProto *graph,
                                       const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(cx_onnx_text(graph->initializer[i]->name), name) == 0)
            return graph->initializer[i];
    return NULL;
}

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *node,
                                             const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(cx_onnx_text(node->attribute[i]->name), name) == 0)
            return node->attribute[i];
    return NULL;
}

/* Follows axes through a Transpose: axis[i] is the input's axis that has become
   axis i. 0, or -1 when it is no permutation of so many axes. */
static int permute(const Onnx__NodeProto *node, int axis[CXAI_MAX_RANK])
{
    int before[CXAI_MAX_RANK];
    const Onnx__AttributeProto *perm = attribute(node, "perm");
    if (perm == NULL || perm->n_ints > CXAI_MAX_RANK)
        return -1;
    memcpy(before, axis, sizeof before);
    for (size_t i = 0; i < perm->n_ints; i++) {
        if (perm->ints[i] < 0 || perm->ints[i] >= (int64_t)perm->n_ints)
            return -1;
        axis[i] = before[perm->ints[i]];
    }
    return 0;
}

/* The convolution that an input arrives at through nodes that keep its shape or
   permute it; NULL: none. */
static const Onnx__NodeProto *find_convolution(const Onnx__GraphProto *graph,
                                               const char *name,
                                               int axis[CXAI_MAX_RANK])
{
    static const char *const same_shape[] = {
        "Add",  "Sub",      "Mul",
        "Div",  "Cast",     "BatchNormalization",
        "Pad",  "Identity", "QuantizeLinear",
        "Clip", "Dropout",  "DequantizeLinear",
        NULL
    };
    for (int step = 0; step < MOST_STEPS; step++) {
        const Onnx__NodeProto *node = reader_of(graph, name);
        if (node == NULL)
            return NULL;
        const char *type = cx_onnx_text(node->op_type);
        if (strcmp(type, "Conv") == 0)
            return node;
        if (strcmp(type, "Transpose") == 0 ? permute(node, axis) != 0
                                           : !is_one_of(type, same_shape))
            return NULL;
        name = node->output[0];
    }
    return NULL;
}

int cx_onnx_complete_shape(const Onnx__GraphProto *graph, const char *name,
                           cxai_shape *shape)
{
    int axis[CXAI_MAX_RANK];
    for (int i = 0; i < CXAI_MAX_RANK; i++)
        axis[i] = i;
    const Onnx__NodeProto *conv = find_convolution(graph, name, axis);
    const Onnx__TensorProto *w = conv != NULL && conv->n_input > 1
                                     ? weight(graph, conv->input[1])
                                     : NULL;
    if (w == NULL || w->n_dims < 3 || w->n_dims > CXAI_MAX_RANK)
        return -1;
    const Onnx__AttributeProto *group = attribute(conv, "group");
    int64_t groups = group != NULL ? group->i : 1, channels = w->dims[1];
    if (groups < 1 || channels < 1 || channels > INT32_MAX / groups)
        return -1;
    if (shape->rank < 0)
        *shape = (cxai_shape){ .rank = (int)w->n_dims };
    if (shape->rank != (int)w->n_dims || axis[1] >= shape->rank)
        return -1;
    if (shape->dim[axis[1]] == 0)
        shape->dim[axis[1]] = channels * groups;
    return 0;
}
