#include "lrp.h"

#include <stdlib.h>
#include <string.h>

#include "lrp_box.h"
#include "lrp_standardise.h"
#include "pass.h"
#include "rows.h"

typedef struct propagation {
    const cxai_heatmap_call *call;
    const cx_lrp_composite *composite;
    cx_lrp_graph graph;
    cx_lrp_box *boxes; /* by layer */
    int relevance;     /* what reaches the picture is relevance itself */
    cxai_status status;
    cxai_error *error;
} propagation;

static const double stabilizer = 1e-6;

static cx_lrp_rule rule_of(const propagation *p, const cx_lrp_layer *layer)
{
    const cx_lrp_composite *c = p->composite;

    if (layer->first && c->special_first &&
        !(c->first_convolutions && layer->dense))
        return c->first;
    return layer->dense ? c->dense : c->convolution;
}

/* ---- what hooks do ------------------------------------------------------- */

static void each_row(const propagation *p, const cxai_tensor *views, int count,
                     cx_row_function *function, void *payload)
{
    cx_each_row_on(p->call->options->threads, views, count, function, payload);
}

/* at: G, y */
static void damp_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    cxai_real e = *(const cxai_real *)payload;

    for (int64_t i = 0; i < count; i++) {
        cxai_real y = at[1][i * step[1]], size = y < 0 ? -y : y;
        at[0][i * step[0]] *= size + e > 0 ? size / (size + e) : 0;
    }
}

/* G |y| / (|y| + e): the epsilon rule, before the node's own gradient. */
static void damp(const propagation *p, const cxai_hook_call *call,
                 double epsilon)
{
    cxai_tensor views[2] = { call->output_gradients[0], call->outputs[0] };
    cxai_real e = (cxai_real)epsilon;

    if (views[0].data)
        each_row(p, views, 2, damp_row, &e);
}

static void scale_row(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    cxai_real factor = *(const cxai_real *)payload;

    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] *= factor;
}

static void scale(const propagation *p, const cxai_tensor *view,
                  cxai_real factor)
{
    if (view->data)
        each_row(p, view, 1, scale_row, &factor);
}

static void copy_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = at[1][i * step[1]];
}

/* at: R, G, y */
static void multiply_row(cxai_real *const *at, const int64_t *step,
                         int64_t count, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = at[1][i * step[1]] * at[2][i * step[2]];
}

/* Hands the gradient of the output on to the inputs as it is, or times y. */
static void hand_on(const propagation *p, const cxai_hook_call *call,
                    int times_y)
{
    for (int i = 0; i < call->input_count; i++) {
        cxai_tensor views[3] = { call->input_gradients[i],
                                 call->output_gradients[0], call->outputs[0] };
        if (views[0].data && cxai_shape_equal(&views[0].shape, &views[1].shape))
            each_row(p, views, times_y ? 3 : 2,
                     times_y ? multiply_row : copy_row, NULL);
    }
}

/* at: G_x, G_y, y, x */
static void activate_row(cxai_real *const *at, const int64_t *step,
                         int64_t count, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        cxai_real x = at[3][i * step[3]];
        at[0][i * step[0]] =
            x != 0 ? at[1][i * step[1]] * at[2][i * step[2]] / x : 0;
    }
}

static void activate(const propagation *p, const cxai_hook_call *call)
{
    cxai_tensor views[4] = { call->input_gradients[0],
                             call->output_gradients[0], call->outputs[0],
                             call->inputs[0] };

    if (views[0].data && cxai_shape_equal(&views[0].shape, &views[1].shape))
        each_row(p, views, 4, activate_row, NULL);
}

/* Half to each, where both depend on the picture. */
static void halve(const propagation *p, const cxai_hook_call *call)
{
    int active = 0;

    for (int i = 0; i < call->input_count; i++)
        active += call->input_gradients[i].data != NULL;
    for (int i = 0; active > 1 && i < call->input_count; i++)
        scale(p, &call->input_gradients[i], (cxai_real)0.5);
}

static cxai_status apply_rule(const propagation *p, const cxai_hook_call *call,
                              int number)
{
    const cx_lrp_composite *composite = p->composite;
    const cx_lrp_layer *layer = &p->graph.layers[number];
    cx_lrp_case c = {
        .call = p->call,
        .layer = layer,
        .rule = rule_of(p, layer),
        .numbers = { .gamma = layer->dense ? composite->dense_gamma
                                           : composite->gamma,
                     .alpha = composite->alpha },
        .x = &call->inputs[0],
        .y = &call->outputs[0],
        .above = &call->output_gradients[0],
        .divided = layer->head == layer->tail,
        .below = &call->input_gradients[0],
    };

    if (c.rule == CX_LRP_BOX) {
        const cxai_shape *shape = &call->inputs[0].shape;
        c.numbers.low = cxai_tensor_dense(p->boxes[number].low, shape);
        c.numbers.high = cxai_tensor_dense(p->boxes[number].high, shape);
    }
    return cx_lrp_apply(&c, p->error);
}

static int is_passed(const propagation *p, const cx_lrp_node *node)
{
    return p->relevance && node->before_first;
}

/* What is added to the denominator of a node's share. */
static double epsilon_of(const propagation *p, const cx_lrp_node *node)
{
    switch (node->role) {
    case CX_LRP_HEAD:
    case CX_LRP_TAIL: return p->composite->epsilon;
    case CX_LRP_CONTRACTION: return stabilizer / 2; /* 2 y + e */
    default: return stabilizer;
    }
}

/* CXAI_BEFORE_BACKWARD */
static int before(const cxai_hook_call *call, void *payload)
{
    const propagation *p = payload;

    damp(p, call, epsilon_of(p, &p->graph.nodes[call->node]));
    return 0;
}

/* CXAI_AFTER_BACKWARD */
static int after(const cxai_hook_call *call, void *payload)
{
    propagation *p = payload;
    const cx_lrp_node *node = &p->graph.nodes[call->node];
    const cxai_model *model = p->call->model;

    if (is_passed(p, node)) {
        hand_on(p, call, 0);
        return 0;
    }
    switch (node->role) {
    case CX_LRP_HEAD:
        if (call->input_gradients[0].data)
            p->status = apply_rule(p, call, node->layer);
        break;
    case CX_LRP_INSIDE: hand_on(p, call, 0); break;
    case CX_LRP_TAIL: hand_on(p, call, 1); break;
    case CX_LRP_ACTIVATION: activate(p, call); break;
    case CX_LRP_GATE: scale(p, &call->input_gradients[node->gate], 0); break;
    case CX_LRP_PRODUCT:
    case CX_LRP_CONTRACTION: halve(p, call); break;
    case CX_LRP_QUOTIENT: scale(p, &call->input_gradients[1], 0); break;
    case CX_LRP_STANDARDISE:
        p->status = cx_lrp_standardise(call, model, p->call->options->threads,
                                       p->error);
        break;
    case CX_LRP_SHARE:
    case CX_LRP_PLAIN: break;
    }
    return p->status != CXAI_OK;
}

/* Where a node is hooked, cxai_hook_place values or-ed. */
static int places_of(const propagation *p, int number)
{
    const cx_lrp_node *node = &p->graph.nodes[number];
    const cx_lrp_layer *layer = &p->graph.layers[node->layer];

    if (is_passed(p, node))
        return node->role == CX_LRP_PLAIN ? 0 : CXAI_AFTER_BACKWARD;
    switch (node->role) {
    case CX_LRP_PLAIN: return 0;
    case CX_LRP_HEAD:
    case CX_LRP_INSIDE:
    case CX_LRP_TAIL:
        if (rule_of(p, layer) != CX_LRP_EPSILON)
            return CXAI_AFTER_BACKWARD;
        return layer->tail == number ? CXAI_BEFORE_BACKWARD : 0;
    case CX_LRP_SHARE: return CXAI_BEFORE_BACKWARD;
    case CX_LRP_CONTRACTION:
    case CX_LRP_STANDARDISE: return CXAI_BEFORE_BACKWARD | CXAI_AFTER_BACKWARD;
    case CX_LRP_ACTIVATION:
    case CX_LRP_GATE:
    case CX_LRP_PRODUCT:
    case CX_LRP_QUOTIENT: return CXAI_AFTER_BACKWARD;
    }
    return 0;
}

/* A cx_hook_lister. */
static int list_hooks(const cxai_model *model, void *payload, cxai_hook *hooks)
{
    propagation *p = payload;
    int count = 0;

    for (int n = 0; n < cxai_model_node_count(model); n++) {
        int places = places_of(p, n);
        if (places & CXAI_BEFORE_BACKWARD)
            hooks[count++] =
                (cxai_hook){ CXAI_BEFORE_BACKWARD, n, NULL, before, p };
        if (places & CXAI_AFTER_BACKWARD)
            hooks[count++] =
                (cxai_hook){ CXAI_AFTER_BACKWARD, n, NULL, after, p };
    }
    return count;
}

/* ---- the whole ----------------------------------------------------------- */

static cxai_status finish(const propagation *p, int i, cxai_real *values)
{
    const cxai_heatmap_call *call = p->call;
    int64_t count = cxai_shape_count(&call->input_shape);
    double sum = 0;

    for (int64_t e = 0; e < count; e++) {
        if (!p->relevance)
            values[e] *= call->input[e];
        sum += (double)values[e];
    }
    call->results[i].delta = sum - call->results[i].score;
    return cxai_heatmap_set_attribution(call, i, values, p->error);
}

static cxai_status propagate(propagation *p, cx_pass *pass, cxai_real *values)
{
    const cxai_heatmap_call *call = p->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = cx_pass_forward(pass, call->input, p->error);

    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass->session, p->error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = cx_pass_backward(pass, &call->results[i].target, 1, values,
                                  p->error);
        if (p->status != CXAI_OK) /* a hook has failed, and said why */
            status = p->status;
        if (status == CXAI_OK)
            status = finish(p, i, values);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, total, p->error);
    }
    return status;
}

/* Rules for the picture's own layers, and whether they catch all of it. */
static cxai_status check_first(propagation *p)
{
    int found = 0;

    for (int i = 0; i < p->graph.layer_count; i++) {
        cx_lrp_rule rule = rule_of(p, &p->graph.layers[i]);
        p->relevance |= cx_lrp_rule_writes_relevance(rule);
        found |= p->graph.layers[i].first;
    }
    if (found && !(p->relevance && p->graph.bypassed))
        return CXAI_OK;
    return cxai_fail(p->error, CXAI_UNSUPPORTED,
                     "relevance needs a convolution or a matrix product "
                     "between the picture and the target%s",
                     found ? ", on every way, for this rule at the input" : "");
}

static cxai_status find_boxes(propagation *p)
{
    cxai_status status = CXAI_OK;

    p->boxes = calloc((size_t)p->graph.layer_count + 1, sizeof *p->boxes);
    if (!p->boxes)
        return cxai_fail(p->error, CXAI_NO_MEMORY, "no memory for the layers");
    for (int i = 0; status == CXAI_OK && i < p->graph.layer_count; i++)
        if (rule_of(p, &p->graph.layers[i]) == CX_LRP_BOX)
            status = cx_lrp_box_make(&p->boxes[i], p->call,
                                     p->graph.layers[i].x, p->composite->low,
                                     p->composite->high, p->error);
    return status;
}

static cxai_status run(propagation *p)
{
    const cxai_heatmap_call *call = p->call;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cx_pass pass;
    cxai_status status = check_first(p);

    if (status == CXAI_OK)
        status = find_boxes(p);
    if (status == CXAI_OK)
        status =
            cxai_heatmap_progress(call, 0, 1 + call->target_count, p->error);
    if (status == CXAI_OK)
        status = cx_pass_open_hooked(&pass, call, call->input_value, 1,
                                     list_hooks, p, p->error);
    if (status != CXAI_OK)
        return status;
    cxai_real *values = malloc(count * sizeof *values);
    status =
        values ? propagate(p, &pass, values)
               : cxai_fail(p->error, CXAI_NO_MEMORY, "no memory for relevance");
    free(values);
    cx_pass_close(&pass);
    return status;
}

cxai_status cx_lrp_compute(const cxai_heatmap_call *call,
                           const cx_lrp_composite *composite, cxai_error *error)
{
    propagation p = { .call = call, .composite = composite, .error = error };
    cxai_status status = cx_lrp_graph_make(&p.graph, call, error);

    if (status == CXAI_OK)
        status = run(&p);
    for (int i = 0; p.boxes && i < p.graph.layer_count; i++)
        cx_lrp_box_clear(&p.boxes[i]);
    free(p.boxes);
    cx_lrp_graph_clear(&p.graph);
    return status;
}
