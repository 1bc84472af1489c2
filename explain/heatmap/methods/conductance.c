/*
 * Conductance. Dhamdhere, Sundararajan and Yan, "How important is a neuron?",
 * ICLR 2019, equation 3: for each neuron A of a layer
 *
 *     integral over a in 0..1 of dy/dA dA/da    at x' + a (x - x')
 *
 * which sums over the layer to y(x) - y(x'). As captum's LayerConductance: the
 * way is divided at steps + 1 nodes of a quadrature, and the integral is the
 * sum over steps of dy/dA at the first node times the change of A to the next.
 * What lies before the first node and behind the last is left out: nothing with
 * the rule trapezoid, little with Gauss-Legendre; delta says how much in all.
 */
#include <stdlib.h>
#include <string.h>

#include "../layer.h"
#include "../path.h"

/* What a target's sum needs of the point before. */
typedef struct flow {
    cx_path path;
    double *sums;
    cxai_real *gradients, *values; /* [target][the layer's numbers] */
} flow;

static void take(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value)
{
    flow *f = payload;
    int64_t count = cxai_shape_count(&call->shapes[call->layer]);
    int64_t offset = target * count;
    cxai_real *last_gradient = f->gradients + offset;
    cxai_real *last_value = f->values + offset;
    double *sum = f->sums + offset;

    for (int64_t e = 0; index > 0 && e < count; e++)
        sum[e] += (double)last_gradient[e] *
                  ((double)value[e] - (double)last_value[e]);
    memcpy(last_gradient, gradient, (size_t)count * sizeof *gradient);
    memcpy(last_value, value, (size_t)count * sizeof *value);
}

static cxai_status sum_up(flow *f, const cxai_heatmap_call *call,
                          cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->shapes[call->layer]);
    cx_points points = cx_path_points(&f->path, call->layer);

    points.take = take;
    points.with_values = 1;
    points.payload = f;
    cxai_status status = cx_gradients(call, &points, error);
    if (status == CXAI_OK)
        status = cx_set_layers(call, f->sums, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        cx_note_delta(&call->results[i], f->sums + i * count, NULL, count,
                      f->path.baseline_scores[i]);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->shapes[call->layer]);
    size_t targets = (size_t)call->target_count;
    flow f = { 0 };
    cxai_status status = cx_path_open(&f.path, call, call->input_value,
                                      call->options->baseline, 1, error);

    if (status != CXAI_OK)
        return status;
    f.sums = cx_layer_sums(call, error);
    f.gradients = calloc(targets, count * sizeof *f.gradients);
    f.values = calloc(targets, count * sizeof *f.values);
    status =
        f.sums && f.gradients && f.values
            ? sum_up(&f, call, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for conductance");
    free(f.sums);
    free(f.gradients);
    free(f.values);
    cx_path_close(&f.path);
    return status;
}

static const cxai_heatmap_parameter parameters[] = { CX_RULE_PARAMETER, { 0 } };

const cxai_heatmap_method cxai_method_conductance = {
    .name = "conductance",
    .title = "Conductance",
    .family = "layer",
    .paper = "Dhamdhere et al., 2019, ICLR",
    .summary = "how much of the change of the score from a baseline flows "
               "through each neuron of a layer",
    .cost = "3 + steps forward, 1 + steps backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS |
             CXAI_NEEDS_BASELINE,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_LAYER,
    .compute = compute,
};
