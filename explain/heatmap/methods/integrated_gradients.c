/*
 * Integrated gradients. Sundararajan, Taly and Yan, "Axiomatic attribution for
 * deep networks", ICML 2017, equation 1:
 *
 *     (x - x') * integral over a in 0..1 of dy/dx at x' + a (x - x')
 *
 * from the baseline x' to the picture x, by Gauss-Legendre quadrature with 50
 * points as in captum; the baseline is zero unless the options give another.
 * The attribution sums to y(x) - y(x') up to the error of the quadrature, which
 * is reported as delta.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../quadrature.h"

enum { default_steps = 50, most_steps = 100000 };

typedef struct path {
    const double *nodes;
    const cxai_real *baseline;   /* x' */
    const cxai_real *difference; /* x - x' */
} path;

static void write_point(const cxai_heatmap_call *call, const void *payload,
                        int64_t index, cxai_real *point)
{
    const path *p = payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_real a = (cxai_real)p->nodes[index];

    for (int64_t e = 0; e < count; e++)
        point[e] = p->baseline[e] + a * p->difference[e];
}

/* delta = sum of the attribution - (y(x) - y(x')), as captum. */
static void note_delta(cxai_heatmap *result, double baseline_score)
{
    int64_t count = cxai_shape_count(&result->shape);
    double sum = 0;

    for (int64_t e = 0; e < count; e++)
        sum += (double)result->data[e];
    result->delta = sum - (result->score - baseline_score);
}

/* nodes holds steps nodes, then steps weights, then a score a target; pictures
   holds the baseline, then the difference; sums is zero. */
static cxai_status integrate(const cxai_heatmap_call *call, int steps,
                             double *nodes, cxai_real *pictures, double *sums,
                             cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    double *weights = nodes + steps, *scores = weights + steps;
    cxai_real *difference = pictures + count;
    path p = { nodes, pictures, difference };
    cx_points points = { steps, weights, write_point, &p };

    cx_gauss_legendre(steps, nodes, weights);
    for (int64_t e = 0; e < count; e++) {
        if (call->options->baseline)
            pictures[e] = call->options->baseline[e];
        difference[e] = call->input[e] - pictures[e];
    }
    cxai_status status = cx_begin(call, pictures, scores, error);
    if (status == CXAI_OK)
        status = cx_weighted_gradients(call, &points, sums, error);
    if (status == CXAI_OK)
        status = cx_set_attributions(call, sums, difference, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        note_delta(&call->results[i], scores[i]);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int steps = call->options->steps ? call->options->steps : default_steps;
    size_t targets = (size_t)call->target_count;

    if (steps < 1 || steps > most_steps)
        return cxai_fail(error, CXAI_INVALID, "steps must be 1 to %d, not %d",
                         most_steps, steps);
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    double *nodes = malloc((2 * (size_t)steps + targets) * sizeof *nodes);
    cxai_real *pictures = calloc(count, 2 * sizeof *pictures);
    double *sums = calloc(targets, count * sizeof *sums);
    cxai_status status =
        nodes && pictures && sums
            ? integrate(call, steps, nodes, pictures, sums, error)
            : cxai_fail(error, CXAI_NO_MEMORY,
                        "no memory for integrated gradients");
    free(nodes);
    free(pictures);
    free(sums);
    return status;
}

const cxai_heatmap_method cxai_method_integrated_gradients = {
    .name = "integrated_gradients",
    .title = "Integrated gradients",
    .family = "path",
    .paper = "Sundararajan et al., 2017, ICML",
    .summary = "gradient averaged on the way from a baseline, times the way; "
               "sums to the change of the score",
    .cost = "2 + steps forward, steps backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
