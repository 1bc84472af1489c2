/*
 * Nodes that exporters write instead of one operator: x * Sigmoid(x) is Swish
 * (torch's SiLU), x * (1 + Erf(x / sqrt(2))) / 2 is Gelu, and the nine nodes
 * that subtract a mean, divide by a deviation, scale and shift are
 * LayerNormalization. All are read and written once and keep x alone for
 * backward.
 */
#include "plan/plan.h"

#include <math.h>
#include <string.h>

#include "graph/case.h"

enum { GELU_STEPS = 5, NORM_STEPS = 9 };

/* The first step after `after` that reads a value, or -1. */
static int first_reader(const cx_plan *plan, int value, int after)
{
    for (int i = after + 1; i < plan->step_count; i++) {
        const cx_step *step = plan->steps[i];
        for (int k = 0; step != NULL && k < step->c->input_count; k++)
            if (step->x[k] == value)
                return i;
    }
    return -1;
}

/* The same of a value that nobody else reads or looks at. */
static int reader_of(const cx_plan *plan, int value, int after)
{
    const cx_plan_value *v = &plan->values[value];
    return v->visible || v->uses != 1 ? -1 : first_reader(plan, value, after);
}

static int is(const cx_plan *plan, int i, const char *type)
{
    return i >= 0 && strcmp(plan->steps[i]->op->name, type) == 0;
}

/* The operand of a step with two of them that is not `value`. */
static int other_operand(const cx_step *step, int value)
{
    return step->x[0] == value ? step->x[1] : step->x[0];
}

static int same_shape(const cx_plan *plan, int a, int b)
{
    return cxai_shape_equal(&plan->values[a].shape, &plan->values[b].shape);
}

/* A value is this one number, as float32 knows it. */
static int is_number(const cx_plan *plan, int value, double number)
{
    const cx_literal *literal = value < 0 ? NULL : plan->values[value].literal;
    cxai_real real;
    if (literal == NULL || literal->type != CX_REAL ||
        cx_literal_count(literal) != 1)
        return 0;
    cx_literal_reals(literal, &real);
    return fabs((double)real / number - 1) < 1e-6;
}

/* The step of this type that alone reads `value`, together with a number. */
static int reader_with(const cx_plan *plan, int value, int after,
                       const char *type, double number)
{
    int i = reader_of(plan, value, after);
    return is(plan, i, type) &&
                   is_number(plan, other_operand(plan->steps[i], value), number)
               ? i
               : -1;
}

/* The Mul by which a Sigmoid's input is multiplied with its output, or -1. */
static int swish_end(const cx_plan *plan, int i)
{
    const cx_step *sigmoid = plan->steps[i];
    if (!is(plan, i, "Sigmoid") || sigmoid->y[0] < 0)
        return -1;
    int end = reader_of(plan, sigmoid->y[0], i);
    return is(plan, end, "Mul") && other_operand(plan->steps[end],
                                                 sigmoid->y[0]) == sigmoid->x[0]
               ? end
               : -1;
}

/* The steps of 0.5 * (x * (Erf(x / sqrt(2)) + 1)), of which the first is number
   i; 1 when they are. */
static int find_gelu(const cx_plan *plan, int i, int steps[GELU_STEPS])
{
    const cx_step *first = plan->steps[i];
    if (!is(plan, i, "Div") ||
        !is_number(plan, first->x[1], 1.4142135623730951) ||
        !same_shape(plan, first->x[0], first->y[0]))
        return 0;
    steps[0] = i;
    steps[1] = reader_of(plan, first->y[0], i);
    if (!is(plan, steps[1], "Erf"))
        return 0;
    steps[2] =
        reader_with(plan, plan->steps[steps[1]]->y[0], steps[1], "Add", 1);
    if (steps[2] < 0)
        return 0;
    int sum = plan->steps[steps[2]]->y[0];
    steps[3] = reader_of(plan, sum, steps[2]);
    if (!is(plan, steps[3], "Mul") ||
        other_operand(plan->steps[steps[3]], sum) != first->x[0])
        return 0;
    steps[4] =
        reader_with(plan, plan->steps[steps[3]]->y[0], steps[3], "Mul", 0.5);
    return steps[4] >= 0 &&
           same_shape(plan, first->x[0], plan->steps[steps[4]]->y[0]);
}

/* ---- LayerNormalization -------------------------------------------------- */

typedef struct layer_norm {
    int steps[NORM_STEPS];
    int scale, shift; /* values */
    double epsilon;
} layer_norm;

/* The step of a type that alone reads what step i makes, or -1. */
static int next_of(const cx_plan *plan, int i, const char *type)
{
    int next = i < 0 ? -1 : reader_of(plan, plan->steps[i]->y[0], i);
    return is(plan, next, type) ? next : -1;
}

/* Step i is the mean of the last axis, which is kept. */
static int is_mean(const cx_plan *plan, int i)
{
    if (!is(plan, i, "ReduceMean"))
        return 0;
    cxai_shape x = plan->steps[i]->c->x_shape[0];
    if (x.rank < 1)
        return 0;
    x.dim[x.rank - 1] = 1;
    return cxai_shape_equal(&x, &plan->steps[i]->c->y_shape[0]);
}

/* A value is a constant of one number for each element of the last axis of x,
   of which no gradient is asked for. */
static int is_parameter(const cx_plan *plan, int value, int x)
{
    const cx_plan_value *v = &plan->values[value];
    const cxai_shape *shape = &plan->values[x].shape;
    return v->literal != NULL && v->literal->type == CX_REAL && !v->active &&
           v->shape.rank == 1 && v->shape.dim[0] == shape->dim[shape->rank - 1];
}

/* The first five: mean of x, x - mean = d, d^2, its mean, + epsilon. Returns
   the number of d, or -1. */
static int find_variance(const cx_plan *plan, int i, layer_norm *n)
{
    int *s = n->steps, x = plan->steps[i]->x[0];
    cxai_real epsilon;
    s[0] = i;
    s[1] = next_of(plan, i, "Sub");
    if (s[1] < 0 || plan->steps[s[1]]->x[0] != x)
        return -1;
    int d = plan->steps[s[1]]->y[0];
    s[2] = first_reader(plan, d, s[1]);
    if (plan->values[d].visible || plan->values[d].uses != 2 ||
        !is(plan, s[2], "Pow") || plan->steps[s[2]]->x[0] != d ||
        !is_number(plan, plan->steps[s[2]]->x[1], 2))
        return -1;
    s[3] = next_of(plan, s[2], "ReduceMean");
    s[4] = is_mean(plan, s[3]) ? next_of(plan, s[3], "Add") : -1;
    if (s[4] < 0)
        return -1;
    int other = other_operand(plan->steps[s[4]], plan->steps[s[3]]->y[0]);
    const cx_literal *literal = plan->values[other].literal;
    if (literal == NULL || literal->type != CX_REAL ||
        cx_literal_count(literal) != 1)
        return -1;
    cx_literal_reals(literal, &epsilon);
    n->epsilon = (double)epsilon;
    return d;
}

/* The steps of (x - mean) / sqrt(variance + epsilon) * scale + shift, of which
   the first is number i; 1 when they are. */
static int find_layer_norm(const cx_plan *plan, int i, layer_norm *n)
{
    int *s = n->steps;
    int d = is_mean(plan, i) ? find_variance(plan, i, n) : -1;
    if (d < 0)
        return 0;
    int x = plan->steps[i]->x[0];
    s[5] = next_of(plan, s[4], "Sqrt");
    s[6] = next_of(plan, s[5], "Div");
    s[7] = next_of(plan, s[6], "Mul");
    s[8] = next_of(plan, s[7], "Add");
    if (s[8] < 0 || plan->steps[s[6]]->x[0] != d)
        return 0;
    n->scale = other_operand(plan->steps[s[7]], plan->steps[s[6]]->y[0]);
    n->shift = other_operand(plan->steps[s[8]], plan->steps[s[7]]->y[0]);
    return is_parameter(plan, n->scale, x) && is_parameter(plan, n->shift, x) &&
           same_shape(plan, x, plan->steps[s[8]]->y[0]);
}

/* ---- becoming one -------------------------------------------------------- */

/* Makes a step the operator `type` of these inputs, of which only the first may
   have a gradient, as `node` says, whose attributes are read now. */
static cxai_status become(cx_plan *plan, const cx_plan_request *request,
                          cx_step *step, const char *type, cx_node *node,
                          const cx_case_input *input, const int *values)
{
    const cx_case_context context = cx_plan_context(plan, request);
    static const cx_attributes none = { 0, NULL };
    size_t inputs = (size_t)node->input_count;
    cxai_status status;
    step->x = cx_arena_alloc(&plan->arena, inputs, sizeof *step->x);
    if (step->x == NULL)
        return cx_plan_no_memory(request);
    node->op = cx_operator_find(type);
    step->c = cx_case_create(&context, node, input, &status);
    if (step->c == NULL)
        return status;
    step->c->attributes = &none; /* node's end here */
    step->op = node->op;
    memcpy(step->x, values, inputs * sizeof *values);
    step->wanted = step->wanted != 0;
    plan->values[values[0]].uses--; /* of two */
    return CXAI_OK;
}

/* Makes the last step of an expression a function of the value x. */
static cxai_status become_function(cx_plan *plan,
                                   const cx_plan_request *request,
                                   cx_step *last, const char *type, int x)
{
    const cx_case_input input = { plan->values[x].shape, NULL, CX_REAL };
    cx_node node = request->model->nodes[last->node];
    node.input_count = 1;
    node.attributes = (cx_attributes){ 0, NULL };
    return become(plan, request, last, type, &node, &input, &x);
}

/* Makes the last step of an expression a LayerNormalization of x. */
static cxai_status become_norm(cx_plan *plan, const cx_plan_request *request,
                               const layer_norm *n, int x)
{
    enum { INPUTS = 3 };
    cx_step *last = plan->steps[n->steps[NORM_STEPS - 1]];
    const cx_attribute epsilon = { .name = "epsilon",
                                   .kind = CX_ATTRIBUTE_FLOAT,
                                   .f = n->epsilon };
    const int values[INPUTS] = { x, n->scale, n->shift };
    cx_case_input input[INPUTS];
    for (int k = 0; k < INPUTS; k++)
        input[k] = (cx_case_input){ plan->values[values[k]].shape,
                                    plan->values[values[k]].literal, CX_REAL };
    cx_node node = request->model->nodes[last->node];
    node.input_count = INPUTS;
    node.attributes = (cx_attributes){ 1, &epsilon };
    return become(plan, request, last, "LayerNormalization", &node, input,
                  values);
}

/* Combines the expression that begins at step i, if one does. */
static cxai_status combine_at(cx_plan *plan, const cx_plan_request *request,
                              int i)
{
    int gelu[GELU_STEPS], swish = swish_end(plan, i);
    layer_norm norm;
    cx_step *last = NULL;
    const char *type = "Swish";
    int x = plan->steps[i]->c->input_count > 0 ? plan->steps[i]->x[0] : -1;
    if (swish >= 0) {
        last = plan->steps[swish];
        plan->steps[i] = NULL;
    } else if (find_gelu(plan, i, gelu)) {
        type = "Gelu";
        last = plan->steps[gelu[GELU_STEPS - 1]];
        for (int k = 0; k < GELU_STEPS - 1; k++)
            plan->steps[gelu[k]] = NULL;
    } else if (find_layer_norm(plan, i, &norm)) {
        for (int k = 0; k < NORM_STEPS - 1; k++)
            plan->steps[norm.steps[k]] = NULL;
        return become_norm(plan, request, &norm, x);
    }
    return last == NULL ? CXAI_OK
                        : become_function(plan, request, last, type, x);
}

cxai_status cx_combine(cx_plan *plan, const cx_plan_request *request)
{
    cxai_status status = CXAI_OK;
    int kept = 0;
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++)
        if (plan->steps[i] != NULL)
            status = combine_at(plan, request, i);
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i] != NULL)
            plan->steps[kept++] = plan->steps[i];
    plan->step_count = kept;
    return status;
}
