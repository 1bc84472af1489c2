#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

cxai_status cx_plan_no_memory(const cx_plan_request *request)
{
    return cxai_fail(request->error, CXAI_NO_MEMORY,
                     "out of memory planning a session");
}

cx_case_context cx_plan_context(cx_plan *plan, const cx_plan_request *request)
{
    return (cx_case_context){
        .model = request->model,
        .arena = &plan->arena,
        .threads = request->threads,
        .direct = request->request->direct,
        .many = request->request->many,
        .error = request->error,
    };
}

int cx_plan_add_value(cx_plan *plan, const cxai_shape *shape,
                      const cx_literal *literal)
{
    if (cx_grow((void **)&plan->values, &plan->value_capacity,
                (size_t)plan->value_count + 1, sizeof *plan->values) != 0)
        return -1;
    cx_plan_value *value = &plan->values[plan->value_count];
    *value = (cx_plan_value){ .shape = *shape,
                              .literal = literal,
                              .source = -1,
                              .home = -1,
                              .within = -1,
                              .storage = -1,
                              .gradient = -1 };
    if (shape->rank >= 0)
        cx_shape_strides(shape, value->stride);
    return plan->value_count++;
}

cx_plan_value *cx_plan_home(const cx_plan *plan, int value)
{
    int home = plan->values[value].home;
    return &plan->values[home < 0 ? value : home];
}

cx_plan_value *cx_plan_owner(const cx_plan *plan, int value)
{
    cx_plan_value *home = cx_plan_home(plan, value);
    return home->within < 0 ? home : &plan->values[home->within];
}

/* The values of the model become the first values of the plan. */
static cxai_status add_values(cx_plan *plan, const cx_plan_request *request,
                              const unsigned char *fed)
{
    const cxai_request *r = request->request;
    for (int v = 0; v < request->model->value_count; v++) {
        if (cx_plan_add_value(plan, &plan->shaped.shape[v],
                              plan->shaped.literal[v]) < 0)
            return cx_plan_no_memory(request);
        plan->values[v].fed = fed[v];
        plan->values[v].visible = fed[v];
    }
    for (int i = 0; i < r->watch_count; i++) {
        plan->values[r->watch[i]].watched = 1;
        plan->values[r->watch[i]].visible = 1;
    }
    for (int i = 0; i < r->wrt_count; i++) {
        plan->values[r->wrt[i]].wrt = 1;
        plan->values[r->wrt[i]].visible = 1;
    }
    plan->target = r->wrt_count > 0 ? r->target : -1;
    if (plan->target >= 0) {
        plan->values[plan->target].watched = 1;
        plan->values[plan->target].visible = 1;
    }
    return CXAI_OK;
}

/* Counts a step's reads, and shows a hooked node's values. */
static void note_values(cx_plan *plan, const cx_step *step)
{
    for (int i = 0; i < step->c->input_count; i++) {
        if (step->x[i] < 0)
            continue;
        plan->values[step->x[i]].uses++;
        plan->values[step->x[i]].visible |= step->places != 0;
    }
    for (int i = 0; i < step->c->output_count; i++)
        if (step->y[i] >= 0)
            plan->values[step->y[i]].visible |= step->places != 0;
}

static cxai_status add_step(cx_plan *plan, const cx_plan_request *request,
                            int n)
{
    const cx_node *node = &request->model->nodes[n];
    size_t inputs = (size_t)node->input_count;
    size_t outputs = (size_t)node->output_count;
    cx_step *step = cx_arena_alloc(&plan->arena, 1, sizeof *step);
    int *x = cx_arena_alloc(&plan->arena, inputs, sizeof *x);
    int *y = cx_arena_alloc(&plan->arena, outputs, sizeof *y);
    if (step == NULL || x == NULL || y == NULL ||
        cx_grow((void **)&plan->steps, &plan->step_capacity,
                (size_t)plan->step_count + 1, sizeof *plan->steps) != 0)
        return cx_plan_no_memory(request);
    memcpy(x, node->inputs, inputs * sizeof *x);
    for (size_t k = 0; k < outputs; k++) {
        int v = node->outputs[k];
        y[k] = v >= 0 && plan->values[v].fed ? -1 : v;
    }
    *step = (cx_step){
        .node = n,
        .op = node->op,
        .c = plan->shaped.cases[n],
        .x = x,
        .y = y,
        .places = request->places[n],
        .residual = -1,
        .norm = -1,
        .saved = -1,
        .mask = -1,
        .masked = -1,
    };
    plan->steps[plan->step_count++] = step;
    note_values(plan, step);
    return CXAI_OK;
}

/* The shapes that the request gives for fed values, by value; NULL without
   memory. */
static const cxai_shape *given_shapes(cx_plan *plan,
                                      const cx_plan_request *request)
{
    const cxai_request *r = request->request;
    cxai_shape *given = cx_arena_alloc(
        &plan->arena, (size_t)request->model->value_count, sizeof *given);
    for (int i = 0; given != NULL && i < r->feed_count; i++)
        given[r->feed[i]] = r->feed_shape[i];
    return given;
}

/* Shapes the graph, then makes values and steps. */
static cxai_status start(cx_plan *plan, const cx_plan_request *request)
{
    const cxai_model *model = request->model;
    const cxai_request *r = request->request;
    size_t nodes = (size_t)model->node_count;
    unsigned char *needed = cx_arena_alloc(&plan->arena, nodes, 1);
    unsigned char *shaped = cx_arena_alloc(&plan->arena, nodes, 1);
    unsigned char *fed =
        cx_arena_alloc(&plan->arena, (size_t)model->value_count, 1);
    if (needed == NULL || shaped == NULL || fed == NULL)
        return cx_plan_no_memory(request);
    cxai_status status = cx_select(request, needed, shaped);
    if (status != CXAI_OK)
        return status;
    for (int i = 0; i < r->feed_count; i++)
        fed[r->feed[i]] = 1;
    cx_shape_request shape_request = {
        .input_shape = &r->input_shape,
        .needed = shaped,
        .fed = fed,
        .threads = request->threads,
        .direct = r->direct,
        .many = r->many,
    };
    if (r->feed_shape != NULL) {
        shape_request.given = given_shapes(plan, request);
        if (shape_request.given == NULL)
            return cx_plan_no_memory(request);
    }
    status =
        cx_graph_shape(model, &shape_request, &plan->shaped, request->error);
    if (status == CXAI_OK)
        status = add_values(plan, request, fed);
    for (int n = 0; status == CXAI_OK && n < model->node_count; n++)
        if (needed[n] && plan->shaped.cases[n] != NULL)
            status = add_step(plan, request, n);
    return status;
}

typedef cxai_status pass(cx_plan *plan, const cx_plan_request *request);

cxai_status cx_plan_create(cx_plan **out, const cx_plan_request *request)
{
    static pass *const passes[] = {
        start,           cx_select_active,  cx_combine,        cx_fuse,
        cx_join,         cx_assign_layouts, cx_find_lifetimes, cx_place_memory,
        cx_pack_weights, cx_note_request,
    };
    *out = NULL;
    cxai_status status = CXAI_OK;
    if (request->request->keep)
        status = cx_plan_take(out, request);
    if (status != CXAI_OK || *out != NULL)
        return status;
    cx_plan *plan = cx_alloc(1, sizeof *plan);
    if (plan == NULL)
        return cx_plan_no_memory(request);
    plan->model = request->model;
    for (int i = 0; status == CXAI_OK && i < CX_COUNT(passes); i++)
        status = passes[i](plan, request);
    if (status != CXAI_OK)
        cx_plan_free(&plan);
    *out = plan;
    return status;
}

void cx_plan_free(cx_plan **plan)
{
    if (*plan == NULL)
        return;
    cx_plan *p = *plan;
    cx_shaped_free(&p->shaped);
    cx_arena_free(&p->arena);
    free(p->values);
    free(p->steps);
    free(p->storages);
    cx_free_aligned(p->memory);
    cx_free_aligned(p->workspace);
    cx_free_aligned(p->prepared);
    free(p);
    *plan = NULL;
}
