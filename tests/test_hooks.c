/* Hooks on the network of support/tiny.h: order, what they see and change. */
#include "run/session.h"
#include "support/check.h"
#include "support/net.h"
#include "support/tiny.h"

static int node_of(const tiny *f, int value)
{
    return cxai_model_producer(f->model, value);
}

static int add(tiny *f, int places, int node, const char *type,
               cxai_hook_function *function, void *payload)
{
    int handle = 0;
    cxai_hook hook = { places, node, type, function, payload };
    check_ok(cxai_session_add_hook(f->session, &hook, &handle, &f->error),
             &f->error);
    assert_int_not_equal(handle, 0);
    return handle;
}

typedef struct journal {
    int count;
    int node[64];
    int place[64];
    char who[64];
} journal;

typedef struct scribe {
    journal *journal;
    char who;
} scribe;

static int write_down(const cxai_hook_call *call, void *payload)
{
    const scribe *s = payload;
    journal *j = s->journal;
    assert_true(j->count < 64);
    j->node[j->count] = call->node;
    j->place[j->count] = (int)call->place;
    j->who[j->count++] = s->who;
    return 0;
}

static void test_hooks_run_in_order(void **state)
{
    tiny *f = *state;
    journal j = { 0 };
    scribe a = { &j, 'a' }, b = { &j, 'b' };
    int all = CXAI_AFTER_FORWARD | CXAI_BEFORE_BACKWARD | CXAI_AFTER_BACKWARD;
    add(f, all, -1, NULL, write_down, &a);
    add(f, CXAI_AFTER_FORWARD, node_of(f, f->c), NULL, write_down, &b);
    tiny_run(f);
    int nodes = cxai_model_node_count(f->model), k = 0;
    for (int n = 0; n < nodes; n++) {
        assert_int_equal(j.node[k], n);
        assert_int_equal(j.who[k], 'a');
        assert_int_equal(j.place[k++], CXAI_AFTER_FORWARD);
        if (n == node_of(f, f->c)) {
            assert_int_equal(j.node[k], n);
            assert_int_equal(j.who[k++], 'b');
        }
    }
    for (int n = nodes - 1; n >= 0; n--) {
        assert_int_equal(j.node[k], n);
        assert_int_equal(j.place[k++], CXAI_BEFORE_BACKWARD);
        assert_int_equal(j.node[k], n);
        assert_int_equal(j.place[k++], CXAI_AFTER_BACKWARD);
    }
    assert_int_equal(j.count, k);
}

/* Adds 10 to every element of the views that may be written. */
static int add_ten(const cxai_hook_call *call, void *payload)
{
    (void)payload;
    const cxai_tensor *view = call->place == CXAI_AFTER_FORWARD ? call->outputs
                              : call->place == CXAI_BEFORE_BACKWARD
                                  ? call->output_gradients
                                  : call->input_gradients;
    cxai_real dense[8];
    assert_int_equal(cxai_shape_count(&view->shape), 8);
    cxai_tensor_read(view, dense);
    for (int i = 0; i < 8; i++)
        dense[i] += 10;
    cxai_tensor_write(view, dense);
    return 0;
}

static void test_writing_after_forward(void **state)
{
    tiny *f = *state;
    add(f, CXAI_AFTER_FORWARD, node_of(f, f->c), NULL, add_ten, NULL);
    tiny_run(f);
    /* c + 10 = 7 9 11 13 | 12 14 16 18, all pass: a = 8 11 14 17 | 16 17 18 19
       g = 12.5, 17.5 */
    tiny_check_value(f, f->y, (double[]){ 12.5, -4 }, 2);
    /* dc = .25 | -.25: dx0 = .25 - .5 + .25, dx1 = -.25 - .25 */
    tiny_check_gradient(f, f->x,
                        (double[]){ 0, 0, 0, 0, -0.5, -0.5, -0.5, -0.5 }, 8);
}

static void test_writing_before_backward(void **state)
{
    tiny *f = *state;
    add(f, CXAI_BEFORE_BACKWARD, node_of(f, f->r), NULL, add_ten, NULL);
    tiny_run(f);
    /* dr = 10.25 | 9.75; dc = 0 0 10.25 10.25 | 9.75
       dx0 = dc0 + 2 dc1 + .25, dx1 = -dc0 - .25 */
    tiny_check_gradient(
        f, f->x, (double[]){ 19.75, 19.75, 30, 30, -0.25, -0.25, -10.5, -10.5 },
        8);
}

static void test_writing_after_backward(void **state)
{
    tiny *f = *state;
    add(f, CXAI_AFTER_BACKWARD, node_of(f, f->c), NULL, add_ten, NULL);
    tiny_run(f);
    double want[8];
    for (int i = 0; i < 8; i++)
        want[i] = tiny_gradient[i] + 10;
    tiny_check_gradient(f, f->x, want, 8);
}

static int see_forward(const cxai_hook_call *call, void *payload)
{
    (void)payload;
    static const double c[8] = { -3, -1, 1, 3, 2, 4, 6, 8 };
    static const double r[8] = { 0, 0, 1, 3, 2, 4, 6, 8 };
    static const double dr[8] = { 0.25,  0.25,  0.25,  0.25,
                                  -0.25, -0.25, -0.25, -0.25 };
    static const double dc[8] = {
        0, 0, 0.25, 0.25, -0.25, -0.25, -0.25, -0.25
    };
    assert_int_equal(call->input_count, 1);
    assert_int_equal(call->output_count, 1);
    check_view(&call->inputs[0], c, 8, 0);
    check_view(&call->outputs[0], r, 8, 0);
    if (call->place == CXAI_AFTER_FORWARD)
        assert_null(call->output_gradients[0].data);
    else
        check_view(&call->output_gradients[0], dr, 8, 0);
    if (call->place == CXAI_AFTER_BACKWARD)
        check_view(&call->input_gradients[0], dc, 8, 0);
    else
        assert_null(call->input_gradients[0].data);
    return 0;
}

static void test_a_hook_sees_what_the_model_names(void **state)
{
    tiny *f = *state;
    /* unhooked, Conv and Relu are one step; Flatten is none */
    assert_int_equal(f->session->plan->step_count,
                     cxai_model_node_count(f->model) - 2);
    int all = CXAI_AFTER_FORWARD | CXAI_BEFORE_BACKWARD | CXAI_AFTER_BACKWARD;
    int handle = add(f, all, node_of(f, f->r), NULL, see_forward, NULL);
    tiny_check_plain(f);
    assert_int_equal(f->session->plan->step_count,
                     cxai_model_node_count(f->model) - 1);
    check_ok(cxai_session_remove_hook(f->session, handle, &f->error),
             &f->error);
    tiny_check_plain(f);
    assert_int_equal(f->session->plan->step_count,
                     cxai_model_node_count(f->model) - 2);
}

static void test_a_watched_value_is_not_fused(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    f->session = tiny_session(f, &f->c, 1);
    tiny_check_plain(f);
    tiny_check_value(f, f->c, (double[]){ -3, -1, 1, 3, 2, 4, 6, 8 }, 8);
}

static int count_calls(const cxai_hook_call *call, void *payload)
{
    (void)call;
    ++*(int *)payload;
    return 0;
}

static void test_reused_modules(void **state)
{
    tiny *f = *state;
    int calls = 0, value;
    add(f, CXAI_AFTER_BACKWARD, -1, "Relu", count_calls, &calls);
    tiny_check_plain(f);
    assert_int_equal(calls, 2); /* the module "act" is two nodes */
    check_ok(cxai_model_find(f->model, "act", &value, &f->error), &f->error);
    assert_int_equal(value, net_value(f->model, "s"));
}

static int stop(const cxai_hook_call *call, void *payload)
{
    (void)call;
    return *(const int *)payload;
}

/* Hooks of the request, in their order; a session that finds a kept plan calls
   its own. */
static void test_hooks_of_the_request(void **state)
{
    tiny *f = *state;
    for (int round = 0; round < 2; round++) {
        journal j = { 0 };
        scribe a = { &j, round ? 'A' : 'a' }, b = { &j, round ? 'B' : 'b' };
        cxai_hook hooks[2] = {
            { CXAI_AFTER_FORWARD, -1, "Relu", write_down, &a },
            { CXAI_AFTER_FORWARD, node_of(f, f->r), NULL, write_down, &b },
        };
        cxai_request request = { .target = f->y,
                                 .wrt = &f->x,
                                 .wrt_count = 1,
                                 .hooks = hooks,
                                 .hook_count = 2,
                                 .keep = 1 };
        cxai_session_free(&f->session);
        check_ok(
            cxai_session_create(&f->session, f->model, &request, &f->error),
            &f->error);
        check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
                 &f->error);
        tiny_check_plain(f);
        assert_int_equal(j.count, 3);
        assert_memory_equal(j.who, round ? "ABA" : "aba", 3);
        assert_int_equal(j.node[0], node_of(f, f->r));
        assert_int_equal(j.node[1], node_of(f, f->r));
    }
}

static void test_a_hook_stops_a_run(void **state)
{
    tiny *f = *state;
    int result = 7, calls = 0;
    int places[3] = { CXAI_AFTER_FORWARD, CXAI_BEFORE_BACKWARD,
                      CXAI_AFTER_BACKWARD };
    for (int i = 0; i < 3; i++) {
        int handle = add(f, places[i], node_of(f, f->c), NULL, stop, &result);
        int later =
            add(f, places[i], node_of(f, f->c), NULL, count_calls, &calls);
        cxai_status status = cxai_session_forward(f->session, &f->error);
        if (i > 0) {
            check_ok(status, &f->error);
            status = cxai_session_backward(f->session, tiny_seed, &f->error);
        }
        check_error(status, &f->error, CXAI_STOPPED, "Conv node \"c\"");
        assert_int_equal(calls, 0);
        cxai_tensor view;
        check_error(cxai_session_gradient(f->session, f->x, &view, &f->error),
                    &f->error, CXAI_INVALID, "run backward first");
        /* the session may be run again, and once the hook is gone it is what
           it was */
        check_ok(cxai_session_remove_hook(f->session, handle, &f->error),
                 &f->error);
        check_ok(cxai_session_remove_hook(f->session, later, &f->error),
                 &f->error);
        tiny_check_plain(f);
    }
}

typedef struct remover {
    int *handles;
    int count;
    int calls;
} remover;

static int remove_all(const cxai_hook_call *call, void *payload)
{
    remover *r = payload;
    cxai_error error;
    r->calls++;
    for (int i = 0; i < r->count; i++)
        check_ok(cxai_session_remove_hook(call->session, r->handles[i], &error),
                 &error);
    return 0;
}

static void test_a_hook_removes_itself_and_others(void **state)
{
    tiny *f = *state;
    int handles[2], calls = 0;
    remover r = { handles, 2, 0 };
    handles[0] =
        add(f, CXAI_AFTER_FORWARD, node_of(f, f->c), NULL, remove_all, &r);
    handles[1] = add(f, CXAI_AFTER_FORWARD, -1, NULL, count_calls, &calls);
    tiny_check_plain(f);
    tiny_check_plain(f);
    assert_int_equal(r.calls, 1);
    assert_int_equal(calls, 0);
    check_error(cxai_session_remove_hook(f->session, handles[0], &f->error),
                &f->error, CXAI_NOT_FOUND, "handle");
}

static int add_another(const cxai_hook_call *call, void *payload)
{
    cxai_error error;
    cxai_hook hook = { CXAI_AFTER_FORWARD, -1, NULL, count_calls, payload };
    check_ok(cxai_session_add_hook(call->session, &hook, NULL, &error), &error);
    return 0;
}

static void test_a_hook_added_inside_waits_for_the_next_run(void **state)
{
    tiny *f = *state;
    int calls = 0;
    int handle =
        add(f, CXAI_AFTER_FORWARD, node_of(f, f->c), NULL, add_another, &calls);
    tiny_check_plain(f);
    assert_int_equal(calls, 0);
    check_ok(cxai_session_remove_hook(f->session, handle, &f->error),
             &f->error);
    tiny_check_plain(f);
    assert_int_equal(calls, cxai_model_node_count(f->model));
}

static int run_again(const cxai_hook_call *call, void *payload)
{
    cxai_error error;
    check_error(cxai_session_forward(call->session, &error), &error,
                CXAI_INVALID, "inside its own hook");
    ++*(int *)payload;
    return 0;
}

static void test_a_session_does_not_nest(void **state)
{
    tiny *f = *state;
    int calls = 0;
    add(f, CXAI_AFTER_FORWARD, node_of(f, f->c), NULL, run_again, &calls);
    tiny_check_plain(f);
    assert_int_equal(calls, 1);
}

static void test_bad_hooks_are_refused(void **state)
{
    tiny *f = *state;
    cxai_hook none = { 0, -1, NULL, stop, NULL };
    cxai_hook far = { CXAI_AFTER_FORWARD, 99, NULL, stop, NULL };
    cxai_hook strange = { CXAI_AFTER_FORWARD, -1, "Foo", stop, NULL };
    check_error(cxai_session_add_hook(f->session, &none, NULL, &f->error),
                &f->error, CXAI_INVALID, "place");
    check_error(cxai_session_add_hook(f->session, &far, NULL, &f->error),
                &f->error, CXAI_INVALID, "node 99");
    check_error(cxai_session_add_hook(f->session, &strange, NULL, &f->error),
                &f->error, CXAI_NOT_FOUND, "Foo");
    tiny_check_plain(f);
    cxai_request request = {
        .watch = &f->y, .watch_count = 1, .hooks = &far, .hook_count = 1
    };
    cxai_session *refused;
    check_error(cxai_session_create(&refused, f->model, &request, &f->error),
                &f->error, CXAI_INVALID, "node 99");
    assert_null(refused);
}

/* Conv, BatchNormalization, Add, Relu: one step when nobody looks inside; the
   same numbers when somebody does. */
static void test_fusing_changes_no_result(void **state)
{
    (void)state;
    cxai_error error;
    net n = net_begin(13);
    net_input(&n, "x", "1,2,2,2");
    net_reals(&n, "w", "2,2,1,1", (double[]){ 1, -1, 2, 0 });
    net_reals(&n, "scale", "2", (double[]){ 2, -1 });
    net_reals(&n, "shift", "2", (double[]){ 1, 3 });
    net_reals(&n, "mean", "2", (double[]){ 1, 2 });
    net_reals(&n, "variance", "2", (double[]){ 4, 0.25 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "BatchNormalization", "c scale shift mean variance", "n",
             "epsilon=0.0");
    net_node(&n, "Add", "n x", "a", "");
    net_node(&n, "Relu", "a", "r", "");
    net_output(&n, "r");
    cxai_model *model = net_end(&n);
    int x = net_value(model, "x"), r = net_value(model, "r");
    cxai_request request = {
        .target = r, .wrt = &x, .wrt_count = 1, .threads = 1
    };
    cxai_session *s;
    check_ok(cxai_session_create(&s, model, &request, &error), &error);
    assert_int_equal(s->plan->step_count, 1);
    check_ok(cxai_session_set(s, x, tiny_picture, &error), &error);
    /* c = -3 -1 1 3 | 2 4 6 8; n0 = c0 - 1 + 1 = c0, n1 = 3 - 2 (c1 - 2)
       a = -2 1 4 7 | 7 2 -3 -8 */
    static const double want[8] = { 0, 1, 4, 7, 7, 2, 0, 0 };
    /* dr = 1: da = 0 1 1 1 | 1 1 0 0; dc0 = da0, dc1 = -2 da1
       dx0 = dc0 + 2 dc1 + da0 = -4, -2, 2, 2; dx1 = -dc0 + da1 */
    static const double dx[8] = { -4, -2, 2, 2, 1, 0, -1, -1 };
    static const cxai_real ones[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    for (int hooked = 0; hooked < 2; hooked++) {
        int calls = 0;
        cxai_hook hook = { CXAI_AFTER_FORWARD, -1, NULL, count_calls, &calls };
        if (hooked)
            check_ok(cxai_session_add_hook(s, &hook, NULL, &error), &error);
        check_ok(cxai_session_forward(s, &error), &error);
        check_ok(cxai_session_backward(s, ones, &error), &error);
        assert_int_equal(calls, hooked ? 4 : 0);
        cxai_tensor view;
        check_ok(cxai_session_value(s, r, &view, &error), &error);
        check_view(&view, want, 8, 0);
        check_ok(cxai_session_gradient(s, x, &view, &error), &error);
        check_view(&view, dx, 8, 0);
    }
    assert_int_equal(s->plan->step_count, 4);
    cxai_session_free(&s);
    cxai_model_free(&model);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, tiny_set_up, tiny_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hooks_run_in_order),
        TEST(test_writing_after_forward),
        TEST(test_writing_before_backward),
        TEST(test_writing_after_backward),
        TEST(test_a_hook_sees_what_the_model_names),
        TEST(test_a_watched_value_is_not_fused),
        TEST(test_reused_modules),
        TEST(test_hooks_of_the_request),
        TEST(test_a_hook_stops_a_run),
        TEST(test_a_hook_removes_itself_and_others),
        TEST(test_a_hook_added_inside_waits_for_the_next_run),
        TEST(test_a_session_does_not_nest),
        TEST(test_bad_hooks_are_refused),
        cmocka_unit_test(test_fusing_changes_no_result),
    };
    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
