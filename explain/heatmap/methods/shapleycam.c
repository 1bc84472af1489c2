/*
 * Shapley-CAM. Cai, "CAMs as Shapley value-based explainers", The Visual
 * Computer 2025, with the utility ReST of its section 4: for class c of the
 * logits z and p = softmax(z),
 *
 *     f = z_c + log p_c
 *     w_k = mean over positions of (df/dA - 1/2 H A)_k,  H = d2f/dA2
 *     map = ReLU(sum_k w_k A_k)
 *
 * Numbers as pytorch-grad-cam with ClassifierOutputReST as target (with its
 * default target, a logit, H is 0 in a network of ReLUs and the map
 * Grad-CAM's).
 *
 * H A is how the gradient changes along A. With J = dz/dA and d = J A, which is
 * how the logits do,
 *
 *     df/dA - 1/2 H A = J^T (s + 1/2 (p * d - p (p . d))) - 1/2 C,
 *     s = 2 e_c - p,  C = derivative of J^T s along A, s held
 *
 * d and C are differences between the activations (1 + h) A and (1 - h) A,
 * which go through the layers behind together with A and take its branches
 * (branches.h), as autograd does: so neither has an error from kinks. C is 0
 * and d exact for any h where only convolutions, linear layers and functions of
 * straight pieces lie behind, as at most networks' default layer. Else the
 * error is of second order in h, and rounding is divided by it. A network that
 * hides a batch of 1 in its graph is run for each alone, with its own branches.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../branches.h"
#include "../cam.h"
#include "../classes.h"

/* The points at which the network is run from the layer on: A times 1, 1 + h
   and 1 - h. */
enum { here, ahead, behind, point_count };

typedef struct curvature {
    const cxai_heatmap_call *call;
    cx_layer layer;
    int64_t size; /* of the layer's value */
    cx_classes classes;
    int64_t batch;             /* points of a session, 3 or 1 */
    cx_pass pass[point_count]; /* 3 / batch sessions behind the layer */
    int straight;              /* C is 0 */
    double step;               /* h */
    cxai_real *points;         /* (3, the layer's value) */
    cxai_real *gradient;       /* at one point, dense, of the layer's value */
    double *slope;             /* [classes]: d */
    double *weights;           /* [channels] */
} curvature;

/* ---- the sessions -------------------------------------------------------- */

static cxai_status open_behind(curvature *c, int64_t batch, cxai_error *error)
{
    cx_hook_lister *list = batch == point_count ? cx_list_branches : NULL;
    cxai_status status = CXAI_OK;

    c->batch = batch;
    for (int i = 0; status == CXAI_OK && i < point_count / batch; i++)
        status = cx_pass_open_behind(&c->pass[i], c->call, c->call->layer,
                                     batch, list, NULL, error);
    return status;
}

/* h: that at which both errors of a central difference are about equal; where
   there is no other than rounding, a large one. */
static double step_of(int straight)
{
    double epsilon =
        sizeof(cxai_real) > sizeof(float) ? DBL_EPSILON : (double)FLT_EPSILON;

    return straight ? 0.5 : cbrt(epsilon);
}

static cxai_status prepare(curvature *c, cxai_error *error)
{
    cxai_status status = open_behind(c, point_count, error);

    if (status == CXAI_OK)
        status = cx_is_straight(c->call, &c->straight, error);
    else if (status != CXAI_LIMIT && status != CXAI_NO_MEMORY)
        status = open_behind(c, 1, error); /* the batch is hidden */
    c->step = step_of(c->straight);
    return status;
}

/* ---- forward ------------------------------------------------------------- */

/* Reads the classes' logits and probabilities at a point. */
static cxai_status read_classes(curvature *c, int point, cxai_error *error)
{
    cxai_tensor value;
    cxai_status status = cxai_session_value(c->pass[point / c->batch].session,
                                            c->call->value, &value, error);

    if (status == CXAI_OK)
        cx_classes_read(&c->classes, &value, point % c->batch);
    return status;
}

static cxai_status forward(curvature *c, cxai_error *error)
{
    const double scale[] = { 1, 1 + c->step, 1 - c->step };
    cxai_status status = CXAI_OK;

    for (int64_t e = 0; e < point_count * c->size; e++)
        c->points[e] = (cxai_real)(scale[e / c->size] *
                                   (double)c->layer.value[e % c->size]);
    for (int64_t i = 0; status == CXAI_OK && i < point_count / c->batch; i++)
        status = cx_pass_forward(&c->pass[i],
                                 c->points + i * c->batch * c->size, error);
    return status;
}

/* The logits' slopes; then the classes at A are what was read last. */
static cxai_status find_slopes(curvature *c, cxai_error *error)
{
    cxai_status status = read_classes(c, ahead, error);

    for (int64_t k = 0; status == CXAI_OK && k < c->classes.of.count; k++)
        c->slope[k] = (double)c->classes.logits[k];
    if (status == CXAI_OK)
        status = read_classes(c, behind, error);
    for (int64_t k = 0; status == CXAI_OK && k < c->classes.of.count; k++)
        c->slope[k] =
            (c->slope[k] - (double)c->classes.logits[k]) / (2 * c->step);
    return status == CXAI_OK ? read_classes(c, here, error) : status;
}

/* ---- backward ------------------------------------------------------------ */

static void set_seed(curvature *c, int point, int64_t class, double number)
{
    c->pass[point / c->batch]
        .seed[point % c->batch * c->classes.of.count + class] =
        (cxai_real)number;
}

/* s at the two neighbours, for C; at A all else. */
static void set_seeds(curvature *c, int64_t class, double sign)
{
    double mean = 0;

    for (int64_t k = 0; k < c->classes.of.count; k++)
        mean += c->classes.probabilities[k] * c->slope[k];
    for (int64_t k = 0; k < c->classes.of.count; k++) {
        double p = c->classes.probabilities[k];
        double s = sign * ((k == class ? 2 : 0) - p);
        set_seed(c, here, k, s + sign * p * (c->slope[k] - mean) / 2);
        set_seed(c, ahead, k, c->straight ? 0 : s);
        set_seed(c, behind, k, c->straight ? 0 : s);
    }
}

/* Adds the mean gradient at a point in each channel, times scale. */
static cxai_status add_weights(const curvature *c, int point, double scale,
                               cxai_error *error)
{
    int64_t positions = c->layer.grid.height * c->layer.grid.width;
    cxai_tensor view;
    cxai_status status = cxai_session_gradient(
        c->pass[point / c->batch].session, c->call->layer, &view, error);

    if (status != CXAI_OK)
        return status;
    view.data += point % c->batch * view.stride[0];
    view.shape.dim[0] = 1;
    view = cxai_grid_view(&view, &c->layer.grid);
    cxai_tensor_read(&view, c->gradient);
    for (int64_t k = 0; k < c->layer.grid.channels; k++)
        c->weights[k] +=
            scale *
            cx_mean_gradient(NULL, c->gradient + k * positions, positions);
    return CXAI_OK;
}

static cxai_status one_map(curvature *c, int i, cxai_error *error)
{
    const double scale[] = { 1, -1 / (4 * c->step), 1 / (4 * c->step) };
    int points = c->straight ? 1 : point_count;
    int64_t class;
    cxai_status status =
        cx_class_needed(&c->classes, c->call, i, &class, error);

    if (status != CXAI_OK)
        return status;
    set_seeds(c, class, c->call->results[i].target.terms[0].weight);
    memset(c->weights, 0, (size_t)c->layer.grid.channels * sizeof *c->weights);
    for (int64_t k = 0; status == CXAI_OK && k < point_count / c->batch; k++)
        status =
            cxai_session_backward(c->pass[k].session, c->pass[k].seed, error);
    for (int k = 0; status == CXAI_OK && k < points; k++)
        status = add_weights(c, k, scale[k], error);
    return status == CXAI_OK ? cx_cam_deliver_weights(c->call, i, c->weights,
                                                      &c->layer, error)
                             : status;
}

/* ---- the method ---------------------------------------------------------- */

static cxai_status allocate(curvature *c, cxai_error *error)
{
    size_t size = (size_t)c->size;

    c->points = calloc(point_count, size * sizeof *c->points);
    c->gradient = calloc(size, sizeof *c->gradient);
    c->slope = calloc((size_t)c->classes.of.count, sizeof *c->slope);
    c->weights = calloc((size_t)c->layer.grid.channels, sizeof *c->weights);
    return c->points && c->gradient && c->slope && c->weights
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY, "no memory for Shapley-CAM");
}

static cxai_status look_behind(curvature *c, cxai_error *error)
{
    const cxai_heatmap_call *call = c->call;
    int64_t class;
    cxai_status status = cx_layer_read(&c->layer, call, error);

    if (status == CXAI_OK)
        status = cx_classes_open(&c->classes, call, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = cx_class_needed(&c->classes, call, i, &class, error);
    c->size = cxai_shape_count(&c->layer.shape);
    if (status == CXAI_OK)
        status = allocate(c, error);
    if (status == CXAI_OK)
        status = prepare(c, error);
    if (status == CXAI_OK)
        status = forward(c, error);
    if (status == CXAI_OK)
        status = find_slopes(c, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = one_map(c, i, error);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, 1 + call->target_count,
                                           error);
    }
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    curvature c = { .call = call };
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = look_behind(&c, error);
    for (int i = 0; i < point_count; i++)
        cx_pass_close(&c.pass[i]);
    cx_layer_free(&c.layer);
    cx_classes_free(&c.classes);
    free(c.points);
    free(c.gradient);
    free(c.slope);
    free(c.weights);
    return status;
}

const cxai_heatmap_method cxai_method_shapleycam = {
    .name = "shapleycam",
    .title = "Shapley-CAM",
    .family = "CAM",
    .paper = "Cai, 2025, The Visual Computer",
    .summary = "Grad-CAM of logit and log-probability with the second order",
    .cost =
        "1 forward, and of what lies behind the layer 3 forward, 3 backward a "
        "target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS |
             CXAI_NEEDS_CLASS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
