/*
 * Lifetimes: which storages a plan has, and from when to when each is needed.
 * The first share of a gradient is written where the gradient lives. Later ones
 * are added there by operators that deliver; from others, and where a hook is
 * to see what a node itself contributes, they are written beside it and added
 * then. The sum has one order. The last share to be delivered also applies the
 * mask of the value's producer. What passes a residual on unchanged is the
 * gradient of both values in one place.
 */
#include "plan/plan.h"

#include <stdint.h>

/* What the walk over the steps has in common. */
typedef struct lives {
    cx_plan *plan;
    const cx_plan_request *request;
    int seed; /* the time between forward and backward */
    int end;  /* after everything */
    int failed;
} lives;

/* A new storage, or -1, which is noted in l->failed. */
static int add_storage(lives *l, size_t bytes, int first, int last)
{
    cx_plan *plan = l->plan;
    if (cx_grow((void **)&plan->storages, &plan->storage_capacity,
                (size_t)plan->storage_count + 1, sizeof *plan->storages) != 0) {
        l->failed = 1;
        return -1;
    }
    plan->storages[plan->storage_count] =
        (cx_storage){ .bytes = bytes, .first = first, .last = last };
    return plan->storage_count++;
}

static size_t value_bytes(const cx_plan_value *value)
{
    return (size_t)cxai_shape_count(&value->shape) * sizeof(cxai_real);
}

static void extend(lives *l, int storage, int time)
{
    if (storage >= 0 && l->plan->storages[storage].last < time)
        l->plan->storages[storage].last = time;
}

/* Notes that a value's numbers are read at a time. */
static void read_value(lives *l, int value, int time)
{
    if (value >= 0)
        extend(l, cx_plan_owner(l->plan, value)->storage, time);
}

/* Whether a step's backward runs: for its inputs, or for its residual. */
static int goes_backward(const cx_plan *plan, const cx_step *step)
{
    int residual = step->residual >= 0 && plan->values[step->residual].active &&
                   plan->values[step->y[0]].active;
    return step->wanted != 0 || residual;
}

/* ---- forward ------------------------------------------------------------- */

static void live_fed_values(lives *l)
{
    for (int v = 0; v < l->plan->value_count; v++) {
        cx_plan_value *value = &l->plan->values[v];
        if (value->fed && value->shape.rank >= 0)
            value->storage = add_storage(l, value_bytes(value), -1, l->end);
    }
}

static void live_outputs(lives *l, const cx_step *step, int time)
{
    for (int k = 0; k < step->c->output_count; k++) {
        if (step->y[k] < 0)
            continue;
        cx_plan_value *y = cx_plan_owner(l->plan, step->y[k]);
        if (y->storage < 0)
            y->storage = add_storage(l, value_bytes(y), time, time);
        extend(l, y->storage, time);
        if (y->watched)
            extend(l, y->storage, l->end);
    }
}

/* What backward, or a hook there, reads lives until the end. */
static void keep_for_backward(lives *l, cx_step *step)
{
    int hooked = step->places & (CXAI_BEFORE_BACKWARD | CXAI_AFTER_BACKWARD);
    for (int i = 0; i < step->c->input_count; i++)
        if (hooked || (i < 64 && step->demand.keep_inputs >> i & 1))
            read_value(l, step->x[i], l->end);
    for (int k = 0; k < step->c->output_count; k++)
        if (hooked || (k < 64 && step->demand.keep_outputs >> k & 1))
            read_value(l, step->y[k], l->end);
}

static void live_forward(lives *l, int i)
{
    cx_step *step = l->plan->steps[i], *s = step;
    do {
        if (s->op->demand != NULL)
            s->op->demand(s->c, s->wanted, &s->demand);
        s = s->producer;
    } while (s != NULL);
    live_outputs(l, step, i);
    for (int k = 0; k < step->c->input_count; k++)
        read_value(l, step->x[k], i);
    read_value(l, step->residual, i);
    int backward = goes_backward(l->plan, step);
    int last = backward ? l->end : i;
    if (step->demand.saved_bytes > 0)
        step->saved = add_storage(l, step->demand.saved_bytes, i, last);
    if (backward) {
        keep_for_backward(l, step);
        if (step->activation != CX_NO_ACTIVATION) {
            int64_t count = cxai_shape_count(&step->c->y_shape[0]);
            step->mask = add_storage(l, (size_t)(count + 7) / 8, i, l->end);
        }
    }
}

/* ---- backward ------------------------------------------------------------ */

static const cx_share no_share = { -1, 0, 0, -1 };

static void begin_gradient(lives *l, cx_plan_value *v, int storage)
{
    v->gradient = storage;
    if (v->wrt)
        extend(l, storage, l->end);
}

/* Plans one share of the gradient of a value, written at a time. */
static void live_share(lives *l, int value, int delivers, int time,
                       cx_share *share)
{
    cx_plan_value *v = cx_plan_home(l->plan, value);
    v->last = delivers ? share : NULL;
    if (v->gradient >= 0 && delivers) {
        extend(l, v->gradient, time);
        share->storage = v->gradient;
        share->adds = 1;
        return;
    }
    share->storage = add_storage(l, value_bytes(v), time, time);
    share->accumulate = v->gradient >= 0;
    if (share->accumulate)
        extend(l, v->gradient, time);
    else
        begin_gradient(l, v, share->storage);
}

/* A step whose hook sees dx delivers nothing: dx is its own share alone. */
static int delivers_input(const cx_step *step, int k)
{
    return (step->places & CXAI_AFTER_BACKWARD) == 0 && k < 64 &&
           step->op->delivers >> k & 1;
}

static int reads(const cx_plan *plan, const cx_step *step,
                 const cx_plan_value *home)
{
    for (int k = 0; k < step->c->input_count; k++)
        if (step->x[k] >= 0 && cx_plan_home(plan, step->x[k]) == home)
            return 1;
    return 0;
}

/* The residual's share is dy behind the mask: the same storage becomes its
   gradient when there is none yet, unless dy itself is asked for or backward
   writes the same gradient while it reads dy. */
static void live_residual(lives *l, const cx_step *step, int time,
                          cx_share *share)
{
    cx_plan_value *v = cx_plan_home(l->plan, step->residual);
    const cx_plan_value *y = &l->plan->values[step->y[0]];
    int dy = step->masked >= 0 ? step->masked : y->gradient;
    v->last = NULL;
    if (v->gradient >= 0) {
        extend(l, v->gradient, time);
        share->storage = v->gradient;
        share->adds = 1;
        return;
    }
    if ((y->wrt && dy == y->gradient) || reads(l->plan, step, v))
        dy = add_storage(l, value_bytes(v), time, time);
    share->storage = dy;
    begin_gradient(l, v, dy);
}

/* Where the gradient of a fused output goes behind the mask: in place, unless
   somebody asks for the gradient itself. */
static void live_masked(lives *l, cx_step *step, int time)
{
    const cx_plan_value *y = &l->plan->values[step->y[0]];
    if (step->activation == CX_NO_ACTIVATION || y->gradient < 0)
        return;
    step->masked =
        y->wrt ? add_storage(l, value_bytes(y), time, time) : y->gradient;
}

static void live_backward(lives *l, int i)
{
    cx_plan *plan = l->plan;
    cx_step *step = plan->steps[i];
    if (!goes_backward(plan, step))
        return;
    int time = 2 * plan->step_count - i;
    size_t inputs = (size_t)step->c->input_count;
    step->share = cx_arena_alloc(&plan->arena, inputs + 1, sizeof *step->share);
    if (step->share == NULL) {
        l->failed = 1;
        return;
    }
    for (int k = 0; k < step->c->output_count; k++)
        if (step->y[k] >= 0)
            extend(l, plan->values[step->y[k]].gradient, time);
    live_masked(l, step, time);
    for (size_t k = 0; k <= inputs; k++)
        step->share[k] = no_share;
    if (step->residual >= 0 && plan->values[step->residual].active)
        live_residual(l, step, time, &step->share[inputs]);
    for (int k = 0; k < step->c->input_count; k++)
        if (k < 64 && step->wanted >> k & 1)
            live_share(l, step->x[k], delivers_input(step, k), time,
                       &step->share[k]);
}

/* Gives the mask of a step to the share that completes its dy. */
static void hand_mask_over(cx_plan *plan, cx_step *step)
{
    const cx_plan_value *y = &plan->values[step->y[0]];
    if (step->mask < 0 || step->masked != y->gradient || y->last == NULL)
        return;
    y->last->mask = step->mask;
    step->arrives_masked = 1;
}

/* Views have what their homes have, parts the storage of the whole. */
static void share_storages(cx_plan *plan)
{
    for (int v = 0; v < plan->value_count; v++) {
        const cx_plan_value *home = cx_plan_home(plan, v);
        plan->values[v].storage = cx_plan_owner(plan, v)->storage;
        plan->values[v].gradient = home->gradient;
    }
}

cxai_status cx_find_lifetimes(cx_plan *plan, const cx_plan_request *request)
{
    int n = plan->step_count;
    lives l = { plan, request, n, 2 * n + 1, 0 };
    live_fed_values(&l);
    for (int i = 0; !l.failed && i < n; i++)
        live_forward(&l, i);
    if (plan->target >= 0) {
        cx_plan_value *target = &plan->values[plan->target];
        target->gradient = add_storage(&l, value_bytes(target), l.seed,
                                       target->wrt ? l.end : l.seed);
    }
    for (int i = n - 1; !l.failed && i >= 0; i--)
        live_backward(&l, i);
    for (int i = 0; !l.failed && i < n; i++)
        hand_mask_over(plan, plan->steps[i]);
    share_storages(plan);
    return l.failed ? cx_plan_no_memory(request) : CXAI_OK;
}
