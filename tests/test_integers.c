/*
 * Integers that depend on the input: what ArgMax, TopK and casts make. A
 * session carries them as reals; operators that would compute with them are
 * refused, and only where somebody asks for their output.
 */
#include "cxai/session.h"
#include "support/check.h"
#include "support/net.h"

static const double exact = 0;

/* x [1,3,2] -> Mul 2 "scores" -> ArgMax over channels "best" [1,1,2]
   -> Cast to float -> "class"; best + best -> "sum", sum + sum -> "more" */
static cxai_model *make_model(int with_sum)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,3,2");
    net_reals(&n, "two", "", (double[]){ 2 });
    net_node(&n, "Mul", "x two", "scores", "");
    net_node(&n, "ArgMax", "scores", "best", "axis=1");
    net_node(&n, "Cast", "best", "class", "to=1");
    net_output(&n, "class");
    if (with_sum) {
        net_node(&n, "Add", "best best", "sum", "");
        net_node(&n, "Add", "sum sum", "more", "");
        net_output(&n, "more");
    }
    return net_end(&n);
}

static const cxai_real x[6] = { 1, 4, 2, 5, 3, -1 };

static cxai_status create(cxai_session **session, const cxai_model *model,
                          const char *watch, const char *target,
                          cxai_error *error)
{
    int watched = net_value(model, watch), input = net_value(model, "x");
    cxai_request request = { .watch = &watched,
                             .watch_count = 1,
                             .target = -1 };
    if (target != NULL) {
        request.target = net_value(model, target);
        request.wrt = &input;
        request.wrt_count = 1;
    }
    int feed = input;
    request.feed = &feed;
    request.feed_count = 1;
    return cxai_session_create(session, model, &request, error);
}

/* The greatest of (1,2,3) is number 2, of (4,5,-1) number 1. */
static void argmax_is_given_out(void **state)
{
    (void)state;
    static const char *const values[] = { "best", "class" };
    cxai_model *model = make_model(0);
    for (int i = 0; i < 2; i++) {
        cxai_session *session;
        cxai_error error;
        cxai_tensor view;
        check_ok(create(&session, model, values[i], NULL, &error), &error);
        check_ok(cxai_session_set(session, net_value(model, "x"), x, &error),
                 &error);
        check_ok(cxai_session_forward(session, &error), &error);
        check_ok(cxai_session_value(session, net_value(model, values[i]), &view,
                                    &error),
                 &error);
        check_view(&view, (double[]){ 2, 1 }, 2, exact);
        cxai_session_free(&session);
    }
    cxai_model_free(&model);
}

static void argmax_has_no_gradient(void **state)
{
    (void)state;
    cxai_model *model = make_model(0);
    cxai_session *session;
    cxai_error error;
    check_error(create(&session, model, "class", "class", &error), &error,
                CXAI_UNSUPPORTED, "number of an element");
    check_ok(create(&session, model, "class", "scores", &error), &error);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

/* The class scores are what ArgMax decides by. */
static void logits_stand_before_argmax(void **state)
{
    (void)state;
    cxai_model *model = make_model(0);
    assert_int_equal(cxai_model_logits(model), net_value(model, "scores"));
    cxai_model_free(&model);
}

static void arithmetic_is_refused_where_it_is_asked_for(void **state)
{
    (void)state;
    cxai_model *model = make_model(1);
    cxai_shape shapes[16];
    cxai_error error;
    cxai_session *session;
    assert_true(cxai_model_value_count(model) <= 16);
    check_ok(cxai_model_shapes(model, NULL, shapes, &error), &error);
    assert_int_equal(shapes[net_value(model, "best")].rank, 3);
    assert_int_equal(shapes[net_value(model, "sum")].rank, -1);
    assert_int_equal(shapes[net_value(model, "more")].rank, -1);
    check_ok(create(&session, model, "class", NULL, &error), &error);
    cxai_session_free(&session);
    check_error(create(&session, model, "more", NULL, &error), &error,
                CXAI_UNSUPPORTED,
                "Add node \"sum\": integers that depend on the input");
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_is_given_out),
        cmocka_unit_test(argmax_has_no_gradient),
        cmocka_unit_test(logits_stand_before_argmax),
        cmocka_unit_test(arithmetic_is_refused_where_it_is_asked_for),
    };
    return cmocka_run_group_tests_name("integers", tests, NULL, NULL);
}
