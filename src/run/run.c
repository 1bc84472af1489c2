/* Forward and backward: the plan's steps, one after the other. Nothing is
   allocated here unless hooks have changed. */
#include "base/subnormal.h"
#include "ops/common/epilogue.h"
#include "ops/common/move.h"
#include "run/session.h"

static void begin(cxai_session *s)
{
    s->running = 1;
    cx_flush_subnormals(s->states, s->threads);
}

static void end(cxai_session *s)
{
    cx_restore_subnormals(s->states, s->threads);
    s->running = 0;
}

static cxai_status refuse_nesting(const cxai_session *s, cxai_error *error)
{
    if (s->running)
        return cxai_fail(error, CXAI_INVALID,
                         "a session cannot be run from inside its own hook");
    return CXAI_OK;
}

static cxai_status stopped(const cxai_session *s, const cx_step *step,
                           cxai_error *error)
{
    return cxai_fail(error, CXAI_STOPPED, "stopped by a hook at %s",
                     s->model->nodes[step->node].label);
}

cxai_status cxai_session_forward(cxai_session *s, cxai_error *error)
{
    cxai_status status = refuse_nesting(s, error);
    if (status == CXAI_OK && s->stale)
        status = cx_session_plan(s, error);
    if (status != CXAI_OK)
        return status;
    begin(s);
    s->forwarded = s->backed = 0;
    for (int i = 0; status == CXAI_OK && i < s->plan->step_count; i++) {
        const cx_step *step = s->plan->steps[i];
        step->op->forward(&step->call);
        if (step->places & CXAI_AFTER_FORWARD &&
            cx_run_hooks(s, step, CXAI_AFTER_FORWARD) != 0)
            status = stopped(s, step, error);
    }
    end(s);
    s->forwarded = status == CXAI_OK;
    return status;
}

/* to (adds: +)= from, on all threads. */
static void transfer(const cx_step *step, const cxai_tensor *to,
                     const cxai_tensor *from, int adds)
{
    cx_view to_view = cx_view_of(to), from_view = cx_view_of(from);
    cx_move_parallel(&to_view, &from_view, adds, step->c->threads);
}

/* The residual's share is dy as it is, often in the same place. */
static void pass_residual(const cx_step *step)
{
    int k = step->c->input_count;
    const cxai_tensor *to = &step->dx_view[k], *dy = &step->dy_view[0];
    if (to->data != NULL && to->data != dy->data)
        transfer(step, to, dy, step->delivery[k].adds);
}

static void add_shares(const cx_step *step)
{
    for (int k = 0; k < step->c->input_count; k++)
        if (step->gradient[k].data != NULL)
            transfer(step, &step->gradient[k], &step->dx_view[k], 1);
}

static cxai_status step_backward(cxai_session *s, const cx_step *step,
                                 cxai_error *error)
{
    if (step->places & CXAI_BEFORE_BACKWARD &&
        cx_run_hooks(s, step, CXAI_BEFORE_BACKWARD) != 0)
        return stopped(s, step, error);
    if (step->epilogue.mask != NULL && !step->arrives_masked)
        cx_mask_gradient(step->c, step->epilogue.mask, &step->arrived[0],
                         &step->dy_view[0]);
    pass_residual(step);
    if (step->wanted != 0)
        step->op->backward(&step->call);
    if (step->places & CXAI_AFTER_BACKWARD &&
        cx_run_hooks(s, step, CXAI_AFTER_BACKWARD) != 0)
        return stopped(s, step, error);
    add_shares(step);
    return CXAI_OK;
}

cxai_status cxai_session_seed(cxai_session *s, cxai_tensor *view,
                              cxai_error *error)
{
    if (s->plan->target < 0)
        return cxai_fail(error, CXAI_INVALID,
                         "this session was made without wrt values: it has "
                         "no backward");
    if (!s->forwarded)
        return cxai_fail(error, CXAI_INVALID, "run forward before backward");
    *view = cx_plan_gradient_view(s->plan, s->plan->target);
    return CXAI_OK;
}

cxai_status cxai_session_backward(cxai_session *s, const cxai_real *seed,
                                  cxai_error *error)
{
    cxai_tensor target;
    cxai_status status = refuse_nesting(s, error);
    if (status == CXAI_OK)
        status = cxai_session_seed(s, &target, error);
    if (status != CXAI_OK)
        return status;
    if (seed != NULL)
        cxai_tensor_write(&target, seed);
    begin(s);
    s->backed = 0;
    for (int i = s->plan->step_count - 1; status == CXAI_OK && i >= 0; i--)
        if (s->plan->steps[i]->share != NULL)
            status = step_backward(s, s->plan->steps[i], error);
    end(s);
    s->backed = status == CXAI_OK;
    return status;
}
