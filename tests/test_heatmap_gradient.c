/*
 * The gradient family on networks small enough to check by hand: Net A and Net
 * B of support/hand.h. Numbers are those of captum's own tests in tests/attr,
 * named at each test, or follow from the equations by hand.
 */
#include <math.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

/* One heatmap of Net A's y[0] at the ramp. */
static void check_net_a(const char *method, const char *set,
                        const double want[16])
{
    cxai_model *model = hand_net_a();
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_real x[16];

    options.set = set;

    hand_ramp(x);
    cxai_heatmap map =
        hand_check(method, model, "1,1,4,4", x, hand_target(model, "y", 0),
                   &options, want, 16, 1e-5);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* The windows of channel 0 that are active (at (0,1), (1,0), (1,1)) count 1,
   those of channel 1 ((1,0), (1,1)) -1: what is left is the window at (0,1).
   Times the input this is test_lrp.py, test_lrp_simple_attributions on Net A.
 */
static void test_gradient(void **state)
{
    const double gradient[] = {
        0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0
    };
    const double product[] = {
        0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0
    };

    (void)state;
    check_net_a("gradient", NULL, gradient);
    check_net_a("inputxgradient", NULL, product);
}

/* test_deconvolution.py, test_simple_input_conv_deconv. */
static void test_deconvnet(void **state)
{
    const double want[] = { 2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1 };

    (void)state;
    check_net_a("deconvnet", NULL, want);
}

/* At relu1 output x gradient is {0 4 31 40}, {0 0 -6 -15}, sorted -15 -6 0 0 0
   4 31 40: rank 4 of 0..7 (50 %, rounded to even) is 0, rank 6 (80 %) is 31.
   What passes are three windows, or the last alone; times the input. At y it is
   54 0 0 0, of which 0 is the threshold. With 100 % nothing is above. */
static void test_rectgrad(void **state)
{
    const double half[] = { 0, 1,  2,  3,  4,  15, 18, 14,
                            8, 27, 30, 22, 12, 26, 28, 15 };
    const double last[] = {
        0, 0, 0, 0, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15
    };

    (void)state;
    check_net_a("rectgrad", "percentile=50", half);
    check_net_a("rectgrad", "percentile=80", last);
    check_net_a("rectgrad", "percentile=100", (double[16]){ 0 });
}

/* y[0] of Net A is linear near the ramp: with little noise every copy has the
   same gradient, whose square is itself, being 0 and 1, and whose variance is
   0. */
static void test_noise_moments(void **state)
{
    const double square[] = { 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0 };
    const double zero[16] = { 0 };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    options.samples = 5;
    options.noise = 0.01;
    cxai_heatmap map = hand_check("smoothgrad_squared", model, "1,1,4,4", x,
                                  target, &options, square, 16, 1e-6);
    cxai_heatmap_clear(&map);
    map = hand_check("vargrad", model, "1,1,4,4", x, target, &options, zero, 16,
                     1e-6);
    assert_int_equal(map.state, CXAI_HEATMAP_EMPTY);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* f = 3 a^2 from a = 0 to 2: f' = 6 a, times 2 at the rule's nodes with 2
   steps: trapezoid 12, left (0, 1) 6, middle (.5, 1.5) 12, right (1, 2) 18;
   delta is what is more than f(2) - f(0) = 12. */
static void test_rules(void **state)
{
    static const struct {
        const char *set;
        double want;
    } cases[] = { { "rule=gauss", 12 },
                  { "rule=trapezoid", 12 },
                  { "rule=left", 6 },
                  { "rule=middle", 12 },
                  { "rule=right", 18 } };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_real x[] = { 2 };
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,1,1,1");
    net_reals(&n, "w", "1,1,1,1", (double[]){ 3 });
    net_node(&n, "Mul", "x x", "square", "");
    net_node(&n, "Conv", "square w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    options.steps = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.set = cases[i].set;
        cxai_heatmap map = hand_check("integrated_gradients", model, "1,1,1,1",
                                      x, hand_target(model, "y", 0), &options,
                                      &cases[i].want, 1, 1e-5);
        assert_true(fabs(map.delta - (cases[i].want - 12)) < 1e-5);
        cxai_heatmap_clear(&map);
    }
    cxai_model_free(&model);
}

/* A node of type, inputs and output between c and z. */
typedef struct inner_node {
    const char *type, *inputs, *output;
} inner_node;

/* c = 2 x + 1, what the inner nodes make of it, y = z_0 - z_1 + z_2. */
static cxai_model *front_model(const inner_node nodes[2])
{
    net n = net_begin(13);

    net_input(&n, "x", "1,1,1,3");
    net_reals(&n, "w2", "1,1,1,1", (double[]){ 2 });
    net_reals(&n, "w3", "1", (double[]){ 3 });
    net_reals(&n, "b", "1", (double[]){ 1 });
    net_reals(&n, "s", "1,1,1,3", (double[]){ 1, -1, 1 });
    net_node(&n, "Conv", "x w2 b", "c", "");
    for (int i = 0; i < 2 && nodes[i].type; i++)
        net_node(&n, nodes[i].type, nodes[i].inputs, nodes[i].output, "");
    net_node(&n, "Conv", "z s", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* Sums of gradients are taken as far behind x as all before is affine and there
   is no way around: at 3 c, at c, at x, at z. All models are linear where x is
   not negative, of slope k: gradient k (1, -1, 1), attribution that times x. */
static void test_fronts(void **state)
{
    static const struct {
        inner_node nodes[2];
        double slope;
    } cases[] = {
        { { { "Mul", "c w3", "m" }, { "Relu", "m", "z" } }, 6 },
        { { { "Relu", "c", "r" }, { "Add", "r c", "z" } }, 4 },
        { { { "Add", "c x", "a" }, { "Relu", "a", "z" } }, 3 },
        { { { "Identity", "c", "z" } }, 2 },
    };
    const cxai_real x[] = { 1, 2, 3 };
    cxai_heatmap_options options = cxai_heatmap_defaults();

    (void)state;
    options.noise = 0.01;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double k = cases[i].slope;
        const double slopes[] = { k, -k, k }, parts[] = { k, -2 * k, 3 * k };
        cxai_model *model = front_model(cases[i].nodes);
        cxai_target target = hand_target(model, "y", 0);
        cxai_heatmap map = hand_check("integrated_gradients", model, "1,1,1,3",
                                      x, target, &options, parts, 3, 1e-5);
        assert_true(fabs(map.delta) < 1e-5);
        cxai_heatmap_clear(&map);
        map = hand_check("smoothgrad", model, "1,1,1,3", x, target, &options,
                         slopes, 3, 1e-5);
        cxai_heatmap_clear(&map);
        cxai_model_free(&model);
    }
}

/* test_deeplift_basic.py, 2 relu(a) + 2 relu(b - 1.5) at (1, 2) from 0: (2, 1)
   and delta 0. From (2, 1) instead: a falls by 1, 2 relu(b - 1.5) rises by 1.
 */
static void test_deeplift(void **state)
{
    const cxai_real x[] = { 1, 2 }, other[] = { 2, 1 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "w", "2,2,1,1", (double[]){ 1, 0, 0, 1 });
    net_reals(&n, "b", "2", (double[]){ 0, -1.5 });
    net_reals(&n, "v", "1,2,1,1", (double[]){ 2, 2 });
    net_node(&n, "Conv", "x w b", "c", "");
    net_node(&n, "Relu", "c", "r", "");
    net_node(&n, "Conv", "r v", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap map = hand_check("deeplift", model, "1,2,1,1", x, target, NULL,
                                  (double[]){ 2, 1 }, 2, 1e-6);
    assert_true(fabs(map.delta) < 1e-6);
    cxai_heatmap_clear(&map);
    options.baseline = other;
    map = hand_check("deeplift", model, "1,2,1,1", x, target, &options,
                     (double[]){ -2, 1 }, 2, 1e-6);
    assert_true(fabs(map.delta) < 1e-6);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Windows of 2 with stride 1 over (1, 5, 2) from (4, 0, 3): maxima 5, 5 from
   4, 3. Both go up at place 1, where the difference is 5: 1 + 2 are given to
   it, and no sum is lost where windows overlap. Over (1, 0, 2) from (4, 0, 3)
   they go down by 3 and 1, at places 0 and 2. */
static void test_deeplift_maxima(void **state)
{
    static const struct {
        cxai_real x[3];
        double want[3];
    } cases[] = { { { 1, 5, 2 }, { 0, 3, 0 } },
                  { { 1, 0, 2 }, { -3, 0, -1 } } };
    const cxai_real baseline[] = { 4, 0, 3 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,1,1,3");
    net_reals(&n, "w", "1,1,1,2", (double[]){ 1, 1 });
    net_node(&n, "MaxPool", "x", "m", "kernel_shape=1,2 strides=1,1");
    net_node(&n, "Conv", "m w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    options.baseline = baseline;
    for (int i = 0; i < 2; i++) {
        cxai_heatmap map = hand_check("deeplift", model, "1,1,1,3", cases[i].x,
                                      hand_target(model, "y", 0), &options,
                                      cases[i].want, 3, 1e-6);
        assert_true(fabs(map.delta) < 1e-6);
        cxai_heatmap_clear(&map);
    }
    cxai_model_free(&model);
}

/* a b at (3, 5) from (1, 2): 2 (5 + 2)/2 + 3 (3 + 1)/2 = 7 + 6 = 15 - 2. */
static void test_deeplift_products(void **state)
{
    const cxai_real x[] = { 3, 5 }, baseline[] = { 1, 2 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "a", "1,2,1,1", (double[]){ 1, 0 });
    net_reals(&n, "b", "1,2,1,1", (double[]){ 0, 1 });
    net_node(&n, "Conv", "x a", "p", "");
    net_node(&n, "Conv", "x b", "q", "");
    net_node(&n, "Mul", "p q", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    options.baseline = baseline;
    cxai_heatmap map =
        hand_check("deeplift", model, "1,2,1,1", x, hand_target(model, "y", 0),
                   &options, (double[]){ 7, 6 }, 2, 1e-6);
    assert_true(fabs(map.delta) < 1e-6);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Of 4 x the mean of the ways, 4 (x - x'): with the one baseline 1 exactly
   4 (3 - 1); drawn among 1 and 2 it is 4 (2 - share of the second), a whole
   number of fiftieths that is likely near a half (four standard deviations). */
static void test_gradient_shap(void **state)
{
    const cxai_real x[] = { 3 }, baselines[] = { 1, 2 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_shape shape = net_shape("1,1,1,1");
    net n = net_begin(13);
    cxai_error error;
    cxai_heatmap map;

    (void)state;
    net_input(&n, "x", "1,1,1,1");
    net_reals(&n, "w", "1,1,1,1", (double[]){ 4 });
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    options.baseline = baselines;
    map = hand_check("gradient_shap", model, "1,1,1,1", x, target, &options,
                     (double[]){ 8 }, 1, 1e-5);
    cxai_heatmap_clear(&map);
    options.baseline_count = 2;
    check_ok(cxai_heatmap_compute(&map, hand_method("gradient_shap"), model,
                                  &shape, x, &target, 1, &options, &error),
             &error);
    double seconds = 50 * (2 - (double)map.data[0] / 4);
    assert_true(fabs(seconds - round(seconds)) < 1e-4);
    assert_true(fabs(seconds - 25) <= 4 * sqrt(50) / 2);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* In a linear network every path gives (x - x') times the weight. Blurred is a
   single 1 in a row of nine pixels with weights 1 to 9, by deviation .5: cut
   off at 2, weights 1, e^-2, e^-8 over their sum, times the middle one for the
   rows of zeros above and below. Each difference looks .01 ahead, which adds
   .005 times the last slope, 5 * 1.9. */
static void test_linear_paths(void **state)
{
    const double ramp[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const double sum = 1 + 2 * exp(-2) + 2 * exp(-8);
    const double c = 1 / (sum * sum), a = exp(-2) * c, b = exp(-8) * c;
    const double blurred[9] = { 0,           0,      -3 * b, -4 * a,
                                5 * (1 - c), -6 * a, -7 * b };
    const cxai_real x[9] = { 0, 0, 0, 0, 1 }, baseline[9] = { 1, 1 };
    const double guided[9] = { -1, -2, 0, 0, 5 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,1,1,9");
    net_reals(&n, "w", "1,1,1,9", ramp);
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    options.baseline = baseline;
    cxai_heatmap map = hand_check("guided_ig", model, "1,1,1,9", x, target,
                                  &options, guided, 9, 1e-5);
    assert_true(fabs(map.delta) < 1e-5);
    cxai_heatmap_clear(&map);
    options.set = "sigma=0.5";
    options.steps = 2000;
    map = hand_check("blur_ig", model, "1,1,1,9", x, target, &options, blurred,
                     9, 0.055);
    assert_true(fabs(map.delta) < 0.055);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Deviation .5, cut off at 2: weights 1, e^-2, e^-8, of which those inside sum
   to 1. The second channel is flat and stays so. */
static void test_blur(void **state)
{
    const double w1 = exp(-2), w2 = exp(-8);
    const double end = w1 / (1 + w1 + w2), middle = 1 / (1 + 2 * w1);
    const cxai_real planes[] = { 0, 1, 0, 7, 7, 7 },
                    mixed[] = { 0, 7, 1, 7, 0, 7 };
    cxai_shape first = net_shape("1,2,1,3"), last = net_shape("1,1,3,2");
    cxai_real out[6];
    cxai_error error;

    (void)state;
    check_ok(cxai_heatmap_blur(planes, &first, 0, 0.5, out, &error), &error);
    check_close(out, (double[]){ end, middle, end, 7, 7, 7 }, 6, 1e-6);
    check_ok(cxai_heatmap_blur(mixed, &last, 1, 0.5, out, &error), &error);
    check_close(out, (double[]){ end, 7, middle, 7, end, 7 }, 6, 1e-6);
    check_ok(cxai_heatmap_blur(planes, &first, 0, 0, out, &error), &error);
    check_close(out, (double[]){ 0, 1, 0, 7, 7, 7 }, 6, 1e-6);
    /* wider than the picture by far: the mean */
    check_ok(cxai_heatmap_blur(planes, &first, 0, 1e6, out, &error), &error);
    check_close(out, (double[]){ 1. / 3, 1. / 3, 1. / 3, 7, 7, 7 }, 6, 1e-6);
    first.dim[0] = 2;
    check_error(cxai_heatmap_blur(planes, &first, 0, 1, out, &error), &error,
                CXAI_INVALID, "one picture");
}

/* Several baselines are for the method that draws among them. */
static void test_baselines_refused(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_shape shape = net_shape("1,1,4,4");
    const cxai_real x[32] = { 0 };
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    options.baseline = x;
    options.baseline_count = 2;
    check_error(cxai_heatmap_compute(&map, hand_method("deeplift"), model,
                                     &shape, x, &target, 1, &options, &error),
                &error, CXAI_INVALID, "one baseline");
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_deconvnet),
        cmocka_unit_test(test_rectgrad),
        cmocka_unit_test(test_noise_moments),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_fronts),
        cmocka_unit_test(test_deeplift),
        cmocka_unit_test(test_deeplift_maxima),
        cmocka_unit_test(test_deeplift_products),
        cmocka_unit_test(test_gradient_shap),
        cmocka_unit_test(test_linear_paths),
        cmocka_unit_test(test_blur),
        cmocka_unit_test(test_baselines_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
