/* What a classifier's parts are: its logits and its last spatial layer. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

static int is_one_of(const char *type, const char *const *types)
{
    for (; *types != NULL; types++)
        if (strcmp(type, *types) == 0)
            return 1;
    return 0;
}

/* The first input of the node that makes a value, and the node; NULL when no
   node makes it from one. */
static const cx_node *producer(const cxai_model *model, int value)
{
    int node = model->values[value].producer;
    if (node < 0 || model->nodes[node].input_count < 1 ||
        model->nodes[node].inputs[0] < 0)
        return NULL;
    return &model->nodes[node];
}

/* Nodes that hand on the numbers they take, perhaps laid out otherwise. */
static int keeps_numbers(const cx_node *node)
{
    static const char *const types[] = {
        "Identity",       "Reshape",          "Flatten", "Squeeze",
        "Unsqueeze",      "Dropout",          "Cast",    "Transpose",
        "QuantizeLinear", "DequantizeLinear", NULL
    };
    return is_one_of(node->type, types);
}

/* The end of a network: its logits, and the node that makes scores of them, or
   else a decision; NULL when they are the output. */
typedef struct ending {
    int logits;
    const cx_node *node;
} ending;

static ending find_ending(const cxai_model *model)
{
    static const char *const scores[] = { "Softmax", "LogSoftmax", "Sigmoid",
                                          NULL };
    static const char *const decisions[] = { "ArgMax", "TopK", NULL };
    ending end = { model->outputs[0], NULL };
    const cx_node *node = producer(model, end.logits);
    while (node != NULL &&
           (keeps_numbers(node) || is_one_of(node->type, decisions))) {
        if (is_one_of(node->type, decisions))
            end = (ending){ node->inputs[0], node };
        node = producer(model, node->inputs[0]);
    }
    if (node != NULL && is_one_of(node->type, scores))
        end = (ending){ node->inputs[0], node };
    return end;
}

int cxai_model_logits(const cxai_model *model)
{
    return find_ending(model).logits;
}

/* The axis of a softmax or decision, when it is a single one; else 0. */
static int axis_of(const cxai_model *model, const cx_node *node, int rank)
{
    int softmax = strcmp(node->type, "Softmax") == 0 ||
                  strcmp(node->type, "LogSoftmax") == 0;
    int flattens = softmax && model->opset < 13;
    int otherwise = flattens ? 1 : strcmp(node->type, "ArgMax") == 0 ? 0 : -1;
    int64_t axis = cx_attribute_int(&node->attributes, "axis", otherwise);
    axis = axis < 0 ? axis + rank : axis;
    return strcmp(node->type, "Sigmoid") == 0 || axis < 1 || axis >= rank ||
                   (flattens && axis != rank - 1)
               ? 0
               : (int)axis;
}

/* Whether a value of rank 4 was channels first before its last node. */
static int is_made_channels_last(const cxai_model *model, int value)
{
    const cx_node *node = producer(model, value);
    const cx_attribute *order;
    if (node == NULL || strcmp(node->type, "Transpose") != 0)
        return 0;
    order = cx_attribute_find(&node->attributes, "perm", CX_ATTRIBUTE_INTS);
    return order != NULL && order->count == 4 && order->ints[3] == 1;
}

/* The dimension of the logits that counts classes: the only one that is not 1,
   the one of the softmax, the channels of a map; 0 when there is none. */
static int class_axis(const cxai_model *model, const ending *end,
                      const cxai_shape *shape)
{
    int axis = 1, wide = 0;
    for (int i = 1; i < shape->rank; i++)
        if (shape->dim[i] != 1) {
            axis = i;
            wide++;
        }
    if (shape->rank < 2 || wide <= 1)
        return shape->rank < 2 ? 0 : axis;
    axis = end->node != NULL ? axis_of(model, end->node, shape->rank) : 0;
    if (axis > 0 || shape->rank != 4)
        return axis;
    return is_made_channels_last(model, end->logits) ? 3 : 1;
}

/* Whether the numbers of a network without softmax or sigmoid could be logits:
   several, and not what an activation made. */
static int look_like_logits(const cxai_model *model, const cxai_classes *c)
{
    static const char *const activations[] = {
        "Abs", "Exp", "HardSigmoid", "Softplus", "Softsign", "Tanh", NULL
    };
    const cx_node *node = producer(model, c->value);
    while (node != NULL && keeps_numbers(node))
        node = producer(model, node->inputs[0]);
    return c->count > 1 &&
           (node == NULL || !is_one_of(node->type, activations));
}

cxai_classes cxai_model_classes(const cxai_model *model,
                                const cxai_shape *shapes)
{
    ending end = find_ending(model);
    const cxai_shape *shape = &shapes[end.logits];
    cxai_classes c = { .value = end.logits };
    c.axis = class_axis(model, &end, shape);
    if (c.axis > 0)
        c.count = shape->dim[c.axis];
    else
        c.count = shape->rank == 1;
    if (end.node != NULL && strcmp(end.node->type, "Sigmoid") == 0)
        c.reading = CXAI_READ_SIGMOID;
    else if (c.count > 0 && (end.node != NULL || look_like_logits(model, &c)))
        c.reading = CXAI_READ_SOFTMAX;
    c.scored_by = end.node != NULL ? end.node->type : "";
    return c;
}

/* Marks the nodes that a value depends on. */
static void mark_ancestors(const cxai_model *model, int value,
                           unsigned char *marked)
{
    int last = model->values[value].producer;
    if (last < 0)
        return;
    marked[last] = 1;
    for (int n = last; n >= 0; n--) {
        const cx_node *node = &model->nodes[n];
        for (int i = 0; marked[n] && i < node->input_count; i++) {
            int v = node->inputs[i];
            if (v >= 0 && model->values[v].producer >= 0)
                marked[model->values[v].producer] = 1;
        }
    }
}

static int is_spatial(const cxai_shape *shape)
{
    return shape->rank == 4 && shape->dim[2] > 0 && shape->dim[3] > 0 &&
           (shape->dim[2] > 1 || shape->dim[3] > 1);
}

/* The input of the last convolution that makes a map of classes: its classifier
   stands there. The map itself when it is made otherwise. */
static int before_classifier(const cxai_model *model, int map)
{
    static const char *const types[] = { "Conv", "ConvTranspose", "MatMul",
                                         "Gemm", NULL };
    static const char *const resizes[] = { "Resize", "Upsample", "Slice", "Add",
                                           NULL };
    const cx_node *node = producer(model, map);
    while (node != NULL &&
           (keeps_numbers(node) || is_one_of(node->type, resizes)))
        node = producer(model, node->inputs[0]);
    return node != NULL && is_one_of(node->type, types) ? node->inputs[0] : map;
}

cxai_status cxai_model_cam_layer(const cxai_model *model,
                                 const cxai_shape *shapes, int *layer,
                                 cxai_error *error)
{
    /* These make no features of their own: what they take is the layer. */
    static const char *const passive[] = {
        "MaxPool", "AveragePool", "LpPool",  "Identity",  "Dropout", "Cast",
        "Pad",     "Transpose",   "Reshape", "Unsqueeze", "Squeeze", NULL
    };
    unsigned char *marked = cx_alloc((size_t)model->node_count, 1);
    *layer = -1;
    if (marked == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    int end = cxai_model_logits(model);
    if (is_spatial(&shapes[end]))
        end = before_classifier(model, end);
    mark_ancestors(model, end, marked);
    for (int n = model->node_count - 1; n >= 0 && *layer < 0; n--) {
        const cx_node *node = &model->nodes[n];
        int value = node->outputs[0];
        if (marked[n] && value >= 0 && is_spatial(&shapes[value]) &&
            !is_one_of(node->type, passive))
            *layer = value;
    }
    free(marked);
    if (*layer >= 0)
        return CXAI_OK;
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "the network has no spatial layer before its classifier; "
                     "name one");
}
