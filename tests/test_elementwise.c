/*
 * What gradient checks and the conformance suite do not see: gradients exactly
 * at kinks and ties, the accuracy of exp, tanh and sigmoid, and that results
 * do not depend on the number of threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "cxai/session.h"
#include "support/check.h"
#include "support/net.h"

enum { MOST = 2 };

/* A network of one node, "y" of "a" (and "b"), run forward and backward. */
typedef struct node {
    cxai_model *model;
    cxai_session *session;
    int inputs, value[MOST], y;
} node;

static node start(const char *type, const char *attributes, int opset,
                  const char *a, const char *b, int threads)
{
    node n = { .inputs = b != NULL ? 2 : 1 };
    net built = net_begin(opset);
    net_input(&built, "a", a);
    if (b != NULL)
        net_input(&built, "b", b);
    net_node(&built, type, b != NULL ? "a b" : "a", "y", attributes);
    net_output(&built, "y");
    n.model = net_end(&built);
    n.y = net_value(n.model, "y");
    n.value[0] = net_value(n.model, "a");
    n.value[1] = b != NULL ? net_value(n.model, "b") : -1;
    cxai_request request = { .feed = n.value,
                             .feed_count = n.inputs,
                             .watch = &n.y,
                             .watch_count = 1,
                             .target = n.y,
                             .wrt = n.value,
                             .wrt_count = n.inputs,
                             .threads = threads };
    cxai_error error;
    check_ok(cxai_session_create(&n.session, n.model, &request, &error),
             &error);
    return n;
}

static void end(node *n)
{
    cxai_session_free(&n->session);
    cxai_model_free(&n->model);
}

static void set(node *n, int input, const cxai_real *data)
{
    cxai_error error;
    check_ok(cxai_session_set(n->session, n->value[input], data, &error),
             &error);
}

static void forward(node *n)
{
    cxai_error error;
    check_ok(cxai_session_forward(n->session, &error), &error);
}

static void backward(node *n, const cxai_real *seed)
{
    cxai_error error;
    check_ok(cxai_session_backward(n->session, seed, &error), &error);
}

static cxai_tensor gradient(node *n, int input)
{
    cxai_tensor view;
    cxai_error error;
    check_ok(cxai_session_gradient(n->session, n->value[input], &view, &error),
             &error);
    return view;
}

/* ---- kinks and ties -------------------------------------------------------

   Expected gradients are those of torch 2.14 for the function named beside
   each (float32; sums of the outputs). Tolerance: a few roundings. */

static const struct kink {
    const char *type, *attributes, *shape;
    double x[9], want[9];
} kinks[] = {
    /* relu */
    { "Relu", "", "3", { -1, 0, 1 }, { 0, 0, 1 } },
    /* relu6 */
    { "Clip", "min=0f max=6f", "5", { -1, 0, 3, 6, 7 }, { 0, 0, 1, 0, 0 } },
    /* leaky_relu */
    { "LeakyRelu", "", "3", { -1, 0, 1 }, { 0.01, 0.01, 1 } },
    /* threshold(x, 1, 0) */
    { "ThresholdedRelu", "", "3", { 0, 1, 2 }, { 0, 0, 1 } },
    /* hardsigmoid */
    { "HardSigmoid",
      "alpha=0.16666667",
      "5",
      { -4, -3, 0, 3, 4 },
      { 0, 0, 0.16666667, 0, 0 } },
    /* elu(x, 0.7), celu(x, 0.7), selu, abs */
    { "Elu", "alpha=0.7", "3", { -1, 0, 1 }, { 0.257515609, 0.7, 1 } },
    { "Selu",
      "",
      "3",
      { -1, 0, 1 },
      { 0.646768630, 1.758099318, 1.050701022 } },
    { "Abs", "", "3", { -2, 0, 2 }, { -1, 0, 1 } },
    /* amax, prod(1), norm */
    { "ReduceMax", "", "4", { 1, 3, 3, 2 }, { 0, 0.5, 0.5, 0 } },
    { "ReduceProd",
      "axes=1",
      "3,3",
      { 2, 0, 3, 0, 0, 4, 2, 3, 4 },
      { 0, 6, 0, 0, 0, 0, 12, 8, 6 } },
    { "ReduceL2", "", "2", { 0, 0 }, { 0, 0 } },
};

static const struct kink kinks_of_newer_opsets[] = {
    /* celu(x, 0.7), hardswish */
    { "Celu", "alpha=0.7", "3", { -1, 0, 1 }, { 0.239651024, 1, 1 } },
    { "HardSwish", "", "5", { -4, -3, 0, 3, 4 }, { 0, 0, 0.5, 1, 1 } },
};

static void check_kink(const struct kink *k, int opset)
{
    cxai_real x[9];
    for (int i = 0; i < 9; i++)
        x[i] = (cxai_real)k->x[i];
    node n = start(k->type, k->attributes, opset, k->shape, NULL, 1);
    set(&n, 0, x);
    forward(&n);
    cxai_real ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    backward(&n, ones);
    cxai_tensor view = gradient(&n, 0);
    print_message("%s at its kinks\n", k->type);
    check_view(&view, k->want, cxai_shape_count(&view.shape), 1e-6);
    end(&n);
}

static void test_kinks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinks / sizeof kinks[0]; i++)
        check_kink(&kinks[i], 10);
    for (size_t i = 0; i < 2; i++)
        check_kink(&kinks_of_newer_opsets[i], 14);
}

/* maximum, pow and prelu of torch. */
static const struct pair_kink {
    const char *type, *shape_b;
    double a[3], b[3], want_a[3], want_b[3];
} pair_kinks[] = {
    { "Max", "3", { 1, 2, 2 }, { 2, 2, 1 }, { 0, 0.5, 1 }, { 1, 0.5, 0 } },
    { "Min", "3", { 1, 2, 2 }, { 2, 2, 1 }, { 1, 0.5, 0 }, { 0, 0.5, 1 } },
    { "Pow",
      "3",
      { 0, 0, 2 },
      { 2, 0, 3 },
      { 0, 0, 12 },
      { 0, 0, 5.545177444 } },
    { "PRelu", "1", { -1, 0, 1 }, { 0.25 }, { 0.25, 0.25, 1 }, { -1 } },
};

static void test_pair_kinks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pair_kinks / sizeof pair_kinks[0]; i++) {
        const struct pair_kink *k = &pair_kinks[i];
        cxai_real a[3], b[3], ones[3] = { 1, 1, 1 };
        for (int j = 0; j < 3; j++) {
            a[j] = (cxai_real)k->a[j];
            b[j] = (cxai_real)k->b[j];
        }
        node n = start(k->type, "", 13, "3", k->shape_b, 1);
        set(&n, 0, a);
        set(&n, 1, b);
        forward(&n);
        backward(&n, ones);
        cxai_tensor da = gradient(&n, 0), db = gradient(&n, 1);
        print_message("%s at its kinks\n", k->type);
        check_view(&da, k->want_a, 3, 1e-6);
        check_view(&db, k->want_b, cxai_shape_count(&db.shape), 1e-6);
        end(&n);
    }
}

/* y = clip(a, -1, 2), and how much of the gradient its bounds get. */
static void test_clip_bounds(void **state)
{
    (void)state;
    net built = net_begin(13);
    net_input(&built, "a", "6");
    net_reals(&built, "low", "", (double[]){ -1 });
    net_reals(&built, "high", "", (double[]){ 2 });
    net_node(&built, "Clip", "a low high", "y", "");
    net_output(&built, "y");
    node n = { .model = net_end(&built), .inputs = 1 };
    n.y = net_value(n.model, "y");
    n.value[0] = net_value(n.model, "low");
    n.value[1] = net_value(n.model, "high");
    int a = net_value(n.model, "a");
    cxai_request request = { .watch = &n.y,
                             .watch_count = 1,
                             .target = n.y,
                             .wrt = n.value,
                             .wrt_count = 2 };
    cxai_error error;
    check_ok(cxai_session_create(&n.session, n.model, &request, &error),
             &error);
    const cxai_real x[6] = { -3, -2, 0, 1, 3, 5 };
    const cxai_real seed[6] = { 1, 2, 4, 8, 16, 32 };
    check_ok(cxai_session_set(n.session, a, x, &error), &error);
    forward(&n);
    backward(&n, seed);
    cxai_tensor low = gradient(&n, 0), high = gradient(&n, 1);
    check_view(&low, (double[]){ 1 + 2 }, 1, 0);
    check_view(&high, (double[]){ 16 + 32 }, 1, 0);
    end(&n);
}

/* ---- accuracy -------------------------------------------------------------
 */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double swish(double x)
{
    return x * sigmoid(x);
}

static double gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2));
}

/* The bounds that src/kernels/exponential.h promises, in units of the last
   of 24 bits, against the C library in double precision. */
static const struct accuracy {
    const char *type;
    double (*function)(double);
    double low, high, ulps;
} accuracies[] = {
    { "Exp", exp, -87, 88.5, 1 },       { "Tanh", tanh, -10, 10, 1.5 },
    { "Tanh", tanh, -0.01, 0.01, 1.5 }, { "Sigmoid", sigmoid, -80, 30, 2.5 },
    { "Swish", swish, -80, 30, 3 }, /* one rounding more */
    { "Erf", erf, -5, 5, 1.5 },         { "Erf", erf, -0.01, 0.01, 1.5 },
    { "Gelu", gelu, -3, 10, 8 },        { "Gelu", gelu, -5, -3, 20 },
};

enum { POINTS = 1 << 18 };

static void check_accuracy(const struct accuracy *a, cxai_real *x)
{
    char shape[16];
    snprintf(shape, sizeof shape, "%d", POINTS);
    node n = start(a->type, "", 20, shape, NULL, 2);
    for (int i = 0; i < POINTS; i++)
        x[i] = (cxai_real)(a->low + (a->high - a->low) * i / (POINTS - 1.0));
    set(&n, 0, x);
    forward(&n);
    cxai_tensor view;
    cxai_error error;
    check_ok(cxai_session_value(n.session, n.y, &view, &error), &error);
    double worst = 0;
    for (int i = 0; i < POINTS; i++) {
        double want = a->function((double)x[i]);
        int exponent;
        frexp(want, &exponent);
        double off =
            fabs((double)view.data[i] - want) / ldexp(1, exponent - 24);
        worst = fmax(worst, off);
    }
    print_message("%s is off by at most %.2f ulp\n", a->type, worst);
    if (!(worst <= a->ulps))
        fail_msg("%s: %g ulp", a->type, worst);
    end(&n);
}

static void test_accuracy(void **state)
{
    (void)state;
    cxai_real *x = calloc(POINTS, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < sizeof accuracies / sizeof accuracies[0]; i++)
        check_accuracy(&accuracies[i], x);
    free(x);
}

/* exp, tanh and the logistic function where they end. */
static void test_limits(void **state)
{
    (void)state;
    const cxai_real x[] = { (cxai_real)INFINITY, (cxai_real)-INFINITY,
                            (cxai_real)NAN, 200, -200 };
    const double inf = (double)INFINITY, nan = (double)NAN;
    const struct {
        const char *type;
        double want[5];
    } cases[] = {
        { "Exp", { inf, 0, nan, inf, 0 } },
        { "Tanh", { 1, -1, nan, 1, -1 } },
        { "Sigmoid", { 1, 0, nan, 1, 0 } },
        { "Relu", { inf, 0, nan, 200, 0 } },
        { "Softplus", { inf, 0, nan, 200, 0 } },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        node n = start(cases[k].type, "", 13, "5", NULL, 1);
        cxai_tensor view;
        cxai_error error;
        set(&n, 0, x);
        forward(&n);
        check_ok(cxai_session_value(n.session, n.y, &view, &error), &error);
        for (int i = 0; i < 5; i++) {
            double got = (double)view.data[i], want = cases[k].want[i];
            if (isnan(want) ? !isnan(got) : got != want)
                fail_msg("%s(%g) is %g instead of %g", cases[k].type,
                         (double)x[i], got, want);
        }
        end(&n);
    }
}

/* ---- threads --------------------------------------------------------------
 */

static cxai_real *random_reals(int64_t count, uint32_t stream)
{
    cxai_real *data = calloc((size_t)count, sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++)
        data[i] = (cxai_real)cxai_random_normal(1, stream, (uint64_t)i);
    return data;
}

/* Everything that a run computes, one behind the other. */
static cxai_real *run_with(const char *type, const char *attributes,
                           const char *a, const char *b, int threads,
                           int64_t *count)
{
    node n = start(type, attributes, 13, a, b, threads);
    cxai_tensor view[1 + MOST];
    cxai_error error;
    cxai_shape y_shape;
    check_ok(cxai_session_shape(n.session, n.y, &y_shape, &error), &error);
    int64_t y_count = cxai_shape_count(&y_shape);
    const char *shapes[] = { a, b };
    for (int i = 0; i < n.inputs; i++) {
        cxai_shape shape = net_shape(shapes[i]);
        cxai_real *x = random_reals(cxai_shape_count(&shape), (uint32_t)i);
        set(&n, i, x);
        free(x);
    }
    cxai_real *seed = random_reals(y_count, MOST);
    forward(&n);
    backward(&n, seed);
    free(seed);
    check_ok(cxai_session_value(n.session, n.y, &view[0], &error), &error);
    *count = y_count;
    for (int i = 0; i < n.inputs; i++) {
        view[1 + i] = gradient(&n, i);
        *count += cxai_shape_count(&view[1 + i].shape);
    }
    cxai_real *all = calloc((size_t)*count, sizeof *all), *to = all;
    assert_non_null(all);
    for (int i = 0; i <= n.inputs; i++) {
        cxai_tensor_read(&view[i], to);
        to += cxai_shape_count(&view[i].shape);
    }
    end(&n);
    return all;
}

static void test_threads(void **state)
{
    (void)state;
    static const struct {
        const char *type, *attributes, *a, *b;
    } cases[] = {
        { "Mul", "", "2,24,56,56", "2,24,1,1" },
        { "Add", "", "1,40,40,40", "1" },
        { "Max", "", "1,24,56,56", "24,1,1" },
        { "Sigmoid", "", "3,17,41,31", NULL },
        { "Swish", "", "3,17,41,31", NULL },
        { "Relu", "", "3,17,41,31", NULL },
        { "Softmax", "axis=1", "2,33,40,41", NULL },
        { "ReduceMean", "axes=2,3", "2,33,40,41", NULL },
        { "ReduceMax", "axes=1", "2,33,40,41", NULL },
        { "ReduceLogSumExp", "", "2,33,40,41", NULL },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int64_t count, other_count;
        cxai_real *one = run_with(cases[k].type, cases[k].attributes,
                                  cases[k].a, cases[k].b, 1, &count);
        for (int threads = 2; threads <= 5; threads++) {
            cxai_real *other =
                run_with(cases[k].type, cases[k].attributes, cases[k].a,
                         cases[k].b, threads, &other_count);
            assert_int_equal(count, other_count);
            if (memcmp(one, other, (size_t)count * sizeof *one) != 0)
                fail_msg("%s differs between 1 and %d threads", cases[k].type,
                         threads);
            free(other);
        }
        free(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_bounds), cmocka_unit_test(test_kinks),
        cmocka_unit_test(test_pair_kinks),  cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}
