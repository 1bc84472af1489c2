#include "lrp_graph.h"

#include <stdlib.h>
#include <string.h>

#include "lrp_layer.h"
#include "types.h"

/* Operators that are no layer, by what they do to relevance; those that are
   missing only move or pick numbers. */
static const struct {
    const char *type;
    cx_lrp_role role;
} roles[] = {
    { "Add", CX_LRP_SHARE },
    { "Sum", CX_LRP_SHARE },
    { "Mean", CX_LRP_SHARE },
    { "AveragePool", CX_LRP_SHARE },
    { "GlobalAveragePool", CX_LRP_SHARE },
    { "ReduceMean", CX_LRP_SHARE },
    { "ReduceSum", CX_LRP_SHARE },
    { "BatchNormalization", CX_LRP_SHARE },
    { "Resize", CX_LRP_SHARE },
    { "Upsample", CX_LRP_SHARE },
    { "Mul", CX_LRP_PRODUCT },
    { "MatMul", CX_LRP_CONTRACTION },
    { "Gemm", CX_LRP_CONTRACTION },
    { "Conv", CX_LRP_CONTRACTION },
    { "ConvTranspose", CX_LRP_CONTRACTION },
    { "Einsum", CX_LRP_CONTRACTION },
    { "Div", CX_LRP_QUOTIENT },
    { "LayerNormalization", CX_LRP_STANDARDISE },
    { "RMSNormalization", CX_LRP_STANDARDISE },
    { "Sigmoid", CX_LRP_ACTIVATION },
    { "HardSigmoid", CX_LRP_ACTIVATION },
    { "HardSwish", CX_LRP_ACTIVATION },
    { "Swish", CX_LRP_ACTIVATION },
    { "Tanh", CX_LRP_ACTIVATION },
    { "Erf", CX_LRP_ACTIVATION },
    { "Gelu", CX_LRP_ACTIVATION },
    { "Elu", CX_LRP_ACTIVATION },
    { "Selu", CX_LRP_ACTIVATION },
    { "Celu", CX_LRP_ACTIVATION },
    { "Mish", CX_LRP_ACTIVATION },
    { "Softplus", CX_LRP_ACTIVATION },
    { "Softsign", CX_LRP_ACTIVATION },
    { "Clip", CX_LRP_ACTIVATION },
    { "Exp", CX_LRP_ACTIVATION },
    { "Log", CX_LRP_ACTIVATION },
    { "Sqrt", CX_LRP_ACTIVATION },
    { "Pow", CX_LRP_ACTIVATION },
    { "Reciprocal", CX_LRP_ACTIVATION },
    { "LRN", CX_LRP_ACTIVATION },
};

static const char *const unknown[] = {
    "Attention", "InstanceNormalization", "GroupNormalization",
    "LpPool",    "LpNormalization",
};

/* What the search over the graph goes by; arrays by value. */
typedef struct finder {
    const cxai_model *model;
    const cxai_shape *shapes;
    int target;
    cx_lrp_graph *graph;
    unsigned char *active; /* depends on the picture */
    unsigned char *direct; /* without a layer between */
    int *readers;          /* how many inputs read it */
    int *reader;           /* the last node that does */
} finder;

/* A mean that is subtracted: part of a layer norm written out, in which only
   the sum with beta shares, as in one written as one node. */
static int is_centre(const finder *f, const cxai_node *node)
{
    int value = node->outputs[0];

    return strcmp(node->operator_type, "ReduceMean") == 0 &&
           f->readers[value] > 0 &&
           strcmp(cxai_model_node(f->model, f->reader[value]).operator_type,
                  "Sub") == 0;
}

static cx_lrp_role role_of(const finder *f, const cxai_node *node)
{
    const char *type = node->operator_type;

    if (is_centre(f, node))
        return CX_LRP_PLAIN;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].type, type) == 0)
            return roles[i].role;
    return CX_LRP_PLAIN;
}

/* Only the shape of what they read, which is no number of the picture. */
static int reads_shape(const char *type)
{
    return strcmp(type, "Shape") == 0 || strcmp(type, "Size") == 0;
}

static void find_active(const finder *f, int input)
{
    f->active[input] = 1;
    for (int n = 0; n < cxai_model_node_count(f->model); n++) {
        cxai_node node = cxai_model_node(f->model, n);
        int depends = 0;
        for (int i = 0; i < node.input_count; i++) {
            if (node.inputs[i] < 0)
                continue;
            depends |= f->active[node.inputs[i]];
            f->readers[node.inputs[i]]++;
            f->reader[node.inputs[i]] = n;
        }
        for (int i = 0; i < node.output_count; i++)
            if (node.outputs[i] >= 0)
                f->active[node.outputs[i]] =
                    depends && !reads_shape(node.operator_type);
    }
}

/* ---- gates --------------------------------------------------------------- */

/* The only input of a node that depends on the picture, or -1. */
static int only_active(const finder *f, const cxai_node *node)
{
    int found = -1;

    for (int i = 0; i < node->input_count; i++) {
        int v = node->inputs[i];
        if (v < 0 || !f->active[v])
            continue;
        if (found >= 0)
            return -1;
        found = v;
    }
    return found;
}

/* Whether a value is one of the given functions, moved by constants: what
   squeeze-excitation, Swish and GELU multiply their argument by. */
static int is_gate(const finder *f, int value, const char *functions)
{
    enum { steps = 6 };

    for (int i = 0; i < steps && value >= 0; i++) {
        int producer = cxai_model_producer(f->model, value);
        if (producer < 0)
            return 0;
        cxai_node node = cxai_model_node(f->model, producer);
        if (cx_is_one_of(node.operator_type, functions))
            return 1;
        if (!cx_is_one_of(node.operator_type,
                          "Add Sub Mul Div Reshape Unsqueeze Expand Transpose"))
            return 0;
        value = only_active(f, &node);
    }
    return 0;
}

/* The input of a product that is a gate, or -1. */
static int find_gate(const finder *f, const cxai_node *node)
{
    static const char *const functions[] = { "Sigmoid HardSigmoid",
                                             "Erf Tanh Clip" };

    for (int k = 0; k < 2 && only_active(f, node) < 0; k++)
        for (int i = node->input_count - 1; i >= 0; i--)
            if (is_gate(f, node->inputs[i], functions[k]))
                return i;
    return -1;
}

/* ---- nodes --------------------------------------------------------------- */

/* The node that alone reads a layer's value, if it can be merged. */
static int next_of_layer(const finder *f, int value)
{
    return value != f->target && f->readers[value] == 1 ? f->reader[value] : -1;
}

/* Makes a layer that begins at node n, with what follows it. 0: no layer. */
static int add_layer(const finder *f, int n, cxai_error *error,
                     cxai_status *status)
{
    cx_lrp_graph *graph = f->graph;
    cx_lrp_layer *layer = &graph->layers[graph->layer_count];
    cxai_node node = cxai_model_node(f->model, n);

    if (!f->active[node.outputs[0]] || node.inputs[0] < 0 ||
        !f->active[node.inputs[0]] ||
        !cx_lrp_layer_begin(layer, f->model, f->shapes, n, error, status))
        return 0;
    int number = graph->layer_count++;
    graph->nodes[n] = (cx_lrp_node){ .role = CX_LRP_HEAD, .layer = number };
    layer->first = f->direct[layer->x] != 0;
    for (int value = node.outputs[0];;) {
        int next = next_of_layer(f, value);
        if (next < 0 || !cx_lrp_layer_merge(layer, f->model, f->shapes, next))
            break;
        if (layer->tail != n)
            graph->nodes[layer->tail].role = CX_LRP_INSIDE;
        graph->nodes[next] =
            (cx_lrp_node){ .role = CX_LRP_TAIL, .layer = number };
        layer->tail = next;
        value = cxai_model_node(f->model, next).outputs[0];
    }
    return 1;
}

static cxai_status describe(const finder *f, int n, cxai_error *error)
{
    cxai_node node = cxai_model_node(f->model, n);
    cx_lrp_node *own = &f->graph->nodes[n];
    cxai_status status = CXAI_OK;
    int direct = 0;

    for (int i = 0; i < node.input_count; i++)
        direct |= node.inputs[i] >= 0 && f->direct[node.inputs[i]];
    if (own->role == CX_LRP_PLAIN && !add_layer(f, n, error, &status)) {
        own->role = role_of(f, &node);
        own->before_first = direct;
        own->gate =
            own->role == CX_LRP_PRODUCT || own->role == CX_LRP_CONTRACTION
                ? find_gate(f, &node)
                : -1;
        if (own->gate >= 0)
            own->role = CX_LRP_GATE;
    }
    for (int i = 0; own->role != CX_LRP_HEAD && i < node.output_count; i++)
        if (node.outputs[i] >= 0 && f->active[node.outputs[i]])
            f->direct[node.outputs[i]] = direct != 0;
    return status;
}

/* Nodes without a rule, among those that the target depends on. */
static cxai_status refuse_unknown(const finder *f, cxai_error *error)
{
    for (int n = 0; n < cxai_model_node_count(f->model); n++) {
        cxai_node node = cxai_model_node(f->model, n);
        for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
            if (strcmp(node.operator_type, unknown[i]) == 0 &&
                f->active[node.outputs[0]])
                return cxai_fail(
                    error, CXAI_UNSUPPORTED,
                    "no rule of relevance propagation is known "
                    "for the %s that makes '%s'",
                    node.operator_type,
                    cxai_model_value_name(f->model, node.outputs[0]));
    }
    return CXAI_OK;
}

static cxai_status describe_all(finder *f, int input, cxai_error *error)
{
    find_active(f, input);
    f->direct[input] = 1;
    cxai_status status = refuse_unknown(f, error);
    for (int n = 0; status == CXAI_OK && n < cxai_model_node_count(f->model);
         n++)
        status = describe(f, n, error);
    f->graph->bypassed = f->direct[f->target];
    return status;
}

cxai_status cx_lrp_graph_make(cx_lrp_graph *graph,
                              const cxai_heatmap_call *call, cxai_error *error)
{
    size_t nodes = (size_t)cxai_model_node_count(call->model);
    size_t values = (size_t)cxai_model_value_count(call->model);
    unsigned char *marks = calloc(values, 2);
    int *reads = calloc(values, 2 * sizeof *reads);
    finder f = { .model = call->model,
                 .shapes = call->shapes,
                 .target = call->value,
                 .graph = graph,
                 .active = marks,
                 .direct = marks + values,
                 .readers = reads,
                 .reader = reads + values };

    *graph = (cx_lrp_graph){ .nodes = calloc(nodes, sizeof *graph->nodes),
                             .layers = calloc(nodes, sizeof *graph->layers) };
    cxai_status status =
        marks && reads && graph->nodes && graph->layers
            ? describe_all(&f, call->input_value, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for the layers");
    free(marks);
    free(reads);
    if (status != CXAI_OK)
        cx_lrp_graph_clear(graph);
    return status;
}

void cx_lrp_graph_clear(cx_lrp_graph *graph)
{
    for (int i = 0; i < graph->layer_count; i++)
        cx_lrp_layer_clear(&graph->layers[i]);
    free(graph->nodes);
    free(graph->layers);
    memset(graph, 0, sizeof *graph);
}
