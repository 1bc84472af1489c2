/*
 * Some operators know which axis of their data holds channels: a convolution
 * its second one, a linear layer the last one. Others keep the axis (an
 * addition) or move it (a transposition). So what is known spreads over the
 * graph, forwards and backwards, until nothing new is found.
 */
#include "graph/channels.h"

#include <string.h>

enum { MOST_ROUNDS = 8 };

typedef struct channels {
    const cxai_model *model;
    const cxai_shape *shapes;
    int *axis;
    int changed;
} channels;

static int is_one_of(const char *type, const char *const *types)
{
    while (*types != NULL && strcmp(type, *types) != 0)
        types++;
    return *types != NULL;
}

/* What is known first stays. */
static void note(channels *c, int value, int axis)
{
    if (value < 0 || axis < 1 || c->axis[value] != 0 ||
        c->shapes[value].rank < 3 || axis >= c->shapes[value].rank)
        return;
    c->axis[value] = axis;
    c->changed = 1;
}

static void note_both(channels *c, const cx_node *node, int axis)
{
    note(c, node->inputs[0], axis);
    note(c, node->outputs[0], axis);
}

static const cx_literal *literal_input(const channels *c, const cx_node *node,
                                       int i)
{
    int v = i < node->input_count ? node->inputs[i] : -1;
    return v >= 0 ? c->model->values[v].literal : NULL;
}

/* ---- operators that know ---- */

/* Bit a is set: a reduction's axis a, of a value of that rank. */
static unsigned reduced_axes(const channels *c, const cx_node *node, int rank)
{
    const cx_attribute *list =
        cx_attribute_find(&node->attributes, "axes", CX_ATTRIBUTE_INTS);
    const cx_literal *input = literal_input(c, node, 1);
    int64_t count = list != NULL    ? list->count
                    : input != NULL ? cx_literal_count(input)
                                    : 0;
    unsigned axes = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = list != NULL ? list->ints[i] : cx_literal_int(input, i);
        axis += axis < 0 ? rank : 0;
        if (axis >= 0 && axis < rank)
            axes |= 1u << axis;
    }
    return axes;
}

/* A mean over rows and columns leaves channels; one over a single axis that
   stays in place is the beginning of a normalisation over channels. */
static int axis_of_mean(const channels *c, const cx_node *node, int rank)
{
    unsigned axes = reduced_axes(c, node, rank);
    int kept = cx_attribute_int(&node->attributes, "keepdims", 1) != 0;
    if (rank == 4 && axes == (1u << 2 | 1u << 3))
        return 1;
    if (rank == 4 && axes == (1u << 1 | 1u << 2))
        return 3;
    if (rank == 4 && axes == 1u << 1 && kept)
        return 1;
    return axes == 1u << (rank - 1) && kept ? rank - 1 : 0;
}

/* A bias or a scale: numbers along one axis alone. */
static int axis_of_constant(const cxai_shape *data, const cxai_shape *constant)
{
    int found = 0;
    for (int i = 0; i < constant->rank; i++) {
        int axis = data->rank - constant->rank + i;
        if (constant->dim[i] == 1)
            continue;
        if (found > 0 || axis < 1 || data->dim[axis] != constant->dim[i])
            return 0;
        found = axis;
    }
    return found == 1 || found == data->rank - 1 ? found : 0;
}

static int axis_of_scale(const channels *c, const cx_node *node, int *data)
{
    for (int i = 0; i < 2 && i < node->input_count; i++) {
        const cx_literal *constant = literal_input(c, node, i);
        *data = node->inputs[1 - i];
        if (constant != NULL && *data >= 0)
            return axis_of_constant(&c->shapes[*data], &constant->shape);
    }
    return 0;
}

static void ask(channels *c, const cx_node *node)
{
    static const char *const second[] = { "Conv",
                                          "ConvTranspose",
                                          "BatchNormalization",
                                          "MaxPool",
                                          "AveragePool",
                                          "GlobalAveragePool",
                                          "GlobalMaxPool",
                                          "InstanceNormalization",
                                          "GroupNormalization",
                                          "LRN",
                                          "DepthToSpace",
                                          "SpaceToDepth",
                                          NULL };
    static const char *const normalisations[] = { "LayerNormalization",
                                                  "RMSNormalization", NULL };
    static const char *const scales[] = { "Add", "Sub", "Mul", "Div", NULL };
    int data = node->input_count > 0 ? node->inputs[0] : -1;
    if (data < 0 || node->outputs[0] < 0)
        return;
    int rank = c->shapes[data].rank;
    if (is_one_of(node->type, second)) {
        note_both(c, node, 1);
    } else if (is_one_of(node->type, normalisations)) {
        int64_t axis = cx_attribute_int(&node->attributes, "axis", -1);
        if (axis == -1 || axis == rank - 1)
            note_both(c, node, rank - 1);
    } else if (strcmp(node->type, "MatMul") == 0) {
        const cx_literal *weight = literal_input(c, node, 1);
        if (weight != NULL && weight->shape.rank == 2)
            note_both(c, node, rank - 1);
    } else if (strcmp(node->type, "ReduceMean") == 0 && rank >= 3) {
        note(c, data, axis_of_mean(c, node, rank));
    } else if (is_one_of(node->type, scales)) {
        note(c, node->outputs[0], axis_of_scale(c, node, &data));
        note(c, data, axis_of_scale(c, node, &data));
    }
}

/* ---- operators that carry ---- */

/* Rows and columns become one axis, or one becomes the two. */
static int axis_reshaped(const cxai_shape *from, const cxai_shape *to, int axis)
{
    if (cxai_shape_equal(from, to))
        return axis;
    if (from->rank < 3 || to->rank < 3 || from->rank + to->rank != 7 ||
        from->dim[0] != to->dim[0])
        return 0;
    if (axis == 1 && from->dim[1] == to->dim[1])
        return 1;
    int last = from->rank - 1;
    return axis == last && from->dim[last] == to->dim[to->rank - 1]
               ? to->rank - 1
               : 0;
}

static int axis_transposed(const cx_node *node, int rank, int axis,
                           int backwards)
{
    const cx_attribute *perm =
        cx_attribute_find(&node->attributes, "perm", CX_ATTRIBUTE_INTS);
    for (int to = 0; to < rank; to++) {
        int from = perm == NULL       ? rank - 1 - to
                   : to < perm->count ? (int)perm->ints[to]
                                      : -1;
        if (from < 0 || from >= rank)
            return 0;
        if (backwards ? to == axis : from == axis)
            return backwards ? from : to;
    }
    return 0;
}

/* The axis at `to` of what is axis at `from`: input and output of a node, or
   backwards; 0 where the node does not tell. */
static int carry(const channels *c, const cx_node *node, int from, int to,
                 int axis, int backwards)
{
    static const char *const mixers[] = { "MatMul",         "Gemm",
                                          "Einsum",         "Attention",
                                          "Gather",         "GatherND",
                                          "GatherElements", NULL };
    static const char *const reshapes[] = { "Reshape", "Flatten", "Squeeze",
                                            "Unsqueeze", NULL };
    const cxai_shape *shape = &c->shapes[from], *other = &c->shapes[to];
    if (is_one_of(node->type, mixers))
        return 0;
    if (is_one_of(node->type, reshapes))
        return axis_reshaped(shape, other, axis);
    if (shape->rank != other->rank)
        return 0;
    if (strcmp(node->type, "Transpose") == 0)
        return axis_transposed(node, shape->rank, axis, backwards);
    return axis;
}

static void spread(channels *c, const cx_node *node, int backwards)
{
    for (int i = 0; i < node->input_count; i++)
        for (int o = 0; o < node->output_count; o++) {
            int in = node->inputs[i], out = node->outputs[o];
            if (in < 0 || out < 0 || c->model->values[in].literal != NULL)
                continue;
            int from = backwards ? out : in, to = backwards ? in : out;
            if (c->axis[from] != 0)
                note(c, to, carry(c, node, from, to, c->axis[from], backwards));
        }
}

void cx_channel_axes(const cxai_model *model, const cxai_shape *shapes,
                     int *axis)
{
    channels c = { .model = model, .shapes = shapes, .axis = axis };
    memset(axis, 0, (size_t)model->value_count);
    for (int n = 0; n < model->node_count; n++)
        ask(&c, &model->nodes[n]);
    for (int round = 0; c.changed && round < MOST_ROUNDS; round++) {
        c.changed = 0;
        for (int n = 0; n < model->node_count; n++)
            spread(&c, &model->nodes[n], 0);
        for (int n = model->node_count - 1; n >= 0; n--)
            spread(&c, &model->nodes[n], 1);
    }
}
