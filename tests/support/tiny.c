#include "support/tiny.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/net.h"

const cxai_real tiny_picture[8] = { 1, 2, 3, 4, 4, 3, 2, 1 };
const cxai_real tiny_seed[2] = { 0, 1 };
const double tiny_gradient[8] = {
    -0.25, -0.25, 0, 0, -0.25, -0.25, -0.5, -0.5
};

static cxai_model *make_model(void)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,2,2,2");
    net_reals(&n, "w", "2,2,1,1", (double[]){ 1, -1, 2, 0 });
    net_reals(&n, "v", "2,2", (double[]){ 1, 0, 1, -1 });
    net_reals(&n, "b", "2", (double[]){ 0, 1 });
    net_node(&n, "Conv", "x w", "c", "");
    net_named_node(&n, "act1", "act", "Relu", "c", "r", "");
    net_node(&n, "Add", "r x", "a", "");
    net_named_node(&n, "act2", "act", "Relu", "a", "s", "");
    net_node(&n, "GlobalAveragePool", "s", "g", "");
    net_node(&n, "Flatten", "g", "f", "");
    net_node(&n, "Gemm", "f v b", "y", "transB=1");
    net_output(&n, "y");
    return net_end(&n);
}

cxai_session *tiny_session(tiny *t, const int *watch, int count)
{
    cxai_session *session = NULL;
    cxai_request request = {
        .watch = watch,
        .watch_count = count,
        .target = t->y,
        .wrt = &t->x,
        .wrt_count = 1,
        .threads = 1,
    };
    check_ok(cxai_session_create(&session, t->model, &request, &t->error),
             &t->error);
    check_ok(cxai_session_set(session, t->x, tiny_picture, &t->error),
             &t->error);
    return session;
}

int tiny_set_up(void **state)
{
    tiny *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->model = make_model();
    t->x = net_value(t->model, "x");
    t->c = net_value(t->model, "c");
    t->r = net_value(t->model, "r");
    t->y = net_value(t->model, "y");
    t->session = tiny_session(t, NULL, 0);
    *state = t;
    return 0;
}

int tiny_tear_down(void **state)
{
    tiny *t = *state;
    cxai_session_free(&t->session);
    cxai_model_free(&t->model);
    free(t);
    return 0;
}

void tiny_run(tiny *t)
{
    check_ok(cxai_session_forward(t->session, &t->error), &t->error);
    check_ok(cxai_session_backward(t->session, tiny_seed, &t->error),
             &t->error);
}

void tiny_check_value(tiny *t, int value, const double *want, int count)
{
    cxai_tensor view;
    check_ok(cxai_session_value(t->session, value, &view, &t->error),
             &t->error);
    check_view(&view, want, count, 0);
}

void tiny_check_gradient(tiny *t, int value, const double *want, int count)
{
    cxai_tensor view;
    check_ok(cxai_session_gradient(t->session, value, &view, &t->error),
             &t->error);
    check_view(&view, want, count, 0);
}

void tiny_check_plain(tiny *t)
{
    tiny_run(t);
    tiny_check_value(t, t->y, (double[]){ 3.5, -3 }, 2);
    tiny_check_gradient(t, t->x, tiny_gradient, 8);
}
