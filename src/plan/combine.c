/*
 * Nodes that exporters write instead of one operator: x * Sigmoid(x) is Swish
 * (torch's SiLU), which is read and written once and keeps x alone for
 * backward.
 */
#include "plan/plan.h"

#include <string.h>

#include "graph/case.h"

/* The number of the step after `after` that reads a value which nobody else
   reads or looks at; or -1. */
static int reader_of(const cx_plan *plan, int value, int after)
{
    if (plan->values[value].visible || plan->values[value].uses != 1)
        return -1;
    for (int i = after + 1; i < plan->step_count; i++)
        for (int k = 0; k < plan->steps[i]->c->input_count; k++)
            if (plan->steps[i]->x[k] == value)
                return i;
    return -1;
}

/* The Mul by which a Sigmoid's input is multiplied with its output, or -1. */
static int swish_end(const cx_plan *plan, int i)
{
    const cx_step *sigmoid = plan->steps[i];
    if (strcmp(sigmoid->op->name, "Sigmoid") != 0 || sigmoid->y[0] < 0)
        return -1;
    int end = reader_of(plan, sigmoid->y[0], i);
    if (end < 0 || strcmp(plan->steps[end]->op->name, "Mul") != 0)
        return -1;
    const int *x = plan->steps[end]->x;
    return x[0] == sigmoid->x[0] || x[1] == sigmoid->x[0] ? end : -1;
}

/* Makes a Mul the Swish of the value x. */
static cxai_status make_swish(cx_plan *plan, const cx_plan_request *request,
                              cx_step *mul, int x)
{
    const cx_case_context context = {
        .model = request->model,
        .arena = &plan->arena,
        .threads = request->threads,
        .error = request->error,
    };
    const cx_case_input input = { plan->values[x].shape, NULL, CX_REAL };
    static const cx_attributes none = { 0, NULL };
    cx_node node = request->model->nodes[mul->node];
    cxai_status status;
    node.op = cx_operator_find("Swish");
    node.input_count = 1;
    node.attributes = none;
    mul->c = cx_case_create(&context, &node, &input, &status);
    if (mul->c == NULL)
        return status;
    mul->c->attributes = &none; /* node's end here */
    mul->op = node.op;
    mul->x[0] = x;
    mul->wanted = mul->wanted != 0;
    return CXAI_OK;
}

cxai_status cx_combine(cx_plan *plan, const cx_plan_request *request)
{
    cxai_status status = CXAI_OK;
    int kept = 0;
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++) {
        int end = swish_end(plan, i);
        if (end < 0) {
            plan->steps[kept++] = plan->steps[i];
            continue;
        }
        int x = plan->steps[i]->x[0];
        plan->values[x].uses--;
        status = make_swish(plan, request, plan->steps[end], x);
    }
    plan->step_count = kept;
    return status;
}
