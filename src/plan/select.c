#include "plan/plan.h"

#include <string.h>

/* Marks, from the nodes that make `roots`, all that they depend on. With fed,
   the walk stops at fed values. stack holds node_count numbers. */
static void mark_ancestors(const cxai_model *model, const int *roots,
                           int root_count, const unsigned char *fed,
                           unsigned char *marked, int *stack)
{
    const int *reads = roots;
    int count = root_count, depth = 0;
    for (;;) {
        for (int i = 0; i < count; i++) {
            int v = reads[i];
            int n = v < 0 ? -1 : model->values[v].producer;
            if (n < 0 || marked[n] || (fed != NULL && fed[v]))
                continue;
            marked[n] = 1;
            stack[depth++] = n;
        }
        if (depth == 0)
            return;
        const cx_node *node = &model->nodes[stack[--depth]];
        reads = node->inputs;
        count = node->input_count;
    }
}

static cxai_status check_value(const cx_plan_request *request, int value,
                               const char *what)
{
    if (value < 0 || value >= request->model->value_count)
        return cxai_fail(request->error, CXAI_INVALID,
                         "%s value %d does not exist; the model has %d "
                         "values",
                         what, value, request->model->value_count);
    return CXAI_OK;
}

static cxai_status check_shape(const cx_plan_request *request, int i)
{
    const cxai_request *r = request->request;
    const cxai_shape *shape = &r->feed_shape[i];
    if (shape->rank < 0 || shape->rank > CXAI_MAX_RANK ||
        cxai_shape_count(shape) < 1)
        return cxai_fail(request->error, CXAI_INVALID,
                         "the shape given for the fed value \"%s\" is none",
                         request->model->values[r->feed[i]].name);
    return CXAI_OK;
}

static cxai_status check_values(const cx_plan_request *request)
{
    const cxai_request *r = request->request;
    cxai_status status = CXAI_OK;
    for (int i = 0; status == CXAI_OK && i < r->feed_count; i++)
        status = check_value(request, r->feed[i], "fed");
    for (int i = 0;
         status == CXAI_OK && r->feed_shape != NULL && i < r->feed_count; i++)
        status = check_shape(request, i);
    for (int i = 0; status == CXAI_OK && i < r->watch_count; i++)
        status = check_value(request, r->watch[i], "watched");
    for (int i = 0; status == CXAI_OK && i < r->wrt_count; i++)
        status = check_value(request, r->wrt[i], "wrt");
    if (status == CXAI_OK && r->wrt_count > 0)
        status = check_value(request, r->target, "target");
    if (status == CXAI_OK && r->watch_count == 0 && r->wrt_count == 0)
        return cxai_fail(request->error, CXAI_INVALID,
                         "the request asks for nothing: it needs a watched "
                         "value, or a target and wrt values");
    return status;
}

/* Every model input that a needed node reads must be fed. */
static cxai_status check_inputs(const cx_plan_request *request,
                                const unsigned char *needed,
                                const unsigned char *fed)
{
    const cxai_model *model = request->model;
    for (int n = 0; n < model->node_count; n++) {
        const cx_node *node = &model->nodes[n];
        if (!needed[n] || node->op->shape_only)
            continue;
        for (int i = 0; i < node->input_count; i++) {
            int v = node->inputs[i];
            if (v >= 0 && !fed[v] && model->values[v].producer < 0 &&
                model->values[v].literal == NULL)
                return cxai_fail(request->error, CXAI_INVALID,
                                 "%s needs the input \"%s\", which is "
                                 "neither fed nor cut off by what is",
                                 node->label, model->values[v].name);
        }
    }
    return CXAI_OK;
}

cxai_status cx_select(const cx_plan_request *request, unsigned char *needed,
                      unsigned char *shaped)
{
    const cxai_model *model = request->model;
    const cxai_request *r = request->request;
    cxai_status status = check_values(request);
    if (status != CXAI_OK)
        return status;
    int targets = r->wrt_count > 0;
    cx_arena scratch = { 0 };
    int *stack =
        cx_arena_alloc(&scratch, (size_t)model->node_count + 1, sizeof *stack);
    unsigned char *fed =
        cx_arena_alloc(&scratch, (size_t)model->value_count, 1);
    if (stack == NULL || fed == NULL) {
        status = cx_plan_no_memory(request);
    } else {
        for (int i = 0; i < r->feed_count; i++)
            fed[r->feed[i]] = 1;
        mark_ancestors(model, r->watch, r->watch_count, fed, needed, stack);
        mark_ancestors(model, &r->target, targets, fed, needed, stack);
        if (r->feed_shape == NULL) {
            mark_ancestors(model, r->watch, r->watch_count, NULL, shaped,
                           stack);
            mark_ancestors(model, r->feed, r->feed_count, NULL, shaped, stack);
            mark_ancestors(model, &r->target, targets, NULL, shaped, stack);
        } else {
            memcpy(shaped, needed, (size_t)model->node_count);
        }
        status = check_inputs(request, needed, fed);
    }
    cx_arena_free(&scratch);
    return status;
}

/* Sets wanted of a step one of whose outputs leads to the target. */
static cxai_status want_inputs(const cx_plan *plan, cx_step *step,
                               const cx_plan_request *request)
{
    for (int i = 0; i < step->c->input_count; i++) {
        if (step->x[i] < 0 || !plan->values[step->x[i]].active)
            continue;
        if (i >= 64)
            return cxai_fail(request->error, CXAI_UNSUPPORTED,
                             "%s: gradients of more than 64 inputs are not "
                             "supported",
                             step->c->label);
        step->wanted |= (uint64_t)1 << i;
    }
    if (step->wanted != 0 && step->op->backward == NULL)
        return cxai_fail(request->error, CXAI_UNSUPPORTED,
                         "%s has no gradient: %s", step->c->label,
                         step->op->not_differentiable);
    return CXAI_OK;
}

/* Marks as active what depends on a wrt value. */
static void spread_forward(cx_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        const cx_step *step = plan->steps[i];
        int depends = 0;
        for (int k = 0; k < step->c->input_count; k++)
            depends |= step->x[k] >= 0 && plan->values[step->x[k]].active;
        for (int k = 0; depends && k < step->c->output_count; k++)
            if (step->y[k] >= 0)
                plan->values[step->y[k]].active = 1;
    }
}

cxai_status cx_select_active(cx_plan *plan, const cx_plan_request *request)
{
    const cxai_request *r = request->request;
    if (r->wrt_count == 0)
        return CXAI_OK;
    for (int i = 0; i < r->wrt_count; i++)
        plan->values[r->wrt[i]].active = 1;
    spread_forward(plan);
    /* then keep, from the target backwards, what the target depends on */
    unsigned char *leads =
        cx_arena_alloc(&plan->arena, (size_t)plan->value_count, 1);
    if (leads == NULL)
        return cx_plan_no_memory(request);
    leads[r->target] = 1;
    for (int i = plan->step_count - 1; i >= 0; i--) {
        cx_step *step = plan->steps[i];
        int useful = 0;
        for (int k = 0; k < step->c->output_count; k++)
            useful |= step->y[k] >= 0 && leads[step->y[k]] &&
                      plan->values[step->y[k]].active;
        if (!useful)
            continue;
        cxai_status status = want_inputs(plan, step, request);
        if (status != CXAI_OK)
            return status;
        for (int k = 0; k < step->c->input_count; k++)
            if (step->x[k] >= 0 && plan->values[step->x[k]].active)
                leads[step->x[k]] = 1;
    }
    for (int v = 0; v < plan->value_count; v++)
        plan->values[v].active = plan->values[v].active && leads[v];
    for (int i = 0; i < r->wrt_count; i++)
        if (!leads[r->wrt[i]])
            return cxai_fail(request->error, CXAI_INVALID,
                             "\"%s\" does not depend on \"%s\"",
                             request->model->values[r->target].name,
                             request->model->values[r->wrt[i]].name);
    return CXAI_OK;
}
