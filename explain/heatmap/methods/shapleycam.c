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
 * No second backward pass is needed. With J = dz/dA, behind the layer being
 * piecewise linear as it is at every network's default layer,
 *
 *     df/dA - 1/2 H A = J^T (2 e_c - p + 1/2 (p * d - p (p . d))),   d = J A
 *
 * is one backward pass from another seed. d, how the logits change along the
 * activations, is A . dz_k/dA for the most probable classes, and for the
 * others, which weigh little, the difference of the logits at (1 + h) A and (1
 * - h) A. The curvature of smooth activations behind an earlier layer is left
 * out.
 */
#include <stdlib.h>
#include <string.h>

#include "../cam.h"
#include "../classes.h"

/* classes; so many at once as do not make the session pack its weights for many
   pictures, which so few passes would not repay */
enum { most_exact = 32, at_once = 8 };

static const double step = 1.0 / 128;
/* Probability of the classes that are left to the difference; and of a class
   that is not, for the difference is as good for many faint ones. */
static const double least_rest = 1e-4, least_share = 2e-3;

typedef struct curvature {
    cx_layer layer;
    int64_t size; /* of the layer's value */
    cx_classes classes;
    cxai_real *points;   /* (batch, the layer's value) */
    cxai_real *gradient; /* of one item, dense, of the layer's value */
    double *slope;       /* [classes]: d */
    double *weights;     /* [channels] */
} curvature;

static double softmax_slope(const curvature *c)
{
    double mean = 0;

    for (int64_t k = 0; k < c->classes.of.count; k++)
        mean += c->classes.probabilities[k] * c->slope[k];
    return mean;
}

/* Forward with every item at scale * A; reads the logits of item 0. */
static cxai_status look(cx_pass *pass, curvature *c, double scale,
                        cxai_error *error)
{
    cxai_tensor value;

    for (int64_t e = 0; e < pass->batch * c->size; e++)
        c->points[e] = (cxai_real)(scale * (double)c->layer.value[e % c->size]);
    cxai_status status = cx_pass_forward(pass, c->points, error);
    if (status == CXAI_OK)
        status =
            cxai_session_value(pass->session, pass->call->value, &value, error);
    if (status == CXAI_OK)
        cx_classes_read(&c->classes, &value, 0);
    return status;
}

/* A view of one item of the gradient at the layer after a backward pass. */
static cxai_status item_of(const cx_pass *pass, int64_t item, cxai_tensor *view,
                           cxai_error *error)
{
    cxai_status status =
        cxai_session_gradient(pass->session, pass->wrt, view, error);

    if (status == CXAI_OK) {
        view->data += item * view->stride[0];
        view->shape.dim[0] = 1;
    }
    return status;
}

/* The exact slopes of the given classes, one an item of the batch. */
static cxai_status differentiate(cx_pass *pass, const curvature *c,
                                 const int64_t *which, int count,
                                 cxai_error *error)
{
    cxai_tensor view;

    memset(pass->seed, 0, (size_t)pass->target_count * sizeof *pass->seed);
    for (int i = 0; i < count; i++)
        pass->seed[i * c->classes.of.count + which[i]] = 1;
    cxai_status status =
        cxai_session_backward(pass->session, pass->seed, error);
    for (int i = 0; status == CXAI_OK && i < count; i++) {
        status = item_of(pass, i, &view, error);
        if (status != CXAI_OK)
            break;
        cxai_tensor_read(&view, c->gradient);
        double sum = 0;
        for (int64_t e = 0; e < c->size; e++)
            sum += (double)c->gradient[e] * (double)c->layer.value[e];
        c->slope[which[i]] = sum;
    }
    return status;
}

/* The most probable classes, until little or none of weight is left; how
   many. */
static int find_probable(const cx_classes *classes, int64_t which[most_exact])
{
    double rest = 1;
    int count = 0;

    while (count < most_exact && count < classes->of.count &&
           rest > least_rest) {
        int64_t best = -1;
        for (int64_t k = 0; k < classes->of.count; k++) {
            int taken = 0;
            for (int i = 0; i < count; i++)
                taken |= which[i] == k;
            if (!taken && (best < 0 || classes->probabilities[k] >
                                           classes->probabilities[best]))
                best = k;
        }
        if (classes->probabilities[best] < least_share)
            break;
        which[count++] = best;
        rest -= classes->probabilities[best];
    }
    return count;
}

static cxai_status find_slopes(cx_pass *pass, curvature *c, cxai_error *error)
{
    int64_t which[most_exact];
    cxai_status status = look(pass, c, 1 + step, error);

    for (int64_t k = 0; status == CXAI_OK && k < c->classes.of.count; k++)
        c->slope[k] = (double)c->classes.logits[k];
    if (status == CXAI_OK)
        status = look(pass, c, 1 - step, error);
    for (int64_t k = 0; status == CXAI_OK && k < c->classes.of.count; k++)
        c->slope[k] = (c->slope[k] - (double)c->classes.logits[k]) / (2 * step);
    if (status == CXAI_OK)
        status = look(pass, c, 1, error);
    int count = status == CXAI_OK ? find_probable(&c->classes, which) : 0;
    for (int i = 0; status == CXAI_OK && i < count; i += (int)pass->batch) {
        int items = count - i < pass->batch ? count - i : (int)pass->batch;
        status = differentiate(pass, c, which + i, items, error);
    }
    return status;
}

static cxai_status one_map(cx_pass *pass, const curvature *c, int i,
                           cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t positions = c->layer.grid.height * c->layer.grid.width, class;
    cxai_tensor view;
    cxai_status status = cx_class_needed(&c->classes, call, i, &class, error);

    if (status != CXAI_OK)
        return status;
    double sign = call->results[i].target.terms[0].weight;
    double mean = softmax_slope(c);
    memset(pass->seed, 0, (size_t)pass->target_count * sizeof *pass->seed);
    for (int64_t k = 0; k < c->classes.of.count; k++)
        pass->seed[k] =
            (cxai_real)(sign * ((k == class ? 2 : 0) +
                                c->classes.probabilities[k] *
                                    ((c->slope[k] - mean) / 2 - 1)));
    status = cxai_session_backward(pass->session, pass->seed, error);
    if (status == CXAI_OK)
        status = item_of(pass, 0, &view, error);
    if (status != CXAI_OK)
        return status;
    view = cxai_grid_view(&view, &c->layer.grid);
    cxai_tensor_read(&view, c->gradient);
    for (int64_t k = 0; k < c->layer.grid.channels; k++)
        c->weights[k] =
            cx_mean_gradient(NULL, c->gradient + k * positions, positions);
    return cx_cam_deliver_weights(call, i, c->weights, &c->layer, error);
}

static cxai_status run(cx_pass *pass, curvature *c, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    size_t size = (size_t)c->size;
    cxai_status status = CXAI_OK;

    c->points = calloc((size_t)pass->batch, size * sizeof *c->points);
    c->gradient = calloc(size, sizeof *c->gradient);
    c->slope = calloc((size_t)c->classes.of.count, sizeof *c->slope);
    c->weights = calloc((size_t)c->layer.grid.channels, sizeof *c->weights);
    if (!c->points || !c->gradient || !c->slope || !c->weights)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for Shapley-CAM");
    status = find_slopes(pass, c, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = one_map(pass, c, i, error);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, 1 + call->target_count,
                                           error);
    }
    return status;
}

static cxai_status look_behind(const cxai_heatmap_call *call, curvature *c,
                               cxai_error *error)
{
    cx_pass pass;
    int64_t class;
    cxai_status status = cx_layer_read(&c->layer, call, error);

    if (status == CXAI_OK)
        status = cx_classes_open(&c->classes, call, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = cx_class_needed(&c->classes, call, i, &class, error);
    if (status != CXAI_OK)
        return status;
    c->size = cxai_shape_count(&c->layer.shape);
    status = cx_pass_open_batched(&pass, call, call->layer, call->layer,
                                  at_once, error);
    if (status != CXAI_OK)
        return status;
    status = run(&pass, c, error);
    cx_pass_close(&pass);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    curvature c = { 0 };
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = look_behind(call, &c, error);
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
    .cost = "1 forward, and of what lies behind the layer 3 forward, up to 32 "
            "backward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS |
             CXAI_NEEDS_CLASS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
