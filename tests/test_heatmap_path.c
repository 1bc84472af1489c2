/* Integrated gradients and SmoothGrad on networks small enough to check by hand
   (support/hand.h): numbers of captum's and PAIR's own tests, named at each
   test, or that follow from the equations. */
#include <math.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

static const cxai_shape picture = { 4, { 1, 1, 4, 4 } };

/*
 * Net A is piecewise linear: along a x a window of sum s is active in channel
 * c from a = -b_c / s on. Each pixel's integral is its value times, over its
 * windows, (1 - 50/s) for channel 0 where s > 50, less (1 - 75/s) for channel 1
 * where s > 75; but the last ReLU shuts nothing, as y > 0 from 50/90 on. The
 * quadrature meets kinks, so its error falls only as 1 / steps.
 */
static void test_integrated_gradients(void **state)
{
    const double row1[] = { 1.2346, 3.3025, 3.9630, 2.4630 };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;
    cxai_real x[16];
    double sum = 0;

    (void)state;
    hand_ramp(x);
    options.steps = 2000;
    check_ok(cxai_heatmap_compute(&map, hand_method("integrated_gradients"),
                                  model, &picture, x, &target, 1, &options,
                                  &error),
             &error);
    check_close(map.data + 4, row1, 4, 0.01);
    for (int i = 0; i < 16; i++)
        sum += (double)map.data[i];
    assert_true(fabs(sum - 54) < 0.05);
    /* y(0) = 0, so the delta is what the sum misses 54 by */
    assert_true(fabs(map.delta - (sum - 54)) < 1e-4);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* captum, test_integrated_gradients_basic.py: relu(relu(a) - 1 - relu(b)) at
   (3, 1). */
static void test_integrated_gradients_of_relus(void **state)
{
    net n = net_begin(13);
    cxai_shape shape = net_shape("1,2,1,1");
    cxai_real x[] = { 3, 1 };
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "w", "1,2,1,1", (double[]){ 1, -1 });
    net_reals(&n, "b", "1", (double[]){ -1 });
    net_node(&n, "Relu", "x", "r", "");
    net_node(&n, "Conv", "r w b", "c", "");
    net_node(&n, "Relu", "c", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    check_ok(cxai_heatmap_compute(&map, hand_method("integrated_gradients"),
                                  model, &shape, x, &target, 1, NULL, &error),
             &error);
    check_close(map.data, (double[]){ 1.5, -0.5 }, 2, 0.05);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* PAIR saliency, core/integrated_gradients_test.py, its first two terms:
   5 a + b^2 from (.5, 1) to (1, 2) gives 2.5 and 3; exact, being a
   polynomial. */
static void test_integrated_gradients_baseline(void **state)
{
    net n = net_begin(13);
    cxai_shape shape = net_shape("1,2,1,1");
    cxai_real x[] = { 1, 2 }, baseline[] = { (cxai_real).5, 1 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "u", "1,2,1,1", (double[]){ 5, 0 });
    net_reals(&n, "v", "1,2,1,1", (double[]){ 0, 1 });
    net_node(&n, "Mul", "x x", "square", "");
    net_node(&n, "Conv", "x u", "p", "");
    net_node(&n, "Conv", "square v", "q", "");
    net_node(&n, "Add", "p q", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    options.baseline = baseline;
    options.steps = 3;
    check_ok(cxai_heatmap_compute(&map, hand_method("integrated_gradients"),
                                  model, &shape, x, &target, 1, &options,
                                  &error),
             &error);
    check_close(map.data, (double[]){ 2.5, 3 }, 2, 1e-6);
    assert_true(fabs(map.delta) < 1e-5);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Without noise SmoothGrad is the gradient; in a linear network with it, too.
   Of the square x^2 it is the mean of 2 (x + noise), which for noise s and n
   samples has standard deviation 2 s / sqrt(n) around 2 x. */
static void test_smoothgrad(void **state)
{
    net n = net_begin(13);
    cxai_shape shape = net_shape("1,1,16,16");
    cxai_real x[256];
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;
    double mean = 0, square = 0;

    (void)state;
    net_input(&n, "x", "1,1,16,16");
    net_node(&n, "Mul", "x x", "square", "");
    net_node(&n, "GlobalAveragePool", "square", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    for (int i = 0; i < 256; i++)
        x[i] = (cxai_real)(0.01 * i);
    options.samples = 40;
    options.noise = 0.5;
    check_ok(cxai_heatmap_compute(&map, hand_method("smoothgrad"), model,
                                  &shape, x, &target, 1, &options, &error),
             &error);
    for (int i = 0; i < 256; i++) {
        double error_of = (double)map.data[i] * 256 - 2 * (double)x[i];
        mean += error_of / 256;
        square += error_of * error_of / 256;
    }
    /* four standard errors of a mean, and of a variance, over 256 elements */
    double deviation = 2 * 0.5 / sqrt(40);
    assert_true(fabs(mean) < 4 * deviation / 16);
    assert_true(fabs(square / (deviation * deviation) - 1) < 4 * sqrt(2) / 16);
    cxai_heatmap_clear(&map);

    options.noise = 0;
    check_ok(cxai_heatmap_compute(&map, hand_method("smoothgrad"), model,
                                  &shape, x, &target, 1, &options, &error),
             &error);
    for (int i = 0; i < 256; i++)
        assert_true(fabs((double)map.data[i] * 256 - 2 * (double)x[i]) < 1e-5);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integrated_gradients),
        cmocka_unit_test(test_integrated_gradients_of_relus),
        cmocka_unit_test(test_integrated_gradients_baseline),
        cmocka_unit_test(test_smoothgrad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
