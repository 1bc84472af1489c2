/*
 * Layer and neuron attribution on networks small enough to check by hand.
 * Numbers are those of captum's own tests in tests/attr, named at each test.
 */
#include <math.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

/* Net B at x = (0, 100, 0) from 0: hidden unit 0 opens a tenth of the way. */
static void check_layer(const char *method, const char *layer,
                        const double *want, int64_t count, double tolerance)
{
    cxai_model *model = hand_net_b();
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_real x[] = { 0, 100, 0 };

    options.layer = net_value(model, layer);
    options.steps = 500;
    cxai_heatmap map = hand_check(method, model, "1,3,1,1", x,
                                  hand_target(model, "linear2", 0), &options,
                                  want, count, tolerance);
    assert_int_equal(map.kind, CXAI_HEATMAP_LAYER);
    assert_int_equal(map.layer, options.layer);
    assert_int_equal(map.shape.rank, 3);
    assert_int_equal(map.shape.dim[0], count);
    if (!isnan(
            map.delta)) /* y(x) - y(0) = 392 - 2, all of it through a layer */
        assert_true(fabs(map.delta) < 2 * tolerance);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* test_layer_gradient_x_activation.py, test_simple_input_gradient_activation
   and its twins. */
static void test_layer_gradient_x_activation(void **state)
{
    (void)state;
    check_layer("layer_gradient_x_activation", "linear0",
                (double[]){ 0, 400, 0 }, 3, 1e-6);
    check_layer("layer_gradient_x_activation", "linear1",
                (double[]){ 90, 101, 101, 101 }, 4, 1e-6);
    check_layer("layer_gradient_x_activation", "linear2", (double[]){ 392, 0 },
                2, 1e-6);
}

/* test_layer_conductance.py, test_simple_input_conductance and
   test_simple_linear_conductance. */
static void test_conductance(void **state)
{
    (void)state;
    check_layer("conductance", "linear0", (double[]){ 0, 390, 0 }, 3, 0.2);
    check_layer("conductance", "linear1", (double[]){ 90, 100, 100, 100 }, 4,
                0.2);
}

/* test_internal_influence.py, test_simple_input_internal_inf and
   test_simple_linear_internal_inf. */
static void test_internal_influence(void **state)
{
    (void)state;
    check_layer("internal_influence", "linear0", (double[]){ 3.9, 3.9, 3.9 }, 3,
                0.01);
    check_layer("internal_influence", "linear1", (double[]){ .9, 1, 1, 1 }, 4,
                0.01);
}

/* From linear1 = (-10, 1, 1, 1) to (90, 101, 101, 101): unit 0 opens a tenth
   of its way, the others are open; from relu = (0, 1, 1, 1) on all is linear.
 */
static void test_layer_integrated_gradients(void **state)
{
    (void)state;
    check_layer("layer_integrated_gradients", "linear1",
                (double[]){ 90, 100, 100, 100 }, 4, 0.2);
    check_layer("layer_integrated_gradients", "relu",
                (double[]){ 90, 100, 100, 100 }, 4, 1e-3);
}

/* Neurons are targets: test_neuron_gradient.py, linear2[0] at (0, 100, 0),
   relu[0] and the sum of relu (4 times the mean that a target takes) at (0, 5,
   4), where unit 0 is shut. test_neuron_integrated_gradients.py: linear2[0]
   from 0 is (0, 390, 0). */
static void test_neurons(void **state)
{
    static const struct {
        const char *method, *target;
        cxai_real x[3];
        double want[3];
    } cases[] = {
        { "gradient", "linear2[0]", { 0, 100, 0 }, { 4, 4, 4 } },
        { "gradient", "relu[0]", { 0, 5, 4 }, { 0, 0, 0 } },
        { "gradient", "relu[:]", { 0, 5, 4 }, { .75, .75, .75 } },
        { "integrated_gradients", "linear2[0]", { 0, 100, 0 }, { 0, 390, 0 } },
    };
    cxai_model *model = hand_net_b();
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    cxai_shape input = net_shape("1,3,1,1");
    cxai_target_context context = { .model = model, .shapes = shapes };
    cxai_error error;

    (void)state;
    options.steps = 500;
    check_ok(cxai_model_shapes(model, &input, shapes, &error), &error);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cxai_target target;
        check_ok(cxai_target_parse(&target, &context, cases[i].target, &error),
                 &error);
        cxai_heatmap map =
            hand_check(cases[i].method, model, "1,3,1,1", cases[i].x, target,
                       &options, cases[i].want, 3, i < 3 ? 1e-6 : 0.2);
        cxai_heatmap_clear(&map);
    }
    free(shapes);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_gradient_x_activation),
        cmocka_unit_test(test_conductance),
        cmocka_unit_test(test_internal_influence),
        cmocka_unit_test(test_layer_integrated_gradients),
        cmocka_unit_test(test_neurons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
