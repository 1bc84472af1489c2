/*
 * Concatenation without copies. What is concatenated along the channels is
 * written where it will be read: a value of several pictures' or pixels' rows
 * of channels lies within the rows of the whole, with a gap from pixel to
 * pixel. A whole that is the beginning of a later one (DenseNet's) lies in
 * that.
 *
 * That is possible where nobody looks at the part, where its producer can write
 * rows with gaps, and where all its readers can read them (takes_gaps of
 * ops/operator.h). Gradients are not concerned: they lie densely, each by
 * itself, and Concat's backward cuts them.
 */
#include "plan/plan.h"

#include <string.h>

typedef struct joiner {
    cx_plan *plan;
    unsigned char
        *dense; /* by value: some reader or the producer needs it so */
} joiner;

static int is_concat(const cx_step *step)
{
    const cx_case *c = step->c;
    int rank = c->y_shape[0].rank;
    int64_t axis = cx_attribute_int(c->attributes, "axis", 1);
    return strcmp(step->op->name, "Concat") == 0 && rank > 2 &&
           (axis == 1 || axis == 1 - rank) && c->y_type[0] == CX_REAL;
}

/* Notes whose rows a step needs without gaps. */
static void note_step(const joiner *j, const cx_step *step)
{
    int concat = is_concat(step);
    for (int k = 0; k < step->c->input_count; k++)
        if (step->x[k] >= 0 && !concat && (k > 0 || !step->op->takes_gaps))
            j->dense[step->x[k]] = 1;
    for (int k = 0; k < step->c->output_count; k++)
        if (step->y[k] >= 0 && (k > 0 || step->residual >= 0 ||
                                (!concat && !step->op->takes_gaps)))
            j->dense[step->y[k]] = 1;
    if (step->residual >= 0)
        j->dense[step->residual] = 1;
}

static int can_lie_within(const joiner *j, const cx_plan_value *v)
{
    return !v->visible && v->literal == NULL && v->within < 0 &&
           !j->dense[v - j->plan->values];
}

/* Lays value v into the rows of a whole, from a channel on. */
static void lay_within(cx_plan *plan, cx_plan_value *v, int whole,
                       int64_t channel)
{
    const cx_plan_value *w = &plan->values[whole];
    memcpy(v->stride, w->stride, sizeof v->stride);
    v->within = whole;
    v->offset = channel;
    v->laid = 1;
}

/* Whether the parts of a concatenation already lie one behind the other in
   another whole, in which its result then lies, too. */
static int lies_already(const joiner *j, const cx_step *step)
{
    const cx_plan_value *values = j->plan->values, *x = &values[step->x[0]];
    int64_t channel = x->offset;
    if (x->within < 0 || !can_lie_within(j, &values[step->y[0]]))
        return 0;
    for (int k = 0; k < step->c->input_count; k++) {
        const cx_plan_value *part = &values[step->x[k]];
        if (part->within != x->within || part->offset != channel)
            return 0;
        channel += part->shape.dim[1];
    }
    return 1;
}

static void join(const joiner *j, const cx_step *step)
{
    cx_plan *plan = j->plan;
    cx_plan_value *y = &plan->values[step->y[0]];
    if (lies_already(j, step)) {
        const cx_plan_value *x = &plan->values[step->x[0]];
        lay_within(plan, y, x->within, x->offset);
        return;
    }
    int whole = y->within >= 0 ? y->within : step->y[0];
    int64_t channel = y->within >= 0 ? y->offset : 0;
    if (y->within < 0)
        cx_shape_strides_channels_last(&y->shape, y->stride);
    for (int k = 0; k < step->c->input_count; k++) {
        cx_plan_value *x = &plan->values[step->x[k]];
        if (can_lie_within(j, x)) {
            lay_within(plan, x, whole, channel);
            y->laid = 1;
        }
        channel += x->shape.dim[1];
    }
    if (!y->laid)
        cx_shape_strides(&y->shape, y->stride);
}

/* Later ones first: they are the larger ones. */
cxai_status cx_join(cx_plan *plan, const cx_plan_request *request)
{
    const joiner j = { plan, cx_arena_alloc(&plan->arena,
                                            (size_t)plan->value_count, 1) };
    if (j.dense == NULL)
        return cx_plan_no_memory(request);
    for (int i = 0; i < plan->step_count; i++)
        note_step(&j, plan->steps[i]);
    for (int i = plan->step_count - 1; i >= 0; i--)
        if (is_concat(plan->steps[i]) && plan->steps[i]->y[0] >= 0)
            join(&j, plan->steps[i]);
    return CXAI_OK;
}
