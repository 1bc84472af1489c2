/*
 * Fused runs against the same network with every value watched, in which
 * nothing is fused: what the fusion of activations promises is the same
 * numbers. (That unfused networks are right is shown by test_networks.)
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

/* A convolution x -> c followed by x * Sigmoid(x): c -> s -> y. */
typedef struct convolution {
    const char *weights, *attributes; /* of a 1,20,11,12 input */
} convolution;

static const convolution convolutions[] = {
    { "24,20,1,1", "" },                     /* panels and a tail */
    { "20,1,3,3", "group=20 pads=1,1,1,1" }, /* depthwise */
    { "17,20,3,3", "pads=1,1,1,1" },         /* Winograd */
    { "9,20,3,3", "strides=2,2" },
};

static double *numbers(const char *shape, int64_t first)
{
    cxai_shape s = net_shape(shape);
    int64_t count = cxai_shape_count(&s);
    double *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)kernel_number(first + i);
    return values;
}

static cxai_model *build(const convolution *k)
{
    double *w = numbers(k->weights, 77);
    net n = net_begin(13);
    net_input(&n, "x", "1,20,11,12");
    net_reals(&n, "w", k->weights, w);
    net_node(&n, "Conv", "x w", "c", k->attributes);
    net_node(&n, "Sigmoid", "c", "s", "");
    net_node(&n, "Mul", "s c", "y", "");
    net_output(&n, "y");
    free(w);
    return net_end(&n);
}

typedef struct answer {
    cxai_real *y, *dx; /* dx NULL: not asked for */
    int64_t y_count, dx_count;
    int steps;
} answer;

/* watched: "c s" or fewer of these; the output always is. */
static answer ask(const cxai_model *model, const char *watched, int gradient)
{
    int watch[6] = { net_value(model, "y") }, count = 1;
    int x = net_value(model, "x");
    for (const char *name = watched; *name != '\0'; name++)
        if (*name != ' ')
            watch[count++] = net_value(model, (char[]){ *name, '\0' });
    cxai_request request = { .watch = watch,
                             .watch_count = count,
                             .target = watch[0],
                             .wrt = &x,
                             .wrt_count = gradient,
                             .threads = 2 };
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    void *block;
    answer a = { 0 };
    cxai_real *picture = kernel_numbers(20 * 11 * 12, 5, &block);
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, x, picture, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, watch[0], &view, &error), &error);
    a.y = dense_of(&view, &a.y_count);
    a.steps = session->plan->step_count;
    if (gradient) {
        void *seed_block;
        cxai_real *seed = kernel_numbers(a.y_count, 9, &seed_block);
        check_ok(cxai_session_backward(session, seed, &error), &error);
        check_ok(cxai_session_gradient(session, x, &view, &error), &error);
        a.dx = dense_of(&view, &a.dx_count);
        free(seed_block);
    }
    cxai_session_free(&session);
    free(block);
    return a;
}

static void free_answer(answer *a)
{
    free(a->y);
    free(a->dx);
}

static void compare_gradients(const convolution *k, const answer *whole,
                              const answer *fused)
{
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < fused->dx_count; i++) {
        largest = fmax(largest, fabs((double)whole->dx[i]));
        worst = fmax(worst, fabs((double)fused->dx[i] - (double)whole->dx[i]));
    }
    /* the derivative is another expression: a few roundings of each term */
    if (!(worst <= 1e-6 * largest))
        fail_msg("%s %s: gradients differ by %g", k->weights, k->attributes,
                 worst / largest);
}

static void compare(const convolution *k, const answer *whole,
                    const answer *fused, int steps)
{
    assert_int_equal(fused->steps, steps);
    assert_int_equal(fused->y_count, whole->y_count);
    assert_memory_equal(fused->y, whole->y,
                        (size_t)whole->y_count * sizeof *whole->y);
    compare_gradients(k, whole, fused);
}

static void test_swish(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(convolutions); i++) {
        const convolution *k = &convolutions[i];
        cxai_model *model = build(k);
        answer all = ask(model, "c s", 1);
        assert_int_equal(all.steps, 3);
        static const struct {
            const char *watched;
            int gradient, steps;
        } cases[] = {
            { "", 0, 1 },                 /* part of the convolution */
            { "", 1, 2 },                 /* one step, which keeps c */
            { "c", 0, 2 },                /* c is there to be read */
            { "c", 1, 2 }, { "s", 0, 3 }, /* a watched sigmoid is made */
        };
        for (int j = 0; j < CX_COUNT(cases); j++) {
            answer a = ask(model, cases[j].watched, cases[j].gradient);
            compare(k, &all, &a, cases[j].steps);
            free_answer(&a);
        }
        free_answer(&all);
        cxai_model_free(&model);
    }
}

/* ---- Gelu ---------------------------------------------------------------- */

/* x -> h = 2x -> h * (Erf(h / root) + 1) / 2, with what may be otherwise. */
static cxai_model *gelu_model(double root, double one, const char *half_shape)
{
    net n = net_begin(13);
    net_input(&n, "x", "2,3,5");
    net_reals(&n, "two", "", (double[]){ 2 });
    net_reals(&n, "root", "", &root);
    net_reals(&n, "one", "1", &one);
    net_reals(&n, "half", half_shape, (double[]){ 0.5 });
    net_node(&n, "Mul", "x two", "h", "");
    net_node(&n, "Div", "h root", "d", "");
    net_node(&n, "Erf", "d", "e", "");
    net_node(&n, "Add", "one e", "a", "");
    net_node(&n, "Mul", "a h", "m", "");
    net_node(&n, "Mul", "m half", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

static void check_gelu(cxai_model *model, const char *watched, int gradient,
                       int steps)
{
    static const convolution k = { "", "Gelu" };
    answer all = ask(model, "h d e a m", 1);
    answer a = ask(model, watched, gradient);
    assert_int_equal(all.steps, 6);
    assert_int_equal(a.steps, steps);
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < a.y_count; i++) {
        largest = fmax(largest, fabs((double)all.y[i]));
        worst = fmax(worst, fabs((double)a.y[i] - (double)all.y[i]));
    }
    /* 1 + Erf loses digits that Gelu keeps */
    if (!(worst <= 1e-6 * largest))
        fail_msg("%s: values differ by %g", watched, worst / largest);
    compare_gradients(&k, &all, &a);
    free_answer(&all);
    free_answer(&a);
    cxai_model_free(&model);
}

static void test_gelu(void **state)
{
    (void)state;
    const double root = sqrt(2);
    check_gelu(gelu_model(root, 1, ""), "", 0, 2);
    check_gelu(gelu_model(root, 1, ""), "", 1, 2);
    check_gelu(gelu_model(root, 1, "1,1"), "h", 1, 2);
    check_gelu(gelu_model(root, 1, ""), "m", 1, 6); /* somebody reads it */
    check_gelu(gelu_model(1.5, 1, ""), "", 1, 6);
    check_gelu(gelu_model(root, 1.1, ""), "", 1, 6);
    check_gelu(gelu_model(root, 1, "1,1,1,1"), "", 1, 6); /* adds an axis */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_swish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
