/*
 * Layout: how each value lies in memory. Every operator says what it needs
 * (ops/operator.h); a value lies as its producer wants it, and where a reader
 * wants it otherwise a conversion step is put before the reader, once for each
 * value and layout. A conversion is an Identity, whose forward and backward
 * copy between any two layouts.
 *
 * A step that only sees a value otherwise (a reshaping, a transposition) is
 * left out where nobody looks at its output: that is the same storage with
 * other strides, and so is its gradient.
 */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

typedef struct layouter {
    cx_plan *plan;
    const cx_plan_request *request;
    cx_step **steps; /* the new list */
    int count;
    size_t capacity;
    const cx_operator *identity;
} layouter;

static int same_layout(const cxai_shape *shape, const int64_t *a,
                       const int64_t *b)
{
    for (int d = 0; d < shape->rank; d++)
        if (shape->dim[d] != 1 && a[d] != b[d])
            return 0;
    return 1;
}

/* The strides that a step needs of input i; 0 when any will do. */
static int needed_strides(const cx_plan *plan, const cx_step *step, int i,
                          int64_t *stride)
{
    const cxai_shape *shape = &plan->values[step->x[i]].shape;
    switch (step->op->layout) {
    case CX_STRIDED: return 0;
    case CX_CHANNELS_LAST:
        if (i == 0 && plan->values[step->x[i]].within >= 0)
            return 0; /* it takes gaps */
        if (i == 0)
            cx_shape_strides_channels_last(shape, stride);
        else
            cx_shape_strides(shape, stride);
        return 1;
    case CX_SAME:
        if (i == 0)
            return 0;
        if (cxai_shape_equal(shape, &plan->values[step->x[0]].shape))
            memcpy(stride, plan->values[step->x[0]].stride,
                   sizeof plan->values[0].stride);
        else
            cx_shape_strides(shape, stride);
        return 1;
    case CX_ROW_MAJOR: cx_shape_strides(shape, stride); return 1;
    }
    return 0;
}

static int push(layouter *l, cx_step *step)
{
    if (cx_grow((void **)&l->steps, &l->capacity, (size_t)l->count + 1,
                sizeof *l->steps) != 0)
        return -1;
    l->steps[l->count++] = step;
    return 0;
}

/* The case of a conversion. */
static cx_case *conversion_case(layouter *l, const cxai_shape *shape)
{
    cx_arena *arena = &l->plan->arena;
    cx_case *c = cx_arena_alloc(arena, 1, sizeof *c);
    cxai_shape *shapes = cx_arena_alloc(arena, 2, sizeof *shapes);
    cx_type *type = cx_arena_alloc(arena, 1, sizeof *type);
    const cx_literal **literal = cx_arena_alloc(arena, 1, sizeof(void *));
    void *params = cx_arena_alloc(arena, 1, l->identity->params_size);
    static const cx_attributes none = { 0, NULL };
    if (c == NULL || shapes == NULL || type == NULL || literal == NULL ||
        params == NULL)
        return NULL;
    shapes[0] = *shape;
    *c = (cx_case){
        .label = "conversion of a layout",
        .opset = l->request->model->opset,
        .attributes = &none,
        .input_count = 1,
        .output_count = 1,
        .x_shape = shapes,
        .x_literal = literal,
        .x_type = type,
        .y_shape = shapes + 1,
        .y_type = type,
        .params = params,
        .arena = arena,
        .kernels = cx_kernels_select(),
        .threads = l->request->threads,
        .error = l->request->error,
    };
    return l->identity->infer(c) == CXAI_OK ? c : NULL;
}

/* Adds a step that converts value to the given strides; its number, or -1. */
static int add_conversion(layouter *l, int value, const int64_t *stride)
{
    cx_plan *plan = l->plan;
    cx_step *step = cx_arena_alloc(&plan->arena, 1, sizeof *step);
    int *xy = cx_arena_alloc(&plan->arena, 2, sizeof *xy);
    if (step == NULL || xy == NULL)
        return -1;
    const cxai_shape shape = plan->values[value].shape;
    int converted = cx_plan_add_value(plan, &shape, NULL);
    cx_case *c = conversion_case(l, &shape);
    if (converted < 0 || c == NULL)
        return -1;
    cx_plan_value *to = &plan->values[converted];
    memcpy(to->stride, stride, sizeof to->stride);
    to->source = value;
    to->active = plan->values[value].active;
    xy[0] = value;
    xy[1] = converted;
    *step = (cx_step){
        .node = -1,
        .op = l->identity,
        .c = c,
        .x = xy,
        .y = xy + 1,
        .wanted = to->active,
        .residual = -1,
        .norm = -1,
        .saved = -1,
        .mask = -1,
        .masked = -1,
    };
    return push(l, step) == 0 ? converted : -1;
}

/* The value itself, or a converted copy with the given strides. */
static int convert(layouter *l, int value, const int64_t *stride)
{
    const cx_plan *plan = l->plan;
    const cxai_shape *shape = &plan->values[value].shape;
    if (same_layout(shape, plan->values[value].stride, stride))
        return value;
    for (int v = l->request->model->value_count; v < plan->value_count; v++)
        if (plan->values[v].source == value &&
            same_layout(shape, plan->values[v].stride, stride))
            return v;
    return add_conversion(l, value, stride);
}

static int is_channels_last(const cx_plan_value *value)
{
    int64_t stride[CXAI_MAX_RANK], row_major[CXAI_MAX_RANK];
    if (value->shape.rank < 3)
        return 0;
    if (value->within >= 0)
        return 1;
    cx_shape_strides_channels_last(&value->shape, stride);
    cx_shape_strides(&value->shape, row_major);
    return same_layout(&value->shape, value->stride, stride) &&
           !same_layout(&value->shape, stride, row_major);
}

/* Sets the strides of output k: what the operator makes, or, where it takes
   anything, what its inputs have. */
static void set_output_strides(cx_plan *plan, const cx_step *step, int k)
{
    cx_plan_value *y = &plan->values[step->y[k]];
    int channels_last = step->op->layout == CX_CHANNELS_LAST && k == 0;
    if (y->laid)
        return;
    for (int i = 0; i < step->c->input_count; i++) {
        if (step->x[i] < 0)
            continue;
        const cx_plan_value *x = &plan->values[step->x[i]];
        if (step->op->layout == CX_SAME && i == 0 &&
            cxai_shape_equal(&x->shape, &y->shape)) {
            memcpy(y->stride, x->stride, sizeof y->stride);
            return;
        }
        if (step->op->layout == CX_STRIDED && !step->op->moves_axes &&
            x->shape.rank == y->shape.rank && is_channels_last(x))
            channels_last = 1;
    }
    if (channels_last)
        cx_shape_strides_channels_last(&y->shape, y->stride);
}

/* Fed pictures lie channels-last unless their first reader wants otherwise. */
static void set_fed_strides(cx_plan *plan)
{
    for (int v = 0; v < plan->value_count; v++) {
        cx_plan_value *value = &plan->values[v];
        const cx_step *reader = NULL;
        if (!value->fed || value->shape.rank < 3)
            continue;
        for (int i = 0; reader == NULL && i < plan->step_count; i++)
            for (int k = 0; k < plan->steps[i]->c->input_count; k++)
                if (plan->steps[i]->x[k] == v)
                    reader = plan->steps[i];
        if (reader == NULL || reader->op->layout == CX_ROW_MAJOR ||
            reader->op->moves_axes ||
            (reader->op->layout == CX_CHANNELS_LAST && reader->x[0] != v) ||
            (reader->op->layout != CX_CHANNELS_LAST && value->shape.rank < 4))
            continue;
        cx_shape_strides_channels_last(&value->shape, value->stride);
    }
}

/* Whether a step has the only output that is of use. */
static int has_one_output(const cx_plan *plan, const cx_step *step)
{
    for (int k = 1; k < step->c->output_count; k++)
        if (step->y[k] >= 0 && (plan->values[step->y[k]].visible ||
                                plan->values[step->y[k]].uses > 0))
            return 0;
    return step->c->output_count > 0 && step->y[0] >= 0;
}

/* Makes the output a view of the first input; 0 when it cannot be one. */
static int become_view(cx_plan *plan, const cx_step *step)
{
    if (step->op->is_view == NULL || step->places != 0 ||
        !has_one_output(plan, step) || step->c->y_type[0] != CX_REAL ||
        step->activation != CX_NO_ACTIVATION || step->residual >= 0)
        return 0;
    const cx_plan_value *x = &plan->values[step->x[0]];
    cx_plan_value *y = &plan->values[step->y[0]];
    cxai_tensor whole = { .shape = x->shape };
    memcpy(whole.stride, x->stride, sizeof whole.stride);
    cx_view view = cx_view_of(&whole), seen;
    if (y->visible || x->literal != NULL ||
        !step->op->is_view(step->c, &view, &seen))
        return 0;
    memcpy(y->stride, seen.stride, sizeof y->stride);
    y->home = x->home >= 0 ? x->home : step->x[0];
    return 1;
}

static int lay_out_step(layouter *l, cx_step *step)
{
    cx_plan *plan = l->plan;
    if (become_view(plan, step))
        return 0;
    int64_t stride[CXAI_MAX_RANK] = { 0 };
    for (int i = 0; i < step->c->input_count; i++)
        if (step->x[i] >= 0 && plan->values[step->x[i]].shape.rank >= 0 &&
            needed_strides(plan, step, i, stride) &&
            (step->x[i] = convert(l, step->x[i], stride)) < 0)
            return -1;
    if (become_view(plan, step)) /* of a copy */
        return 0;
    for (int k = 0; k < step->c->output_count; k++)
        if (step->y[k] >= 0)
            set_output_strides(plan, step, k);
    if (step->residual >= 0) {
        memcpy(stride, plan->values[step->y[0]].stride, sizeof stride);
        step->residual = convert(l, step->residual, stride);
        if (step->residual < 0)
            return -1;
    }
    return push(l, step);
}

cxai_status cx_assign_layouts(cx_plan *plan, const cx_plan_request *request)
{
    layouter l = { .plan = plan,
                   .request = request,
                   .identity = cx_operator_find("Identity") };
    set_fed_strides(plan);
    int failed = 0;
    for (int i = 0; !failed && i < plan->step_count; i++)
        failed = lay_out_step(&l, plan->steps[i]) != 0;
    free(plan->steps);
    plan->steps = l.steps;
    plan->step_count = l.count;
    plan->step_capacity = l.capacity;
    return failed ? cx_plan_no_memory(request) : CXAI_OK;
}
