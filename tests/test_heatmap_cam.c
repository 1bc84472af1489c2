/*
 * The CAM family by hand, on captum's Net A: conv1 of the ramp 0 to 15 is
 * [-5 4 31 40] and [-30 -21 6 15], relu1 cuts that off at 0, and the gradient
 * of y there is [1 1 1 1] and [1 -1 -1 -1]. All four classes of y have the
 * score 54.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

#define PICTURE "1,1,4,4"

/* of decimals as they are printed here */
static const double printed = 1e-4;

static cxai_heatmap_options at_relu1(const cxai_model *model)
{
    cxai_heatmap_options options = cxai_heatmap_defaults();

    options.layer = net_value(model, "relu1");
    options.raw = 1;
    return options;
}

/* The raw map of a method for y, class 0. */
static cxai_heatmap raw_map(const char *method, const char *set,
                            const cxai_real *x)
{
    cxai_model *model = hand_net_a();
    cxai_heatmap_options options = at_relu1(model);
    cxai_target target = hand_target(model, "y", 0);
    cxai_shape shape = net_shape(PICTURE);
    cxai_heatmap map;
    cxai_error error;

    options.set = set;
    check_ok(cxai_heatmap_compute(&map, hand_method(method), model, &shape, x,
                                  &target, 1, &options, &error),
             &error);
    cxai_model_free(&model);
    return map;
}

/* The method's raw map at relu1 is want. */
static void check_raw(const char *method, const char *set, const double want[4])
{
    cxai_real x[16];

    hand_ramp(x);
    cxai_heatmap map = raw_map(method, set, x);
    assert_int_equal(cxai_shape_count(&map.shape), 4);
    check_close(map.data, want, 4, printed);
    cxai_heatmap_clear(&map);
}

/* The same after ReLU and min-max. */
static void check_scaled(const char *method, const double want[4])
{
    cxai_real x[16], high = 0;

    hand_ramp(x);
    cxai_heatmap map = raw_map(method, NULL, x);
    for (int i = 0; i < 4; i++) {
        map.data[i] = map.data[i] > 0 ? map.data[i] : 0;
        high = map.data[i] > high ? map.data[i] : high;
    }
    for (int i = 0; i < 4; i++)
        map.data[i] /= high;
    check_close(map.data, want, 4, printed);
    cxai_heatmap_clear(&map);
}

static void test_gradients(void **state)
{
    (void)state;
    check_scaled("gradcam", (double[]){ 0, .123077, .861538, 1 });
    check_scaled("gradcampp", (double[]){ 0, .076112, .685419, 1 });
    check_scaled("xgradcam", (double[]){ 0, .16, 1, 1 });
    check_raw("hirescam", NULL, (double[]){ 0, 4, 25, 25 });
    check_raw("layercam", NULL, (double[]){ 0, 4, 31, 40 });
    check_raw("elementwise", NULL, (double[]){ 0, 4, 31, 40 });
}

/* Scores 18.4333 and 5.2 of the two masks; without a channel y is 0 (of 54)
   and 75. */
static void test_scores(void **state)
{
    (void)state;
    check_scaled("scorecam", (double[]){ 0, .1, .775, 1 });
    check_scaled("ablationcam", (double[]){ 0, .117073, .839024, 1 });
}

static void test_components(void **state)
{
    const double want[4] = { -19.4419, -15.6549, 11.8392, 23.2576 };

    (void)state;
    check_raw("eigencam", NULL, want);
    check_raw("segeigencam", NULL, want); /* |gradient| is 1 everywhere */
    check_raw("kpcacam", "kernel=linear", want);
}

/* Means 18.75 and 5.25, deviations 17.11 and 6.14: one standard deviation above
   the mean lie 40 and 15. */
static void test_fem(void **state)
{
    (void)state;
    check_raw("fem", "k=1", (double[]){ 0, 0, 0, 18.75 + 5.25 });
    check_raw("fem", "k=1,form=activations", (double[]){ 0, 1, 9.25, 13.75 });
    check_raw("fem", "k=2", (double[]){ 0, 0, 0, 0 });
}

/* Equal logits: similar classes cancel the class, probabilities are 1/4 at
   every position, and the second order of ReST vanishes. */
static void test_equal_classes(void **state)
{
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    cxai_heatmap map = raw_map("reciprocam", NULL, x);
    assert_int_equal(map.state, CXAI_HEATMAP_FLAT);
    assert_true((double)map.data[0] == 0.25);
    cxai_heatmap_clear(&map);
    check_raw("finercam", NULL, (double[]){ 0, 0, 0, 0 });
    check_raw("finercam", "alpha=0", (double[]){ 0, 4, 28, 32.5 });
    check_scaled("shapleycam", (double[]){ 0, .123077, .861538, 1 });
}

/* Of 0.6 times the ramp relu1 is [0 0 0 4] and nothing. Seen through either
   mask it gives the score 0: the channel without a mask has its half, too. */
static void test_constant_channel(void **state)
{
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    for (int i = 0; i < 16; i++)
        x[i] *= (cxai_real)0.6;
    cxai_heatmap map = raw_map("scorecam", NULL, x);
    check_close(map.data, (double[]){ 0, 0, 0, 2 }, 4, 1e-5);
    cxai_heatmap_clear(&map);
}

/* x dy/dx is [0 1 2 3] [0 5 6 7] [0 9 10 11] and zeros; |b dy/db| of the two
   channels [0 50 50 50] and [0 0 75 75]. */
static void test_full_gradient(void **state)
{
    const double product[16] = { 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11 };
    const double top[4] = { 0, .25, .75, 1 }, share[4] = { 0, .25, .75, 1 };
    cxai_real x[16];
    double want[16];

    (void)state;
    hand_ramp(x);
    for (int i = 0; i < 16; i++)
        want[i] = product[i] / 11 + (1 - share[i / 4]) * top[i % 4] +
                  share[i / 4] * 2;
    cxai_heatmap map = raw_map("fullgrad", NULL, x);
    assert_int_equal(cxai_shape_count(&map.shape), 16);
    check_close(map.data, want, 16, 1e-5);
    cxai_heatmap_clear(&map);
}

/* ---- options ------------------------------------------------------------- */

static void check_refused(const char *method, const char *value,
                          const cxai_heatmap_options *options,
                          cxai_status status, const char *words)
{
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, value, 1);
    cxai_shape shape = net_shape(PICTURE);
    cxai_heatmap map;
    cxai_error error;
    cxai_real x[16];

    hand_ramp(x);
    check_error(cxai_heatmap_compute(&map, hand_method(method), model, &shape,
                                     x, &target, 1, options, &error),
                &error, status, words);
    cxai_model_free(&model);
}

static void test_refused(void **state)
{
    cxai_model *model = hand_net_a();
    int layers[2] = { net_value(model, "conv1"), net_value(model, "relu1") };
    cxai_heatmap_options options = cxai_heatmap_defaults();

    (void)state;
    check_refused("finercam", "relu1", NULL, CXAI_UNSUPPORTED, "is none");
    check_refused("shapleycam", "relu1", NULL, CXAI_UNSUPPORTED, "is none");
    options.eigen_smooth = 1;
    check_refused("reciprocam", "y", &options, CXAI_INVALID, "eigen_smooth");
    options.eigen_smooth = 0;
    options.aug_smooth = 1;
    check_refused("saliency", "y", &options, CXAI_INVALID, "aug_smooth");
    options.aug_smooth = 0;
    options.layers = layers;
    options.layer_count = 2;
    check_refused("guided_gradcam", "y", &options, CXAI_INVALID,
                  "does not fuse");
    options.raw = 1;
    check_refused("gradcam", "y", &options, CXAI_INVALID, "cannot be fused");
    cxai_model_free(&model);
}

static int note_progress(int64_t done, int64_t total, void *payload)
{
    int64_t *last = payload;

    assert_true(done >= *last && done <= total);
    *last = done;
    return 0;
}

/* Two layers, six views: the steps of all twelve runs are counted together. */
static void test_runs(void **state)
{
    cxai_model *model = hand_net_a();
    int layers[2] = { net_value(model, "conv1"), net_value(model, "relu1") };
    cxai_target targets[2] = { hand_target(model, "y", 0),
                               hand_target(model, "y", 2) };
    cxai_shape shape = net_shape(PICTURE);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap maps[2];
    cxai_error error;
    cxai_real x[16];
    int64_t last = 0;

    (void)state;
    hand_ramp(x);
    options.layers = layers;
    options.layer_count = 2;
    options.aug_smooth = 1;
    options.progress = note_progress;
    options.payload = &last;
    check_ok(cxai_heatmap_compute(maps, hand_method("gradcam"), model, &shape,
                                  x, targets, 2, &options, &error),
             &error);
    assert_int_equal(last, 12 * 3); /* a forward and two backwards each */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(maps[i].state, CXAI_HEATMAP_OK);
        assert_int_equal(maps[i].layer, layers[0]);
        assert_true(maps[i].score == 54); /* of the picture itself */
        cxai_heatmap_clear(&maps[i]);
    }
    cxai_model_free(&model);
}

/* A NaN in the picture reaches every method's map, and is told. */
static void test_not_finite(void **state)
{
    static const char *const methods[] = { "eigencam", "eigengradcam",
                                           "kpcacam",  "fem",
                                           "hirescam", "fullgrad" };
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    x[5] = (cxai_real)NAN;
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        cxai_heatmap map = raw_map(methods[m], NULL, x);
        if (map.state != CXAI_HEATMAP_NOT_FINITE)
            fail_msg("%s: state %d", methods[m], (int)map.state);
        cxai_heatmap_clear(&map);
    }
}

/* The noisy methods are the same for any batch and any number of threads. */
static void test_batches(void **state)
{
    static const char *const methods[] = { "sscam",       "iscam",
                                           "scorecam",    "smoothgradcampp",
                                           "ablationcam", "reciprocam",
                                           "shapleycam" };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 1);
    cxai_shape shape = net_shape(PICTURE);
    cxai_error error;
    cxai_real x[16];

    (void)state;
    hand_ramp(x);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        cxai_heatmap_options options = at_relu1(model);
        cxai_heatmap maps[2];
        options.samples = 3;
        options.seed = 7;
        for (int i = 0; i < 2; i++) {
            options.batch = i ? 5 : 1;
            options.threads = i ? 2 : 1;
            check_ok(cxai_heatmap_compute(&maps[i], hand_method(methods[m]),
                                          model, &shape, x, &target, 1,
                                          &options, &error),
                     &error);
        }
        assert_memory_equal(maps[0].data, maps[1].data,
                            4 * sizeof *maps[0].data);
        cxai_heatmap_clear(&maps[0]);
        cxai_heatmap_clear(&maps[1]);
    }
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_components),
        cmocka_unit_test(test_fem),
        cmocka_unit_test(test_equal_classes),
        cmocka_unit_test(test_constant_channel),
        cmocka_unit_test(test_full_gradient),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_batches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
