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

int cxai_model_logits(const cxai_model *model)
{
    static const char *const scores[] = { "Softmax", "LogSoftmax", "Sigmoid",
                                          NULL };
    static const char *const decisions[] = { "ArgMax", "TopK", NULL };
    static const char *const same_numbers[] = { "Identity",  "Reshape",
                                                "Flatten",   "Squeeze",
                                                "Unsqueeze", "Dropout",
                                                "Cast",      NULL };
    int value = model->outputs[0];
    const cx_node *node = producer(model, value);
    while (node != NULL && (is_one_of(node->type, same_numbers) ||
                            is_one_of(node->type, decisions))) {
        if (is_one_of(node->type, decisions))
            value = node->inputs[0];
        node = producer(model, node->inputs[0]);
    }
    if (node != NULL && is_one_of(node->type, scores))
        return node->inputs[0];
    return value;
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
    mark_ancestors(model, cxai_model_logits(model), marked);
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
