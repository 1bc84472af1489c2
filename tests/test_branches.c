/* Branches held: each function's pieces, and maxima's places, by hand. */
#include "../explain/heatmap/branches.h"

#include "support/check.h"
#include "support/net.h"

enum { NUMBERS = 4 };

/* Three pictures; the first one decides. */
static const cxai_real points[cx_held_items * NUMBERS] = {
    -2, 1, 8, 3, 5, -3, 7, 4, -1, 2, 1, 3.5,
};
static const cxai_real ones[cx_held_items * NUMBERS] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/* Values and gradients of y = f(x), x being (3,1,1,4). */
static void check_held(const char *type, const char *inputs,
                       const char *attributes, const double *values,
                       const double *gradients)
{
    net n = net_begin(17);
    cxai_tensor view;
    cxai_error error;
    cxai_session *session;

    net_input(&n, "x", "3,1,1,4");
    net_reals(&n, "low", "", (double[]){ 0 });
    net_reals(&n, "high", "", (double[]){ 6 });
    net_reals(&n, "slope", "1", (double[]){ 0.25 });
    net_node(&n, type, inputs, "y", attributes);
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    int x = net_value(model, "x"), y = net_value(model, "y");
    cxai_hook hooks[2];
    const cxai_request request = {
        .watch = &y,
        .watch_count = 1,
        .target = y,
        .wrt = &x,
        .wrt_count = 1,
        .hooks = hooks,
        .hook_count = cx_list_branches(model, NULL, hooks),
    };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, x, points, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, y, &view, &error), &error);
    check_view(&view, values, cxai_shape_count(&view.shape), 1e-6);
    check_ok(cxai_session_backward(session, ones, &error), &error);
    check_ok(cxai_session_gradient(session, x, &view, &error), &error);
    check_view(&view, gradients, cx_held_items * NUMBERS, 1e-6);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

static void test_rays(void **state)
{
    (void)state;
    check_held("Relu", "x", "",
               (double[]){ 0, 1, 8, 3, 0, -3, 7, 4, 0, 2, 1, 3.5 },
               (double[]){ 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1 });
    check_held("LeakyRelu", "x", "alpha=0.5",
               (double[]){ -1, 1, 8, 3, 2.5, -3, 7, 4, -.5, 2, 1, 3.5 },
               (double[]){ .5, 1, 1, 1, .5, 1, 1, 1, .5, 1, 1, 1 });
    check_held("PRelu", "x slope", "",
               (double[]){ -.5, 1, 8, 3, 1.25, -3, 7, 4, -.25, 2, 1, 3.5 },
               (double[]){ .25, 1, 1, 1, .25, 1, 1, 1, .25, 1, 1, 1 });
    check_held("Abs", "x", "",
               (double[]){ 2, 1, 8, 3, -5, -3, 7, 4, 1, 2, 1, 3.5 },
               (double[]){ -1, 1, 1, 1, -1, 1, 1, 1, -1, 1, 1, 1 });
}

static void test_ends(void **state)
{
    (void)state;
    check_held("Clip", "x low high", "",
               (double[]){ 0, 1, 6, 3, 0, -3, 6, 4, 0, 2, 6, 3.5 },
               (double[]){ 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 });
    check_held("HardSigmoid", "x", "alpha=0.125 beta=0.5",
               (double[]){ .25, .625, 1, .875, 1.125, .125, 1, 1, .375, .75, 1,
                           .9375 },
               (double[]){ .125, .125, 0, .125, .125, .125, 0, .125, .125, .125,
                           0, .125 });
    check_held("HardSwish", "x", "",
               (double[]){ -1. / 3, 2. / 3, 8, 3, 20. / 3, 0, 7, 4, -1. / 3,
                           5. / 3, 1, 3.5 },
               (double[]){ -1. / 6, 5. / 6, 1, 1, 13. / 6, -.5, 1, 1, 1. / 6,
                           7. / 6, 1, 1 });
}

/* Windows of two, which overlap: the first picture's maxima are 1, 8 and 8. */
static void test_maxima(void **state)
{
    (void)state;
    check_held("MaxPool", "x", "kernel_shape=1,2",
               (double[]){ 1, 8, 8, -3, 7, 7, 2, 1, 1 },
               (double[]){ 0, 1, 2, 0, 0, 1, 2, 0, 0, 1, 2, 0 });
    check_held("GlobalMaxPool", "x", "", (double[]){ 8, 7, 1 },
               (double[]){ 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0 });
}

/* ---- straight ------------------------------------------------------------ */

/* x -> Relu -> a -> one node -> y -> Softmax */
static void check_straight(const char *type, const char *inputs, int want)
{
    net n = net_begin(17);
    cxai_error error;
    int straight = -1;

    net_input(&n, "x", "1,4");
    net_reals(&n, "w", "4", (double[]){ 1, 2, 3, 4 });
    net_node(&n, "Sigmoid", "x", "s", "");
    net_node(&n, "Relu", "x", "a", "");
    net_node(&n, type, inputs, "y", "");
    net_node(&n, "Softmax", "y", "p", "");
    net_output(&n, "p");
    cxai_model *model = net_end(&n);
    const cxai_heatmap_call call = { .model = model,
                                     .value = net_value(model, "y"),
                                     .layer = net_value(model, "a") };
    check_ok(cx_is_straight(&call, &straight, &error), &error);
    if (straight != want)
        fail_msg("%s of %s: straight is %d", type, inputs, straight);
    cxai_model_free(&model);
}

/* What leads around the layer, or lies behind the target, does not matter. */
static void test_straight(void **state)
{
    (void)state;
    check_straight("Relu", "a", 1);
    check_straight("Add", "a a", 1);
    check_straight("Mul", "a w", 1);
    check_straight("Mul", "a s", 1);
    check_straight("Div", "a w", 1);
    check_straight("Mul", "a a", 0);
    check_straight("Div", "w a", 0);
    check_straight("Sigmoid", "a", 0);
    check_straight("HardSwish", "a", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rays),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_maxima),
        cmocka_unit_test(test_straight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
