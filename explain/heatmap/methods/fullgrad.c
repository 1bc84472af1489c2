/*
 * Full-Grad. Srinivas and Fleuret, "Full-gradient representation for neural
 * network visualization", NeurIPS 2019, equation 4: the score of a network of
 * ReLUs is the gradient at the input times the input plus the gradient at every
 * bias times the bias,
 *
 *     map = psi(|x . dy/dx|) + sum over layers l, channels c psi(|b_lc
 * dy/db_lc|)
 *
 * where psi brings one channel to 0..1, (x - min) / (max - min + 1e-7), and
 * enlarges it bilinearly. Numbers as pytorch-grad-cam.
 *
 * The biases are those that stand at every position: of convolutions, forward
 * and transposed, and of batch normalisations, which add beta - mean gamma /
 * sqrt(variance + epsilon). An exporter that merges the normalisation into a
 * convolution without bias writes just that as the convolution's bias, and its
 * gradient is the same: the map does not depend on it. (Behind a convolution
 * with a bias the merged one is a single bias, the sum of what are two maps of
 * an unmerged file.) Biases of linear layers have no position, and none of
 * other operators is looked for.
 *
 * Enlarging is linear, so the channels of a layer are summed first.
 *
 * Each channel counts by its shape alone, however small its numbers are. So one
 * ReLU whose input rounding carries over 0 may move the map by some 1e-3, in
 * float32, of any implementation; in double it is the reference's to 2e-6. Of
 * resnet18's 2.3 million ReLUs the one that does is in layer3.1: its input is
 * 8e-6 (deviation 1.1). Closed in the reference in float64, too, that moves by
 * 1.2e-3 and is then ours in float32 to 1.6e-6.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/preprocess.h"

#include "../pass.h"

/* What the hooks of one node work on. */
typedef struct source {
    struct gathering *into;
    double *bias; /* [channels] */
} source;

typedef struct gathering {
    const cxai_heatmap_call *call;
    source *sources; /* [nodes of the model]; bias NULL: not looked at */
    int nodes;
    double *sum;         /* (height,width) of the input: of a target's maps */
    cxai_real *large;    /* the same: one map, enlarged */
    cxai_real *gradient; /* of a node's output, or of the input */
    cxai_real *layer;    /* its map, the channels summed */
} gathering;

/* ---- biases -------------------------------------------------------------- */

static double number_at(const cxai_model *model, int value, int64_t index)
{
    cxai_tensor view = cxai_model_constant(model, value);

    return (double)*cxai_tensor_at(&view, &index);
}

static int is_vector(const cxai_model *model, int value, int64_t channels)
{
    cxai_tensor view = { 0 };

    if (value >= 0)
        view = cxai_model_constant(model, value);
    return view.data && view.shape.rank == 1 && view.shape.dim[0] == channels;
}

/* inputs: x, scale, bias, mean, variance. */
static void read_normalisation(const cxai_model *model, int number,
                               const cxai_node *node, int64_t channels,
                               double *bias)
{
    double epsilon = cxai_model_attribute(model, number, "epsilon", 1e-5);

    for (int64_t c = 0; c < channels; c++)
        bias[c] = number_at(model, node->inputs[2], c) -
                  number_at(model, node->inputs[3], c) *
                      number_at(model, node->inputs[1], c) /
                      sqrt(number_at(model, node->inputs[4], c) + epsilon);
}

/* How a node comes by a bias. */
typedef enum bias_kind { NONE, ADDED, NORMALISED } bias_kind;

static bias_kind kind_of(const cxai_model *model, const cxai_node *node,
                         int64_t channels)
{
    if (strcmp(node->operator_type, "Conv") == 0 ||
        strcmp(node->operator_type, "ConvTranspose") == 0)
        return node->input_count > 2 &&
                       is_vector(model, node->inputs[2], channels)
                   ? ADDED
                   : NONE;
    if (strcmp(node->operator_type, "BatchNormalization") != 0 ||
        node->input_count < 5)
        return NONE;
    for (int i = 1; i < 5; i++)
        if (!is_vector(model, node->inputs[i], channels))
            return NONE;
    return NORMALISED;
}

static cxai_status read_bias(gathering *g, int number, cxai_error *error)
{
    const cxai_model *model = g->call->model;
    cxai_node node = cxai_model_node(model, number);
    const cxai_shape *shape = &g->call->shapes[node.outputs[0]];
    int64_t channels = shape->rank == 4 ? shape->dim[1] : 0;
    bias_kind kind = channels ? kind_of(model, &node, channels) : NONE;

    if (kind == NONE)
        return CXAI_OK;
    double *bias = malloc((size_t)channels * sizeof *bias);
    if (!bias)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for biases");
    g->sources[number] = (source){ g, bias };
    if (kind == NORMALISED)
        read_normalisation(model, number, &node, channels, bias);
    else
        for (int64_t c = 0; c < channels; c++)
            bias[c] = number_at(model, node.inputs[2], c);
    return CXAI_OK;
}

/* ---- maps ---------------------------------------------------------------- */

/* Adds |scale * number| of one channel, brought to 0..1, to sum. The 1e-7 keeps
   down a channel in which only rounding differs. */
static void add_channel(const cxai_real *numbers, int64_t step, int64_t count,
                        double scale, cxai_real *sum)
{
    double low = (double)INFINITY, high = (double)-INFINITY;

    for (int64_t p = 0; p < count; p++) {
        double number = fabs(scale * (double)numbers[p * step]);
        low = fmin(low, number);
        high = fmax(high, number);
    }
    for (int64_t p = 0; p < count; p++)
        sum[p] += (cxai_real)((fabs(scale * (double)numbers[p * step]) - low) /
                              (high - low + 1e-7));
}

/* Adds a map of (height,width) to the target's, enlarged. */
static void add_map(gathering *g, const cxai_real *map, int64_t height,
                    int64_t width)
{
    int64_t pixels = g->call->height * g->call->width;

    cxai_map_resize(map, (int)height, (int)width, g->large,
                    (int)g->call->height, (int)g->call->width);
    for (int64_t p = 0; p < pixels; p++)
        g->sum[p] += (double)g->large[p];
}

/* dy at a node with a bias, which is the gradient at that bias. */
static int gather(const cxai_hook_call *hook, void *payload)
{
    const source *from = payload;
    gathering *g = from->into;
    const cxai_tensor *gradient = &hook->output_gradients[0];

    if (!gradient->data)
        return 0;
    int64_t channels = gradient->shape.dim[1];
    int64_t height = gradient->shape.dim[2], width = gradient->shape.dim[3];
    int64_t positions = height * width;
    cxai_tensor_read(gradient, g->gradient);
    memset(g->layer, 0, (size_t)positions * sizeof *g->layer);
    for (int64_t c = 0; c < channels; c++)
        add_channel(g->gradient + c * positions, 1, positions, from->bias[c],
                    g->layer);
    add_map(g, g->layer, height, width);
    return 0;
}

/* |x dy/dx|, channel by channel; the product replaces the gradient. */
static void add_input(gathering *g, cxai_real *gradient)
{
    const cxai_heatmap_call *call = g->call;
    int64_t positions = call->height * call->width;
    int last = call->options->channels_last != 0;
    int64_t step = last ? call->channels : 1;

    for (int64_t e = 0; e < call->channels * positions; e++)
        gradient[e] *= call->input[e];
    for (int64_t p = 0; p < positions; p++)
        g->layer[p] = 0;
    for (int64_t c = 0; c < call->channels; c++)
        add_channel(gradient + c * (last ? 1 : positions), step, positions, 1,
                    g->layer);
    add_map(g, g->layer, call->height, call->width);
}

/* ---- the whole ----------------------------------------------------------- */

/* A cx_hook_lister: at all biases. */
static int list_hooks(const cxai_model *model, void *payload, cxai_hook *hooks)
{
    gathering *g = payload;
    int count = 0;

    for (int i = 0; i < cxai_model_node_count(model); i++)
        if (g->sources[i].bias)
            hooks[count++] = (cxai_hook){ CXAI_BEFORE_BACKWARD, i, NULL, gather,
                                          &g->sources[i] };
    return count;
}

/* Reads all biases, and makes room for the largest of their gradients. */
static cxai_status prepare(gathering *g, cxai_error *error)
{
    const cxai_heatmap_call *call = g->call;
    int64_t most = cxai_shape_count(&call->input_shape);
    int64_t pixels = call->height * call->width;
    cxai_status status = CXAI_OK;

    g->nodes = cxai_model_node_count(call->model);
    g->sources = calloc((size_t)g->nodes + 1, sizeof *g->sources);
    if (!g->sources)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for biases");
    for (int i = 0; status == CXAI_OK && i < g->nodes; i++) {
        status = read_bias(g, i, error);
        if (status != CXAI_OK || !g->sources[i].bias)
            continue;
        cxai_node node = cxai_model_node(call->model, i);
        int64_t count = cxai_shape_count(&call->shapes[node.outputs[0]]);
        most = count > most ? count : most;
    }
    if (status != CXAI_OK)
        return status;
    g->gradient = malloc((size_t)most * sizeof *g->gradient);
    g->layer = malloc((size_t)most * sizeof *g->layer);
    g->large = malloc((size_t)pixels * sizeof *g->large);
    g->sum = malloc((size_t)pixels * sizeof *g->sum);
    return g->gradient && g->layer && g->large && g->sum
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY, "no memory for Full-Grad");
}

static cxai_status one_target(cx_pass *pass, gathering *g, int i,
                              cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t pixels = call->height * call->width;

    memset(g->sum, 0, (size_t)pixels * sizeof *g->sum);
    cxai_status status =
        cx_pass_backward(pass, &call->results[i].target, 1, g->gradient, error);
    if (status != CXAI_OK)
        return status;
    cxai_real *gradient = g->gradient;
    add_input(g, gradient);
    for (int64_t p = 0; p < pixels; p++)
        gradient[p] = (cxai_real)g->sum[p];
    return cxai_heatmap_set_map(call, i, gradient, call->height, call->width,
                                error);
}

static cxai_status run(cx_pass *pass, gathering *g, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = cx_pass_forward(pass, call->input, error);

    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass->session, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = one_target(pass, g, i, error);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, total, error);
    }
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    gathering g = { .call = call };
    cx_pass pass;
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = prepare(&g, error);
    if (status == CXAI_OK)
        status = cx_pass_open_hooked(&pass, call, call->input_value, 1,
                                     list_hooks, &g, error);
    if (status == CXAI_OK) {
        status = run(&pass, &g, error);
        cx_pass_close(&pass);
    }
    for (int i = 0; g.sources && i < g.nodes; i++)
        free(g.sources[i].bias);
    free(g.sources);
    free(g.gradient);
    free(g.layer);
    free(g.large);
    free(g.sum);
    return status;
}

const cxai_heatmap_method cxai_method_fullgrad = {
    .name = "fullgrad",
    .title = "Full-Grad",
    .family = "CAM",
    .paper = "Srinivas and Fleuret, 2019, NeurIPS",
    .summary = "gradient x input and the gradients of all biases, together",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
