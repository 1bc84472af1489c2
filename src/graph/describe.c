/* What a classifier's parts are: its logits and its last spatial layer. */
#include <stdlib.h>
#include <string.h>

#include "graph/grids.h"

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

/* Marks the nodes that make what a node takes. */
static void mark_makers(const cxai_model *model, const cx_node *node,
                        unsigned char *marked)
{
    for (int i = 0; i < node->input_count; i++) {
        int v = node->inputs[i];
        if (v >= 0 && model->values[v].producer >= 0)
            marked[model->values[v].producer] = 1;
    }
}

/* Marks the nodes that a value depends on. */
static void mark_ancestors(const cxai_model *model, int value,
                           unsigned char *marked)
{
    int last = model->values[value].producer;
    if (last < 0)
        return;
    marked[last] = 1;
    for (int n = last; n >= 0; n--)
        if (marked[n])
            mark_makers(model, &model->nodes[n], marked);
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

static int is_passive(const cx_node *node)
{
    /* These make no features of their own: what they take is the layer. */
    static const char *const passive[] = {
        "MaxPool", "AveragePool", "LpPool",  "Identity",  "Dropout", "Cast",
        "Pad",     "Transpose",   "Reshape", "Unsqueeze", "Squeeze", NULL
    };
    return is_one_of(node->type, passive);
}

/* Whether the value has more than one position. */
static int is_spatial(const cx_grids *grids, int value, cxai_grid *grid)
{
    return cx_grids_find(grids, value, CXAI_LAYER_ANY, grid) == NULL &&
           grid->height > 0 && grid->width > 0 &&
           (grid->height > 1 || grid->width > 1);
}

/* The last node before `end` that lets tokens look at each other, or -1. */
static int last_attention(const cxai_model *model, const unsigned char *marked,
                          int end)
{
    for (int n = end - 1; n >= 0; n--) {
        const cx_node *node = &model->nodes[n];
        if (marked[n] && (strcmp(node->type, "Attention") == 0 ||
                          (strcmp(node->type, "MatMul") == 0 &&
                           model->values[node->inputs[0]].literal == NULL &&
                           model->values[node->inputs[1]].literal == NULL)))
            return n;
    }
    return -1;
}

/* What a linear layer takes, laid out as tokens; -1 for another node. */
static int tokens_of_linear(const cx_grids *grids, const cx_node *node,
                            cxai_grid *grid)
{
    const cxai_model *model = grids->model;
    if ((strcmp(node->type, "MatMul") != 0 &&
         strcmp(node->type, "Gemm") != 0) ||
        model->values[node->inputs[1]].literal == NULL)
        return -1;
    int value = node->inputs[0];
    const cx_node *maker = producer(model, value);
    while (!is_spatial(grids, value, grid) && maker != NULL &&
           is_passive(maker)) {
        value = maker->inputs[0];
        maker = producer(model, value);
    }
    return maker != NULL && is_spatial(grids, value, grid) ? value : -1;
}

/*
 * Behind the last attention tokens do not look at each other any more, so the
 * class token, which is all that the classifier reads, depends on no patch:
 * their gradient is zero. The layer is what the queries, keys and values of
 * that attention are made of, the normalised input of the last block; -1 when
 * there is none.
 */
static int before_attention(const cx_grids *grids, unsigned char *marked,
                            int layer)
{
    const cxai_model *model = grids->model;
    int end = model->values[layer].producer;
    int last = last_attention(model, marked, end), found = -1;
    memset(marked, 0, (size_t)model->node_count);
    if (last >= 0)
        marked[last] = 1;
    for (int n = last; n >= 0; n--) {
        const cx_node *node = &model->nodes[n];
        cxai_grid grid;
        int value = marked[n] ? tokens_of_linear(grids, node, &grid) : -1;
        if (value >= 0 && (found < 0 || model->values[value].producer >
                                            model->values[found].producer))
            found = value;
        if (marked[n] && value < 0)
            mark_makers(model, node, marked);
    }
    return found;
}

/* The last marked layer with positions, or -1. */
static int last_spatial(const cx_grids *grids, const unsigned char *marked,
                        cxai_grid *grid)
{
    const cxai_model *model = grids->model;
    for (int n = model->node_count - 1; n >= 0; n--) {
        int value = model->nodes[n].outputs[0];
        if (marked[n] && value >= 0 && !is_passive(&model->nodes[n]) &&
            is_spatial(grids, value, grid))
            return value;
    }
    return -1;
}

cxai_status cxai_model_cam_layer(const cxai_model *model,
                                 const cxai_shape *shapes, int *layer,
                                 cxai_error *error)
{
    cx_grids grids = { 0 };
    cxai_grid grid = { 0 };
    unsigned char *marked = cx_alloc((size_t)model->node_count, 1);
    *layer = -1;
    if (marked == NULL || cx_grids_open(&grids, model, shapes) != 0) {
        free(marked);
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    }
    int end = cxai_model_logits(model);
    if (is_spatial(&grids, end, &grid))
        end = before_classifier(model, end);
    mark_ancestors(model, end, marked);
    *layer = last_spatial(&grids, marked, &grid);
    if (*layer >= 0 && grid.extra > 0) {
        int earlier = before_attention(&grids, marked, *layer);
        *layer = earlier >= 0 ? earlier : *layer;
    }
    cx_grids_close(&grids);
    free(marked);
    if (*layer >= 0)
        return CXAI_OK;
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "the network has no spatial layer before its classifier; "
                     "name one");
}
