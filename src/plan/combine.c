/*
 * Nodes that exporters write instead of one operator: x * Sigmoid(x) is Swish
 * (torch's SiLU), and x * (1 + Erf(x / sqrt(2))) / 2 is Gelu. Both are read and
 * written once and keep x alone for backward.
 */
#include "plan/plan.h"

#include <math.h>
#include <string.h>

#include "graph/case.h"

enum { GELU_STEPS = 5 };

/* The number of the step after `after` that reads a value which nobody else
   reads or looks at; or -1. */
static int reader_of(const cx_plan *plan, int value, int after)
{
    if (plan->values[value].visible || plan->values[value].uses != 1)
        return -1;
    for (int i = after + 1; i < plan->step_count; i++) {
        const cx_step *step = plan->steps[i];
        for (int k = 0; step != NULL && k < step->c->input_count; k++)
            if (step->x[k] == value)
                return i;
    }
    return -1;
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

/* Makes the last step of an expression a function of the value x. */
static cxai_status become(cx_plan *plan, const cx_plan_request *request,
                          cx_step *last, const char *type, int x)
{
    const cx_case_context context = {
        .model = request->model,
        .arena = &plan->arena,
        .threads = request->threads,
        .direct = request->request->direct,
        .many = request->request->many,
        .error = request->error,
    };
    const cx_case_input input = { plan->values[x].shape, NULL, CX_REAL };
    static const cx_attributes none = { 0, NULL };
    cx_node node = request->model->nodes[last->node];
    cxai_status status;
    node.op = cx_operator_find(type);
    node.input_count = 1;
    node.attributes = none;
    last->c = cx_case_create(&context, &node, &input, &status);
    if (last->c == NULL)
        return status;
    last->c->attributes = &none; /* node's end here */
    last->op = node.op;
    last->x[0] = x;
    last->wanted = last->wanted != 0;
    plan->values[x].uses--; /* of two */
    return CXAI_OK;
}

/* Combines the expression that begins at step i, if one does. */
static cxai_status combine_at(cx_plan *plan, const cx_plan_request *request,
                              int i)
{
    int gelu[GELU_STEPS], swish = swish_end(plan, i);
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
    }
    return last == NULL ? CXAI_OK : become(plan, request, last, type, x);
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
