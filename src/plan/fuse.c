/*
 * Fusion. A step whose operator has an epilogue takes over what follows it, as
 * long as nobody looks at the values between:
 *
 *   Conv, BatchNormalization   scale and shift go into constant weights
 *   MatMul, Add                a constant for each column becomes an input
 *   ..., Add                   the other summand becomes the residual
 *   ..., Relu or Clip          becomes the activation; its mask is saved
 *   ..., Swish                 becomes the activation where no gradient passes
 *   Mul, Conv                  a factor of each channel becomes an input of the
 *                              convolution, where no gradient passes
 *   Conv, Conv                 the first is made inside the second, line by
 *                              line, where the operator says that this pays
 *
 * The fused step stands where the last node that it takes over stood: by then
 * the residual has been computed.
 */
#include "plan/plan.h"

#include <math.h>
#include <string.h>

#include "graph/case.h"

static int is(const cx_step *step, const char *name)
{
    return strcmp(step->op->name, name) == 0;
}

/* The only step that reads a value, when nobody else looks at it; or -1. */
static int only_reader(const cx_plan *plan, int value, int after)
{
    const cx_plan_value *v = &plan->values[value];
    if (v->visible || v->uses != 1)
        return -1;
    for (int i = after + 1; i < plan->step_count; i++) {
        const cx_step *step = plan->steps[i];
        for (int k = 0; step != NULL && k < step->c->input_count; k++)
            if (step->x[k] == value)
                return i;
    }
    return -1;
}

/* Whether inputs 1.. of a step are constants without a gradient. */
static int has_constant_parameters(const cx_step *step)
{
    for (int i = 1; i < step->c->input_count; i++)
        if (step->c->x_shape[i].rank >= 0 && step->c->x_literal[i] == NULL)
            return 0;
    return (step->wanted & ~(uint64_t)1) == 0;
}

static double real_at(const cx_literal *literal, int64_t i)
{
    return (double)((const cxai_real *)literal->data)[i];
}

/* weight' = weight * s, bias' = (bias - mean) * s + shift with
   s = scale / sqrt(variance + epsilon), by output channel (Ioffe and Szegedy,
   "Batch Normalization", 2015, algorithm 2). The weights are scaled only when
   they are packed, and never when they are already; *bias and step->scale are
   made now. 0, or -1 without memory. */
static int scale_weights(cx_arena *arena, cx_step *step, const cx_case *norm,
                         const cx_literal **bias)
{
    const cx_case *convolution = step->c;
    const cx_literal *old = convolution->x_literal[1];
    const cx_literal *old_bias =
        convolution->input_count > 2 ? convolution->x_literal[2] : NULL;
    int64_t channels = old->shape.dim[0];
    const cxai_shape per_channel = { 1, { channels } };
    cx_literal *b = cx_literal_create(arena, CX_REAL, &per_channel);
    step->lent = cx_arena_alloc(arena, 1, sizeof *step->lent);
    step->scale = cx_arena_alloc(arena, (size_t)channels, sizeof(double));
    if (b == NULL || step->lent == NULL || step->scale == NULL)
        return -1;
    *step->lent = (cx_literal){ .type = CX_REAL, .shape = old->shape };
    step->source = old;
    double epsilon = cx_attribute_float(norm->attributes, "epsilon", 1e-5);
    for (int64_t c = 0; c < channels; c++) {
        double s = real_at(norm->x_literal[1], c) /
                   sqrt(real_at(norm->x_literal[4], c) + epsilon);
        double before = old_bias == NULL ? 0 : real_at(old_bias, c);
        double mean = real_at(norm->x_literal[3], c);
        double shift = real_at(norm->x_literal[2], c);
        ((cxai_real *)b->data)[c] = (cxai_real)((before - mean) * s + shift);
        step->scale[c] = s;
    }
    *bias = b;
    return 0;
}

static int can_merge_norm(const cx_step *step, const cx_step *norm)
{
    return step->norm < 0 && is(step, "Conv") &&
           is(norm, "BatchNormalization") && has_constant_parameters(step) &&
           has_constant_parameters(norm);
}

/* Gives the convolution the batch norm's scale and shift: new weights, and
   with them a new case. */
static cxai_status merge_norm(cx_plan *plan, const cx_plan_request *request,
                              cx_step *step, const cx_step *norm)
{
    const cx_literal *literal[3] = { NULL };
    if (scale_weights(&plan->arena, step, norm->c, &literal[2]) != 0)
        return cx_plan_no_memory(request);
    literal[1] = step->lent;
    step->norm = norm->node;
    const cx_case_input input[3] = {
        { step->c->x_shape[0], NULL, CX_REAL },
        { literal[1]->shape, literal[1], CX_REAL },
        { literal[2]->shape, literal[2], CX_REAL },
    };
    cx_node node = request->model->nodes[step->node];
    node.input_count = 3;
    const cx_case_context context = cx_plan_context(plan, request);
    cxai_status status;
    cx_case *c = cx_case_create(&context, &node, input, &status);
    if (c == NULL)
        return status;
    c->attributes = step->c->attributes; /* node's end here */
    int *x = cx_arena_alloc(&plan->arena, 3, sizeof *x);
    if (x == NULL)
        return cx_plan_no_memory(request);
    x[0] = step->x[0];
    x[1] = cx_plan_add_value(plan, &input[1].shape, literal[1]);
    x[2] = cx_plan_add_value(plan, &input[2].shape, literal[2]);
    if (x[1] < 0 || x[2] < 0)
        return cx_plan_no_memory(request);
    step->x = x;
    step->c = c;
    return CXAI_OK;
}

/* The step with one more input behind all that its operator knows. */
static cxai_status add_input(cx_plan *plan, const cx_plan_request *request,
                             cx_step *step, int value)
{
    enum { MOST = 8 };
    int known = step->op->max_inputs;
    cx_case_input input[MOST];
    cx_node node = request->model->nodes[step->node];
    const cx_case_context context = cx_plan_context(plan, request);
    int *x = cx_arena_alloc(&plan->arena, (size_t)known + 1, sizeof *x);
    if (x == NULL)
        return cx_plan_no_memory(request);
    for (int i = 0; i < known; i++) {
        int given = i < step->c->input_count;
        x[i] = given ? step->x[i] : -1;
        input[i] = given ? (cx_case_input){ step->c->x_shape[i],
                                            step->c->x_literal[i], CX_REAL }
                         : (cx_case_input){ { .rank = -1 }, NULL, CX_REAL };
    }
    x[known] = value;
    input[known] = (cx_case_input){ plan->values[value].shape,
                                    plan->values[value].literal, CX_REAL };
    node.input_count = known + 1;
    cxai_status status;
    cx_case *c = cx_case_create(&context, &node, input, &status);
    if (c == NULL)
        return status;
    c->attributes = step->c->attributes; /* node's end here */
    step->c = c;
    step->x = x;
    return CXAI_OK;
}

/* The operand of an Add that is a constant with one number for each element of
   the last axis of the other operand, `value`, and of the sum; or -1. */
static int bias_of(const cx_plan *plan, const cx_step *add, int value)
{
    if (!is(add, "Add") || add->x[0] == add->x[1])
        return -1;
    int k = add->x[0] == value;
    int bias = add->x[k];
    const cxai_shape *x = &plan->values[value].shape;
    const cx_literal *literal = plan->values[bias].literal;
    if (literal == NULL || literal->type != CX_REAL || literal->place != NULL ||
        (add->wanted >> k & 1) || x->rank < 1 ||
        !cxai_shape_equal(x, &add->c->y_shape[0]))
        return -1;
    const cxai_shape *b = &literal->shape;
    int64_t columns = x->dim[x->rank - 1];
    return b->rank > 0 && b->dim[b->rank - 1] == columns &&
                   cxai_shape_count(b) == columns
               ? bias
               : -1;
}

static int can_take_bias(const cx_step *step)
{
    return step->op->takes_bias && step->residual < 0 && step->norm < 0 &&
           step->c->input_count == step->op->max_inputs;
}

/* The other summand of an Add of two equal shapes, or -1. */
static int summand(const cx_plan *plan, const cx_step *add, int value)
{
    if (!is(add, "Add"))
        return -1;
    int other = add->x[0] == value ? add->x[1] : add->x[0];
    if (other == value || plan->values[other].literal != NULL ||
        !cxai_shape_equal(&plan->values[other].shape,
                          &plan->values[value].shape))
        return -1;
    return other;
}

/* Reads bound i (1 low, 2 high) of a Clip; 0 when it is not a constant. */
static int clip_bound(const cx_case *c, int i, cxai_real *bound)
{
    if (c->opset < 11) {
        *bound = (cxai_real)cx_attribute_float(
            c->attributes, i == 1 ? "min" : "max", (double)*bound);
        return 1;
    }
    if (i >= c->input_count || c->x_shape[i].rank < 0)
        return 1;
    if (c->x_literal[i] == NULL || cx_literal_count(c->x_literal[i]) != 1)
        return 0;
    *bound = (cxai_real)cx_literal_number(c->x_literal[i], 0);
    return 1;
}

/* Reads the bounds of a Relu or Clip; 0 when the step is neither. */
static int clip_bounds(const cx_step *step, cxai_real *low, cxai_real *high)
{
    *low = -(cxai_real)INFINITY;
    *high = (cxai_real)INFINITY;
    if (is(step, "Relu")) {
        *low = 0;
        return 1;
    }
    return is(step, "Clip") && clip_bound(step->c, 1, low) &&
           clip_bound(step->c, 2, high) && *low <= *high;
}

static int takes_swish(const cx_plan *plan, const cx_step *step,
                       const cx_step *next)
{
    return step->op->fuses_swish && is(next, "Swish") &&
           !plan->values[next->x[0]].active &&
           cx_attribute_float(next->c->attributes, "alpha", 1) == 1;
}

/* Lets step take over next; *fused tells whether it did. */
static cxai_status absorb(cx_plan *plan, const cx_plan_request *request,
                          cx_step *step, const cx_step *next, int *fused)
{
    cxai_status status = CXAI_OK;
    cxai_real low, high;
    *fused = 1;
    int other = step->residual < 0 ? summand(plan, next, step->y[0]) : -1;
    int bias = can_take_bias(step) ? bias_of(plan, next, step->y[0]) : -1;
    if (step->residual < 0 && can_merge_norm(step, next)) {
        status = merge_norm(plan, request, step, next);
    } else if (bias >= 0) {
        step->norm = next->node;
        status = add_input(plan, request, step, bias);
    } else if (other >= 0) {
        step->residual = other;
    } else if (takes_swish(plan, step, next)) {
        step->activation = CX_SWISH;
    } else if (clip_bounds(next, &low, &high)) {
        step->activation = CX_CLIP;
        step->low = low;
        step->high = high;
    } else {
        *fused = 0;
        return CXAI_OK;
    }
    step->y = next->y;
    return status;
}

/* Fuses as much as possible behind step i. */
static cxai_status fuse_step(cx_plan *plan, const cx_plan_request *request,
                             int i)
{
    cx_step *step = plan->steps[i];
    while (step->activation == CX_NO_ACTIVATION) {
        int reader = only_reader(plan, step->y[0], i);
        if (reader < 0)
            break;
        int fused;
        cxai_status status =
            absorb(plan, request, step, plan->steps[reader], &fused);
        if (status != CXAI_OK || !fused)
            return status;
        plan->steps[i] = NULL;
        plan->steps[reader] = step;
        i = reader;
    }
    return CXAI_OK;
}

/* ---- factors ------------------------------------------------------------- */

/* Whether a value has one number for each picture and channel of another. */
static int is_factor(const cx_plan *plan, int factor, int value)
{
    const cxai_shape *f = &plan->values[factor].shape;
    const cxai_shape *x = &plan->values[value].shape;
    int fits = f->rank == x->rank && x->rank > 2 &&
               plan->values[factor].literal == NULL &&
               plan->values[value].literal == NULL;
    for (int d = 0; fits && d < x->rank; d++)
        fits = f->dim[d] == (d < 2 ? x->dim[d] : 1);
    return fits;
}

/* The operand of a Mul that is a factor of the other, 0 or 1; or -1. */
static int factor_operand(const cx_plan *plan, const cx_step *mul)
{
    for (int k = 0; k < 2; k++)
        if (mul->x[0] >= 0 && mul->x[1] >= 0 &&
            is_factor(plan, mul->x[k], mul->x[1 - k]))
            return k;
    return -1;
}

/* Lets the only reader of a Mul multiply by the factor itself. */
static cxai_status pass_factor(cx_plan *plan, const cx_plan_request *request,
                               int i)
{
    const cx_step *mul = plan->steps[i];
    if (!is(mul, "Mul") || mul->wanted != 0 || mul->c->output_count != 1)
        return CXAI_OK;
    int k = factor_operand(plan, mul), at = only_reader(plan, mul->y[0], i);
    if (k < 0 || at < 0)
        return CXAI_OK;
    cx_step *reader = plan->steps[at];
    if (reader->x[0] != mul->y[0] || reader->wanted != 0 ||
        reader->op->takes_factor == NULL || reader->producer != NULL ||
        !reader->op->takes_factor(reader->c))
        return CXAI_OK;
    plan->steps[i] = NULL;
    reader->x[0] = mul->x[1 - k];
    return add_input(plan, request, reader, mul->x[k]);
}

/* ---- producers ----------------------------------------------------------- */

static int can_produce(const cx_plan *plan, const cx_step *step,
                       const cx_step *reader)
{
    return step->op == reader->op && reader->op->takes_producer != NULL &&
           reader->x[0] == step->y[0] && reader->residual != step->y[0] &&
           step->residual < 0 && step->producer == NULL && step->wanted == 0 &&
           reader->wanted == 0 && !plan->values[step->y[0]].active &&
           reader->op->takes_producer(reader->c, step->c);
}

/* Moves step i into the only step that reads it, if that can be. */
static void join_step(cx_plan *plan, int i)
{
    cx_step *step = plan->steps[i];
    int at = only_reader(plan, step->y[0], i);
    if (at < 0 || !can_produce(plan, step, plan->steps[at]))
        return;
    cx_step *reader = plan->steps[at];
    step->call.c = step->c;
    reader->producer = step;
    reader->c->producer = &step->call;
    reader->x[0] = step->x[0];
    plan->steps[i] = NULL;
}

cxai_status cx_fuse(cx_plan *plan, const cx_plan_request *request)
{
    cxai_status status = CXAI_OK;
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++) {
        const cx_step *step = plan->steps[i];
        if (step != NULL && step->op->fuses_epilogue)
            status = fuse_step(plan, request, i);
    }
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++)
        if (plan->steps[i] != NULL)
            status = pass_factor(plan, request, i);
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++)
        if (plan->steps[i] != NULL)
            join_step(plan, i);
    int kept = 0;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i] != NULL)
            plan->steps[kept++] = plan->steps[i];
    plan->step_count = kept;
    return status;
}
