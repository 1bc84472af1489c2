#include "support/fused.h"

#include <stdlib.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

cxai_real *fused_answer(const cxai_model *model, const char *input_shape,
                        const int *watch, int watch_count, int threads,
                        int64_t *count, int *steps)
{
    cxai_request request = { .watch = watch,
                             .watch_count = watch_count,
                             .threads = threads };
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    void *block;
    cxai_shape shape = net_shape(input_shape);
    cxai_real *picture = kernel_numbers(cxai_shape_count(&shape), 5, &block);
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, net_value(model, "x"), picture, &error),
             &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, watch[0], &view, &error), &error);
    cxai_real *dense = dense_of(&view, count);
    *steps = session->plan->step_count;
    cxai_session_free(&session);
    free(block);
    return dense;
}

int fused_gradient_steps(const cxai_model *model)
{
    int x = net_value(model, "x"), y = cxai_model_output(model, 0);
    cxai_request request = { .watch = &y,
                             .watch_count = 1,
                             .target = y,
                             .wrt = &x,
                             .wrt_count = 1,
                             .threads = 2 };
    cxai_session *session;
    cxai_error error;
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    int steps = session->plan->step_count;
    cxai_session_free(&session);
    return steps;
}
