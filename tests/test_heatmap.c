/*
 * Heatmaps on networks small enough to check by hand.
 *
 * The numbers of Net A (support/hand.h) are those of captum's own tests in
 * tests/attr, named at each test, or follow from the equations by hand.
 */
#include <math.h>
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

/* ---- own methods, through the public header --------------------------------
 */

static void one_channel(const cxai_cam_layer *layer, int64_t channel,
                        cxai_real *weighed)
{
    int64_t positions = layer->height * layer->width;
    int64_t first = channel * positions, last = first + positions;
    cxai_real mean = 0;

    for (int64_t i = first; i < last; i++)
        mean += layer->gradients[i] / (cxai_real)positions;
    for (int64_t i = 0; i < layer->channels * positions; i++)
        weighed[i] = i >= first && i < last ? mean * layer->activations[i] : 0;
}

static void first_channel(const cxai_cam_layer *layer, cxai_real *weighed)
{
    one_channel(layer, 0, weighed);
}

static void second_channel(const cxai_cam_layer *layer, cxai_real *weighed)
{
    one_channel(layer, 1, weighed);
}

static cxai_status compute_first(const cxai_heatmap_call *call,
                                 cxai_error *error)
{
    return cxai_heatmap_cam(call, first_channel, error);
}

static cxai_status compute_second(const cxai_heatmap_call *call,
                                  cxai_error *error)
{
    return cxai_heatmap_cam(call, second_channel, error);
}

/* captum, test_grad_cam.py, attr_dim_summation=False: each channel alone. */
static void test_own_method(void **state)
{
    const double want[2][4] = { { -3.75, 3, 23.25, 30 },
                                { 15, 10.5, -3, -7.5 } };
    cxai_heatmap_function *const functions[] = { compute_first,
                                                 compute_second };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    options.raw = 1;
    options.layer = net_value(model, "conv1");
    for (int i = 0; i < 2; i++) {
        cxai_heatmap_method own = { .name = "own",
                                    .title = "Own",
                                    .needs = CXAI_NEEDS_LAYER,
                                    .kind = CXAI_HEATMAP_MAP,
                                    .compute = functions[i] };
        cxai_heatmap map;
        cxai_error error;
        check_ok(cxai_heatmap_compute(&map, &own, model, &picture, x, &target,
                                      1, &options, &error),
                 &error);
        check_close(map.data, want[i], 4, 1e-5);
        cxai_heatmap_clear(&map);
    }
    cxai_model_free(&model);
}

/* What methods may ask of a node. */
static void test_attributes(void **state)
{
    cxai_model *model = hand_net_a();
    int fc = cxai_model_producer(model, net_value(model, "fc"));

    (void)state;
    assert_true(cxai_model_attribute(model, fc, "transB", -1) == 1);
    assert_true(cxai_model_attribute(model, fc, "alpha", -1) == -1);
    cxai_model_free(&model);
}

/* ---- several targets, states, refusals -------------------------------------
 */

/* Targets of several values in one call; each is what it is alone, to the bit,
   and with any number of threads. */
static void test_company(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target targets[] = { hand_target(model, "y", 0),
                              hand_target(model, "relu1", 1),
                              hand_target(model, "y", 0),
                              hand_target(model, "y", 3) };
    cxai_heatmap together[4];
    cxai_error error;
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    targets[2].terms[0].top = 2;
    targets[2].terms[0].top_axis = 1;
    targets[2].terms[0].span[1].count = 0;
    for (int m = 0; cxai_heatmap_table[m]; m++) {
        const cxai_heatmap_method *each = cxai_heatmap_table[m];
        cxai_heatmap_options options = cxai_heatmap_defaults();
        if (strcmp(each->name, "cam") == 0)
            continue; /* Net A has no pooling: test_cam_refused */
        if (each->needs & CXAI_NEEDS_ATTENTION)
            continue; /* nor attention: test_heatmap_relevance.c */
        if (each->needs & CXAI_NEEDS_CLASS)
            continue; /* relu1 is none: test_heatmap_cam.c */
        options.layer = net_value(model, "conv1");
        options.threads = 1;
        check_ok(cxai_heatmap_compute(together, each, model, &picture, x,
                                      targets, 4, &options, &error),
                 &error);
        assert_int_equal(together[2].target.terms[0].span[1].first,
                         1); /* a tie: by index */
        options.threads = 3;
        for (int i = 0; i < 4; i++) {
            cxai_heatmap alone;
            check_ok(cxai_heatmap_compute(&alone, each, model, &picture, x,
                                          &targets[i], 1, &options, &error),
                     &error);
            assert_memory_equal(alone.data, together[i].data,
                                (size_t)cxai_shape_count(&alone.shape) *
                                    sizeof *alone.data);
            assert_true(alone.score == together[i].score);
            assert_int_equal(alone.state, together[i].state);
            cxai_heatmap_clear(&alone);
        }
        for (int i = 0; i < 4; i++)
            cxai_heatmap_clear(&together[i]);
    }
    cxai_model_free(&model);
}

/* y has four equal classes of score 54: a softmax gives each a quarter. */
static void test_score_and_probability(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target targets[] = { hand_target(model, "y", 2),
                              hand_target(model, "conv1", 0) };
    cxai_heatmap maps[2];
    cxai_error error;
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    check_ok(cxai_heatmap_compute(maps, hand_method("saliency"), model,
                                  &picture, x, targets, 2, NULL, &error),
             &error);
    assert_true(maps[0].score == 54);
    assert_true(fabs(maps[0].probability - 0.25) < 1e-12);
    assert_true(maps[1].score == 17.5); /* mean of -5, 4, 31, 40 */
    assert_true(isnan(maps[1].probability));
    assert_true(isnan(maps[0].delta));
    cxai_heatmap_clear(&maps[0]);
    cxai_heatmap_clear(&maps[1]);
    cxai_model_free(&model);
}

static void check_state(cxai_target target, const char *name, int layer,
                        const cxai_model *model, const cxai_real *x,
                        cxai_heatmap_state want)
{
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    options.layer = layer;
    check_ok(cxai_heatmap_compute(&map, hand_method(name), model, &picture, x,
                                  &target, 1, &options, &error),
             &error);
    assert_int_equal(map.state, want);
    if (map.kind == CXAI_HEATMAP_MAP)
        for (int i = 0; want != CXAI_HEATMAP_OK && i < 16; i++)
            assert_true(map.data[i] == 0);
    cxai_heatmap_clear(&map);
}

static void test_states(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0), against = target;
    int conv1 = net_value(model, "conv1"), input = net_value(model, "x");
    cxai_real ramped[16], equal[16], broken[16];

    (void)state;
    hand_ramp(ramped);
    hand_ramp(broken);
    broken[3] = (cxai_real)NAN;
    for (int i = 0; i < 16; i++)
        equal[i] = 9;
    against.terms[0].weight = -1;
    check_state(target, "gradcam", conv1, model, ramped, CXAI_HEATMAP_OK);
    check_state(against, "gradcam", conv1, model, ramped, CXAI_HEATMAP_EMPTY);
    check_state(target, "gradcam", input, model, equal, CXAI_HEATMAP_FLAT);
    check_state(target, "gradcam", input, model, broken,
                CXAI_HEATMAP_NOT_FINITE);
    check_state(target, "integrated_gradients", -1, model, broken,
                CXAI_HEATMAP_NOT_FINITE);
    for (int i = 0; i < 16; i++)
        equal[i] = 0;
    check_state(target, "saliency", -1, model, equal, CXAI_HEATMAP_EMPTY);
    cxai_model_free(&model);
}

static void test_refusals(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target good = hand_target(model, "y", 0), bad = good;
    cxai_shape two = { 4, { 2, 1, 4, 4 } };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_heatmap_method *none;
    cxai_heatmap maps[2];
    cxai_error error;
    cxai_real x[32] = { 0 };

    (void)state;
    check_error(cxai_heatmap_find(&none, "gradcamm", &error), &error,
                CXAI_NOT_FOUND, "gradcam");
    check_error(cxai_heatmap_compute(maps, hand_method("gradcam"), model, &two,
                                     x, &good, 1, NULL, &error),
                &error, CXAI_INVALID, "2x1x4x4");
    check_error(cxai_heatmap_compute(maps, hand_method("gradcam"), model,
                                     &picture, x, &good, 0, NULL, &error),
                &error, CXAI_INVALID, "no target");
    bad.terms[0].span[1].first = 4;
    cxai_target both[] = { good, bad };
    check_error(cxai_heatmap_compute(maps, hand_method("gradcam"), model,
                                     &picture, x, both, 2, NULL, &error),
                &error, CXAI_INVALID, "0 to 3");
    assert_null(maps[0].data);
    options.layer = net_value(model, "fc");
    check_error(cxai_heatmap_compute(maps, hand_method("gradcam"), model,
                                     &picture, x, &good, 1, &options, &error),
                &error, CXAI_INVALID, "1x4");
    options.layer = -1;
    options.steps = -1;
    check_error(cxai_heatmap_compute(maps, hand_method("integrated_gradients"),
                                     model, &picture, x, &good, 1, &options,
                                     &error),
                &error, CXAI_INVALID, "steps");
    options.samples = -1;
    check_error(cxai_heatmap_compute(maps, hand_method("smoothgrad"), model,
                                     &picture, x, &good, 1, &options, &error),
                &error, CXAI_INVALID, "samples");
    cxai_model_free(&model);
}

typedef struct counter {
    int64_t last, total, stop;
    int calls, ordered;
} counter;

static int count_progress(int64_t done, int64_t total, void *payload)
{
    counter *c = payload;

    c->ordered = c->calls == 0 ? done == 0 : c->ordered && done > c->last;
    c->calls++;
    c->last = done;
    c->total = total;
    return done == c->stop;
}

/* Every method counts from 0 to its total, and can be stopped. */
static void test_progress(void **state)
{
    cxai_model *model = hand_net_a();
    cxai_target targets[] = { hand_target(model, "y", 0),
                              hand_target(model, "y", 1) };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap maps[2];
    cxai_error error;
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    options.layer = net_value(model, "conv1");
    options.progress = count_progress;
    for (int m = 0; cxai_heatmap_table[m]; m++) {
        const cxai_heatmap_method *each = cxai_heatmap_table[m];
        if (strcmp(each->name, "cam") == 0 ||
            each->needs & CXAI_NEEDS_ATTENTION)
            continue;
        counter c = { .stop = -1 };
        options.payload = &c;
        check_ok(cxai_heatmap_compute(maps, each, model, &picture, x, targets,
                                      2, &options, &error),
                 &error);
        assert_true(c.calls >= 2 && c.ordered);
        assert_int_equal(c.last, c.total);
        for (int i = 0; i < 2; i++)
            cxai_heatmap_clear(&maps[i]);
        c = (counter){ .stop = c.total };
        check_error(cxai_heatmap_compute(maps, each, model, &picture, x,
                                         targets, 2, &options, &error),
                    &error, CXAI_STOPPED, each->title);
        assert_null(maps[0].data);
        assert_null(maps[1].data);
    }
    cxai_model_free(&model);
}

/* A map of 2 with 10 in the middle, 3 x 3, over 4 x 4 pixels: the inner ones
   lie .625 towards the middle, so the largest is 2 + 8 * .625^2, the
   smallest 2. */
static cxai_status peak(const cxai_heatmap_call *call, cxai_error *error)
{
    static const cxai_real map[] = { 2, 2, 2, 2, 10, 2, 2, 2, 2 };

    return cxai_heatmap_set_map(call, 0, map, 3, 3, error);
}

static void test_scale_of_a_map(void **state)
{
    static const cxai_heatmap_method method = { .name = "peak",
                                                .compute = peak };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap map;
    cxai_real x[16], shown[16];
    double unit[2];
    cxai_error error;

    (void)state;
    hand_ramp(x);
    check_ok(cxai_heatmap_compute(&map, &method, model, &picture, x, &target, 1,
                                  NULL, &error),
             &error);
    assert_true(map.minimum == 2 && map.maximum == 10);
    assert_true(fabs(map.low - 2) < 1e-6 && fabs(map.high - 5.125) < 1e-6);
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, unit, &error),
             &error);
    assert_true(unit[0] == map.low && unit[1] == map.high);
    assert_true(shown[0] == 0 && shown[5] == 1);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Summed over channels: 1 -2 3, 4 -5 100; magnitudes ascending 1 2 3 4 5 100
   of total 115: 98 % (112.7) is first reached at 100. With 100 times 0.01,
   total 16, it is reached at 5. */
static void test_display(void **state)
{
    cxai_real data[] = { 1, -1, 1, 1, -2, 50, 0, -1, 2, 3, -3, 50 }, shown[6];
    double unit[2];
    cxai_heatmap map = { .data = data,
                         .shape = { 3, { 2, 2, 3 } },
                         .kind = CXAI_HEATMAP_ATTRIBUTION };
    cxai_error error;

    (void)state;
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[]){ .01, -.02, .03, .04, -.05, 1 }, 6, 1e-7);
    data[5] = data[11] = (cxai_real)0.5;
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[]){ .2, -.4, .6, .8, -1, .2 }, 6, 1e-7);
    check_ok(
        cxai_heatmap_display(&map, CXAI_SIGN_ABSOLUTE, shown, unit, &error),
        &error);
    assert_true(unit[0] == 0 && unit[1] == 5);
    check_close(shown, (double[]){ .2, .4, .6, .8, 1, .2 }, 6, 1e-7);
    check_ok(
        cxai_heatmap_display(&map, CXAI_SIGN_POSITIVE, shown, NULL, &error),
        &error);
    check_close(shown, (double[]){ .25, 0, .75, 1, 0, .25 }, 6, 1e-7);
    memset(data, 0, sizeof data);
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[6]){ 0 }, 6, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradcam_captum),
        cmocka_unit_test(test_gradcam_at_the_input),
        cmocka_unit_test(test_maps_by_hand),
        cmocka_unit_test(test_gradients_captum),
        cmocka_unit_test(test_what_is_guided),
        cmocka_unit_test(test_integrated_gradients),
        cmocka_unit_test(test_integrated_gradients_of_relus),
        cmocka_unit_test(test_integrated_gradients_baseline),
        cmocka_unit_test(test_smoothgrad),
        cmocka_unit_test(test_cam_heads),
        cmocka_unit_test(test_cam_refused),
        cmocka_unit_test(test_own_method),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_company),
        cmocka_unit_test(test_score_and_probability),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_scale_of_a_map),
        cmocka_unit_test(test_display),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
