/* What sessions are asked for, on the network of support/tiny.h. */
#include <stdlib.h>
#include <string.h>

#include "run/session.h"
#include "support/check.h"
#include "support/net.h"
#include "support/tiny.h"

static void test_forward_and_backward(void **state)
{
    tiny_check_plain(*state);
}

static void test_backward_can_be_repeated(void **state)
{
    tiny *f = *state;
    tiny_check_plain(f);
    /* d y0 / dx: dg = 1, 0; dc0 = 0 0 .25 .25; dx0 = dc0 + .25, dx1 = -dc0 */
    static const cxai_real first[2] = { 1, 0 };
    check_ok(cxai_session_backward(f->session, first, &f->error), &f->error);
    tiny_check_gradient(
        f, f->x, (double[]){ 0.25, 0.25, 0.5, 0.5, 0, 0, -0.25, -0.25 }, 8);
    check_ok(cxai_session_backward(f->session, tiny_seed, &f->error),
             &f->error);
    tiny_check_gradient(f, f->x, tiny_gradient, 8);
}

static void test_inner_gradient_is_kept_beside_the_input_s(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    int wrt[3] = { f->r, f->x, f->c };
    cxai_request request = { .target = f->y, .wrt = wrt, .wrt_count = 3 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
             &f->error);
    tiny_run(f);
    static const double dr[8] = { 0.25,  0.25,  0.25,  0.25,
                                  -0.25, -0.25, -0.25, -0.25 };
    static const double dc[8] = {
        0, 0, 0.25, 0.25, -0.25, -0.25, -0.25, -0.25
    };
    tiny_check_gradient(f, f->r, dr, 8);
    tiny_check_gradient(f, f->c, dc, 8);
    tiny_check_gradient(f, f->x, tiny_gradient, 8);
}

static void test_parameter_gradients(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    int wrt[3] = { net_value(f->model, "w"), net_value(f->model, "v"),
                   net_value(f->model, "b") };
    cxai_request request = { .target = f->y, .wrt = wrt, .wrt_count = 3 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
             &f->error);
    tiny_run(f);
    /* dw[o][i] = sum over pixels of dc[o] x[i] */
    tiny_check_gradient(f, wrt[0], (double[]){ 1.75, 0.75, -2.5, -2.5 }, 4);
    tiny_check_gradient(f, wrt[1], (double[]){ 0, 0, 3.5, 7.5 }, 4);
    tiny_check_gradient(f, wrt[2], (double[]){ 0, 1 }, 2);
}

static void test_feeding_inside_runs_only_the_tail(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    int s = net_value(f->model, "s");
    cxai_request request = {
        .feed = &s, .feed_count = 1, .watch = &f->y, .watch_count = 1
    };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    static const cxai_real fed[8] = { 4, 4, 4, 4, 1, 2, 3, 2 };
    check_ok(cxai_session_set(f->session, s, fed, &f->error), &f->error);
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->y, (double[]){ 4, 3 }, 2);
    /* the pool and Gemm; what Flatten makes is the pool's, seen otherwise */
    assert_int_equal(f->session->plan->step_count, 2);
}

/* Two pictures' worth of s, though the model's input is one. */
static void test_fed_values_may_have_shapes_of_their_own(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    int s = net_value(f->model, "s");
    cxai_shape shape = { 4, { 2, 2, 2, 2 } };
    cxai_request request = { .feed = &s,
                             .feed_count = 1,
                             .feed_shape = &shape,
                             .watch = &f->y,
                             .watch_count = 1 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    static const cxai_real fed[16] = { 4, 4, 4, 4, 1, 2, 3, 2,
                                       1, 2, 3, 2, 4, 4, 4, 4 };
    shape.dim[0] = 7; /* it has been copied */
    check_ok(cxai_session_set(f->session, s, fed, &f->error), &f->error);
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->y, (double[]){ 4, 3, 2, -1 }, 4);

    cxai_session *session;
    shape.dim[1] = 0;
    check_error(cxai_session_create(&session, f->model, &request, &f->error),
                &f->error, CXAI_INVALID, "for the fed value \"s\" is none");
    shape = (cxai_shape){ 4, { 1, 3, 2, 2 } };
    check_error(cxai_session_create(&session, f->model, &request, &f->error),
                &f->error, CXAI_INVALID, "Gemm");
}

/* c = W x with W = max(w, 0) in place of the model's weights: x0, 2 x0. */
static void test_weights_can_be_fed(void **state)
{
    tiny *f = *state;
    cxai_tensor view;
    cxai_session_free(&f->session);
    int feed[2] = { f->x, net_value(f->model, "w") };
    cxai_request request = { .feed = feed,
                             .feed_count = 2,
                             .target = f->c,
                             .wrt = &f->x,
                             .wrt_count = 1 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    check_ok(cxai_session_fed(f->session, f->x, &view, &f->error), &f->error);
    cxai_tensor_write(&view, tiny_picture);
    check_error(cxai_session_seed(f->session, &view, &f->error), &f->error,
                CXAI_INVALID, "run forward before backward");
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->c, (double[8]){ 0 }, 8);

    check_ok(cxai_session_fed(f->session, feed[1], &view, &f->error),
             &f->error);
    cxai_tensor_write(&view, (cxai_real[]){ 1, 0, 2, 0 });
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->c, (double[]){ 1, 2, 3, 4, 2, 4, 6, 8 }, 8);
    for (int i = 1; i <= 2; i++) {
        check_ok(cxai_session_seed(f->session, &view, &f->error), &f->error);
        cxai_tensor_write(&view,
                          (cxai_real[]){ 1, 0, 0, (cxai_real)i, 1, 1, 0, 0 });
        check_ok(cxai_session_backward(f->session, NULL, &f->error), &f->error);
        tiny_check_gradient(f, f->x, (double[]){ 3, 2, 0, i, 0, 0, 0, 0 }, 8);
    }
    check_error(cxai_session_fed(f->session, f->y, &view, &f->error), &f->error,
                CXAI_INVALID, "not fed");
}

static void test_a_feed_that_does_not_cut_is_refused(void **state)
{
    tiny *f = *state;
    cxai_session *session;
    cxai_request request = {
        .feed = &f->r, .feed_count = 1, .watch = &f->y, .watch_count = 1
    };
    check_error(cxai_session_create(&session, f->model, &request, &f->error),
                &f->error, CXAI_INVALID,
                "Add node \"a\" needs the input \"x\"");
    assert_null(session);
}

static void test_bad_requests_are_refused(void **state)
{
    tiny *f = *state;
    cxai_session *session;
    int far = 1000;
    cxai_request nothing = { 0 };
    cxai_request beyond = { .watch = &far, .watch_count = 1 };
    cxai_request apart = { .target = f->c, .wrt = &f->r, .wrt_count = 1 };
    cxai_request wide = { .watch = &f->y,
                          .watch_count = 1,
                          .input_shape = { 4, { 1, 3, 2, 3 } } };
    cxai_request poor = { .watch = &f->y, .watch_count = 1, .max_bytes = 8 };
    check_error(cxai_session_create(&session, f->model, &nothing, &f->error),
                &f->error, CXAI_INVALID, "asks for nothing");
    check_error(cxai_session_create(&session, f->model, &beyond, &f->error),
                &f->error, CXAI_INVALID, "value 1000 does not exist");
    check_error(cxai_session_create(&session, f->model, &apart, &f->error),
                &f->error, CXAI_INVALID, "\"c\" does not depend on \"r\"");
    check_error(cxai_session_create(&session, f->model, &wide, &f->error),
                &f->error, CXAI_INVALID, "takes 1x2x2x2");
    check_error(cxai_session_create(&session, f->model, &poor, &f->error),
                &f->error, CXAI_LIMIT, "needs");
}

static void test_reading_too_early_is_refused(void **state)
{
    tiny *f = *state;
    cxai_tensor view;
    check_error(cxai_session_backward(f->session, tiny_seed, &f->error),
                &f->error, CXAI_INVALID, "run forward before backward");
    check_error(cxai_session_value(f->session, f->y, &view, &f->error),
                &f->error, CXAI_INVALID, "run forward first");
    check_error(cxai_session_gradient(f->session, f->x, &view, &f->error),
                &f->error, CXAI_INVALID, "run backward first");
    check_error(cxai_session_value(f->session, f->c, &view, &f->error),
                &f->error, CXAI_INVALID, "not watched");
    check_error(cxai_session_set(f->session, f->c, tiny_picture, &f->error),
                &f->error, CXAI_INVALID, "not fed");
}

static void test_batches_are_independent(void **state)
{
    tiny *f = *state;
    cxai_session_free(&f->session);
    cxai_request request = { .input_shape = { 4, { 2, 2, 2, 2 } },
                             .target = f->y,
                             .wrt = &f->x,
                             .wrt_count = 1 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
    cxai_real two[16] = { 0 };
    memcpy(two + 8, tiny_picture, sizeof tiny_picture);
    check_ok(cxai_session_set(f->session, f->x, two, &f->error), &f->error);
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->y, (double[]){ 0, 1, 3.5, -3 }, 4);
    static const cxai_real both[4] = { 0, 0, 0, 1 };
    check_ok(cxai_session_backward(f->session, both, &f->error), &f->error);
    double want[16] = { 0 };
    memcpy(want + 8, tiny_gradient, sizeof tiny_gradient);
    tiny_check_gradient(f, f->x, want, 16);
}

static void open_kept(tiny *f, int64_t batch)
{
    cxai_session_free(&f->session);
    cxai_request request = { .input_shape = { 4, { batch, 2, 2, 2 } },
                             .target = f->y,
                             .wrt = &f->x,
                             .wrt_count = 1,
                             .keep = 1,
                             .threads = 1 };
    check_ok(cxai_session_create(&f->session, f->model, &request, &f->error),
             &f->error);
}

/* The next session finds the memory of the last one, and none of its picture;
   another request does not. */
static void test_a_kept_plan_is_as_new(void **state)
{
    tiny *f = *state;
    open_kept(f, 1);
    check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
             &f->error);
    tiny_check_plain(f);
    const cx_plan *plan = f->session->plan;
    open_kept(f, 1);
    assert_ptr_equal(f->session->plan, plan);
    cxai_tensor view;
    check_error(cxai_session_value(f->session, f->y, &view, &f->error),
                &f->error, CXAI_INVALID, "run forward first");
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->y, (double[]){ 0, 1 }, 2);
    check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
             &f->error);
    tiny_check_plain(f);
    open_kept(f, 2);
    check_ok(cxai_session_forward(f->session, &f->error), &f->error);
    tiny_check_value(f, f->y, (double[]){ 0, 1, 0, 1 }, 4);
    open_kept(f, 1);
    check_ok(cxai_session_set(f->session, f->x, tiny_picture, &f->error),
             &f->error);
    tiny_check_plain(f);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, tiny_set_up, tiny_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forward_and_backward),
        TEST(test_backward_can_be_repeated),
        TEST(test_inner_gradient_is_kept_beside_the_input_s),
        TEST(test_parameter_gradients),
        TEST(test_feeding_inside_runs_only_the_tail),
        TEST(test_fed_values_may_have_shapes_of_their_own),
        TEST(test_weights_can_be_fed),
        TEST(test_a_feed_that_does_not_cut_is_refused),
        TEST(test_bad_requests_are_refused),
        TEST(test_reading_too_early_is_refused),
        TEST(test_batches_are_independent),
        TEST(test_a_kept_plan_is_as_new),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
