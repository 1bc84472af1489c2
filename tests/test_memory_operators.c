/*
 * Every allocation of every operator may fail (tests/memory/failing.h): a
 * session of each sample that an operator declares (src/ops/operator.h) is
 * made with its first allocation failing, then its second, and so on. It must
 * end with CXAI_NO_MEMORY; forward and backward then allocate nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cxai/session.h"
#include "memory/failing.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/net.h"
#include "support/sample.h"

/* What is asked of a session: the gradient of the node's first output with
   respect to all its real inputs, or the output alone. */
typedef struct question {
    const sample_case *s;
    cxai_model *model;
    cxai_request request;
    int feed[SAMPLE_INPUTS], wrt[SAMPLE_INPUTS];
} question;

static void ask(question *q, const sample_case *s, sample_model kind)
{
    cxai_error error;
    *q = (question){ .s = s, .model = sample_build(s, kind, NULL, &error) };
    if (q->model == NULL)
        fail_msg("%s: %s", s->op->name, error.message);
    cxai_request *r = &q->request;
    r->feed = q->feed;
    r->wrt = q->wrt;
    r->threads = 1;
    for (int k = 0; k < s->input_count; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k);
        if (s->inputs[k].kind != SAMPLE_REALS)
            continue;
        int x = net_value(q->model, name);
        if (cxai_model_constant(q->model, x).data == NULL) {
            if (r->feed_count == 0)
                r->input_shape = s->inputs[k].shape;
            q->feed[r->feed_count++] = x;
        }
        if (s->op->not_differentiable == NULL)
            q->wrt[r->wrt_count++] = x;
    }
    r->target = net_value(q->model, "y0");
    r->watch = &r->target;
    r->watch_count = 1;
}

static void check_runs(const question *q, cxai_session *session)
{
    cxai_error error;
    cxai_shape shape;
    check_ok(cxai_session_shape(session, q->request.target, &shape, &error),
             &error);
    cxai_real *seed =
        calloc((size_t)cxai_shape_count(&shape) + 1, sizeof *seed);
    assert_non_null(seed);
    failing_start(0, 0);
    check_ok(cxai_session_forward(session, &error), &error);
    if (q->request.wrt_count > 0)
        check_ok(cxai_session_backward(session, seed, &error), &error);
    long allocations = failing_stop();
    if (allocations != 0)
        fail_msg("%s allocates while it runs", q->s->op->name);
    free(seed);
}

static void exhaust(const question *q)
{
    cxai_error error;
    for (long n = 1;; n++) {
        cxai_session *session;
        failing_start(n, 1);
        cxai_status status =
            cxai_session_create(&session, q->model, &q->request, &error);
        failing_stop();
        if (!failing_has_failed()) {
            check_ok(status, &error);
            assert_true(n > 3);
            check_runs(q, session);
            cxai_session_free(&session);
            return;
        }
        assert_null(session);
        if (status != CXAI_NO_MEMORY)
            fail_msg("%s: allocation %ld failed, and the answer was %s: %s",
                     q->s->op->name, n, cxai_status_name(status),
                     error.message);
    }
}

static void test_operator(void **state)
{
    const cx_operator *op = *state;
    int samples = effort(op->sample_count, 1, "samples");
    for (int i = 0; i < samples; i++) {
        static const sample_model kinds[] = { SAMPLE_ALL_FED,
                                              SAMPLE_FIRST_FED };
        sample_case s = sample_read(op, &op->samples[i]);
        for (int k = 0; k < 2; k++) {
            question q;
            ask(&q, &s, kinds[k]);
            exhaust(&q);
            cxai_model_free(&q.model);
        }
        sample_free(&s);
    }
}

int main(void)
{
    struct CMUnitTest tests[512];
    size_t count = 0;
    for (int f = 0; cx_operator_families[f] != NULL; f++)
        for (int i = 0; i < cx_operator_families[f]->count; i++) {
            const cx_operator *op = &cx_operator_families[f]->operators[i];
            if (count == sizeof tests / sizeof *tests)
                return 1;
            tests[count++] = (struct CMUnitTest){
                .name = op->name,
                .test_func = test_operator,
                .initial_state = (void *)(uintptr_t)op,
            };
        }
    return _cmocka_run_group_tests("operators without memory", tests, count,
                                   NULL, NULL);
}
