/*
 * Heatmaps on networks small enough to check by hand.
 *
 * The numbers of Net A (support/hand.h) are those of captum's own tests in
 * tests/attr, named at each test, or follow from the equations by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

static const cxai_shape picture = { 4, { 1, 1, 4, 4 } };

/* One heatmap of Net A's y[0] at a layer, whose numbers must be want. */
static void check_net_a(const char *name, const char *layer, int raw,
                        const cxai_real *x, const double *want, int64_t count,
                        double tolerance)
{
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    options.layer = layer ? net_value(model, layer) : -1;
    options.raw = raw;
    check_ok(cxai_heatmap_compute(&map, hand_method(name), model, &picture, x,
                                  &target, 1, &options, &error),
             &error);
    assert_int_equal(cxai_shape_count(&map.shape), count);
    assert_int_equal(map.state, CXAI_HEATMAP_OK);
    check_close(map.data, want, count, tolerance);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* layer/test_grad_cam.py, test_simple_input_conv_no_grad, ..._relu: before
   ReLU, as captum has it by default. */
static void test_gradcam_captum(void **state)
{
    const double conv1[] = { 11.25, 13.5, 20.25, 22.5 };
    const double relu1[] = { 0, 4, 28, 32.5 };
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    check_net_a("gradcam", "conv1", 1, x, conv1, 4, 1e-5);
    check_net_a("gradcam", "relu1", 1, x, relu1, 4, 1e-5);
}

/* test_grad_cam.py, test_simple_input_conv_fc_with_final_relu and its twin:
   at the input of conv1 the map is 0.5625 x; with ReLU the negative cell is
   0, and min-max divides by the largest, 15. */
static void test_gradcam_at_the_input(void **state)
{
    double raw[16], scaled[16];
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    x[5] = -4;
    for (int i = 0; i < 16; i++) {
        raw[i] = 0.5625 * (double)x[i];
        scaled[i] = i == 5 ? 0 : i / 15.0;
    }
    check_net_a("gradcam", "x", 1, x, raw, 16, 1e-5);
    check_net_a("gradcam", "x", 0, x, scaled, 16, 1e-6);
}

/* Net A at relu1, A = {0 4 31 40}, {0 0 6 15} and g = 1 1 1 1, 1 -1 -1 -1 by
   the published equations. A resized 2x2 map keeps its numbers in its corners.
   Grad-CAM++: w1 = 4 / (2 + 75 + 1e-6), w2 = 1 / (2 + 21 + 1e-6). */
static void test_maps_by_hand(void **state)
{
    const struct {
        const char *method;
        double corners[4];
    } maps[] = {
        { "gradcam", { 0, .123077, .861538, 1 } },
        { "gradcampp", { 0, .076112, .685419, 1 } },
        { "layercam", { 0, .1, .775, 1 } },
    };
    /* half-pixel bilinear: a quarter and three quarters of the way */
    const double row1[] = { .21538, .24712, .31058, .34231 };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    options.layer = net_value(model, "relu1");
    for (int i = 0; i < 3; i++) {
        cxai_heatmap map;
        cxai_error error;
        check_ok(cxai_heatmap_compute(&map, hand_method(maps[i].method), model,
                                      &picture, x, &target, 1, &options,
                                      &error),
                 &error);
        const cxai_real corners[] = { map.data[0], map.data[3], map.data[12],
                                      map.data[15] };
        check_close(corners, maps[i].corners, 4, 1e-6);
        if (i == 0)
            check_close(map.data + 4, row1, 4, 1e-5);
        assert_true(map.score == 54);
        assert_int_equal(map.layer, options.layer);
        cxai_heatmap_clear(&map);
    }
    cxai_model_free(&model);
}

/* test_guided_backprop.py, test_simple_input_conv_gb;
   test_guided_grad_cam.py, test_simple_input_conv_relu_ggc;
   the gradient of y[0]: one for every window of channel 0 that is active,
   minus one for channel 1's. */
static void test_gradients_captum(void **state)
{
    const double guided[] = { 0, 1, 1, 1, 1, 3, 3, 2, 1, 3, 3, 2, 1, 2, 2, 1 };
    const double product[] = { 0,  0,  4,    4,  0,  0,  12, 8,
                               28, 84, 97.5, 65, 28, 56, 65, 32.5 };
    const double saliency[] = {
        0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0
    };
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    check_net_a("guided_backprop", NULL, 0, x, guided, 16, 1e-6);
    check_net_a("guided_gradcam", "relu1", 0, x, product, 16, 1e-5);
    check_net_a("saliency", NULL, 0, x, saliency, 16, 1e-6);
}

/* x = (2, 3), y = -ReLU6(2 a - b): its gradient reaches the ReLU6 as -1 and
   ends there, whichever way the file writes the bounds; a Clip from -1 on is
   no ReLU and lets it pass. */
static void test_what_is_guided(void **state)
{
    static const struct {
        int opset;
        const char *type, *inputs, *attributes;
        double want[2];
    } cases[] = {
        { 13, "Relu", "c", "", { 0, 0 } },
        { 13, "Clip", "c zero six", "", { 0, 0 } },
        { 13, "Clip", "c minus six", "", { -2, 1 } },
        { 10, "Clip", "c", "min=0.f max=6.f", { 0, 0 } },
        { 10, "Clip", "c", "min=-1.f max=6.f", { -2, 1 } },
    };
    const cxai_shape shape = { 4, { 1, 2, 1, 1 } };
    const cxai_real x[] = { 2, 3 };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n = net_begin(cases[i].opset);
        cxai_heatmap map;
        cxai_error error;
        net_input(&n, "x", "1,2,1,1");
        net_reals(&n, "w", "1,2,1,1", (double[]){ 2, -1 });
        net_reals(&n, "v", "1,1,1,1", (double[]){ -1 });
        net_reals(&n, "zero", "", (double[]){ 0 });
        net_reals(&n, "minus", "", (double[]){ -1 });
        net_reals(&n, "six", "", (double[]){ 6 });
        net_node(&n, "Conv", "x w", "c", "");
        net_node(&n, cases[i].type, cases[i].inputs, "r", cases[i].attributes);
        net_node(&n, "Conv", "r v", "y", "");
        net_output(&n, "y");
        cxai_model *model = net_end(&n);
        cxai_target target = hand_target(model, "y", 0);
        check_ok(cxai_heatmap_compute(&map, hand_method("guided_backprop"),
                                      model, &shape, x, &target, 1, NULL,
                                      &error),
                 &error);
        check_close(map.data, cases[i].want, 2, 0);
        cxai_heatmap_clear(&map);
        cxai_model_free(&model);
    }
}

/* ---- CAM: heads by which a network may end --------------------------------
 */

/* a (1,2,2,3), pooled and classified by w = {1 2}, {3 -4}, in four ways. */
static cxai_model *pooled_net(int head)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,2,2,3");
    net_node(&n, "Relu", "x", "a", "");
    if (head == 0) {
        net_reals(&n, "w", "2,2", (double[]){ 1, 2, 3, -4 });
        net_reals(&n, "b", "2", (double[]){ 5, 6 });
        net_node(&n, "GlobalAveragePool", "a", "p", "");
        net_node(&n, "Flatten", "p", "q", "");
        net_node(&n, "Gemm", "q w b", "y", "transB=1");
    } else if (head == 1) {
        net_reals(&n, "w", "2,2", (double[]){ 1, 3, 2, -4 });
        net_reals(&n, "b", "2", (double[]){ 5, 6 });
        net_node(&n, "ReduceMean", "a", "p", "axes=2,3 keepdims=1");
        net_integers(&n, "s", "2", (int64_t[]){ 1, 2 });
        net_node(&n, "Reshape", "p s", "q", "");
        net_node(&n, "MatMul", "q w", "r", "");
        net_node(&n, "Add", "r b", "y", "");
    } else if (head == 2) {
        net_reals(&n, "w", "2,2,1,1", (double[]){ 1, 2, 3, -4 });
        net_node(&n, "GlobalAveragePool", "a", "p", "");
        net_node(&n, "Dropout", "p", "q", "");
        net_node(&n, "Conv", "q w", "r", "");
        net_node(&n, "Flatten", "r", "y", "");
    } else {
        net_reals(&n, "w", "2,12",
                  (double[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3,
                              1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3 });
        net_node(&n, "Flatten", "a", "q", "");
        net_node(&n, "Gemm", "q w", "y", "transB=1");
    }
    net_output(&n, "y");
    return net_end(&n);
}

/* sum_k w_ck A_k by hand */
static void test_cam_heads(void **state)
{
    const cxai_shape shape = { 4, { 1, 2, 2, 3 } };
    const cxai_real x[] = { 1, 2, 3, 4, -5, 6, 10, 20, -30, 40, 50, 60 };
    const double want[2][6] = { { 21, 42, 3, 84, 100, 126 },
                                { -37, -74, 9, -148, -200, -222 } };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap maps[2];
    cxai_error error;

    (void)state;
    options.raw = 1;
    for (int head = 0; head < 3; head++) {
        cxai_model *model = pooled_net(head);
        cxai_target targets[] = { hand_target(model, "y", 0),
                                  hand_target(model, "y", 1) };
        check_ok(cxai_heatmap_compute(maps, hand_method("cam"), model, &shape,
                                      x, targets, 2, &options, &error),
                 &error);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(maps[i].layer, net_value(model, "a"));
            assert_int_equal(maps[i].shape.dim[0], 2);
            assert_int_equal(maps[i].shape.dim[1], 3);
            check_close(maps[i].data, want[i], 6, 1e-4);
            cxai_heatmap_clear(&maps[i]);
        }
        cxai_model_free(&model);
    }
}

static void test_cam_refused(void **state)
{
    const cxai_shape shape = { 4, { 1, 2, 2, 3 } };
    const cxai_real x[12] = { 1 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    cxai_model *dense = pooled_net(3);
    cxai_target target = hand_target(dense, "y", 0);
    check_error(cxai_heatmap_compute(&map, hand_method("cam"), dense, &shape, x,
                                     &target, 1, NULL, &error),
                &error, CXAI_UNSUPPORTED, "Relu");
    cxai_model_free(&dense);

    cxai_model *model = pooled_net(0);
    target = hand_target(model, "y", 0);
    options.layer = net_value(model, "x");
    check_error(cxai_heatmap_compute(&map, hand_method("cam"), model, &shape, x,
                                     &target, 1, &options, &error),
                &error, CXAI_INVALID, "'a' alone");
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradcam_captum),
        cmocka_unit_test(test_gradcam_at_the_input),
        cmocka_unit_test(test_maps_by_hand),
        cmocka_unit_test(test_gradients_captum),
        cmocka_unit_test(test_what_is_guided),
        cmocka_unit_test(test_cam_heads),
        cmocka_unit_test(test_cam_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
