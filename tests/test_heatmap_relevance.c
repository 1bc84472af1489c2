/*
 * Layer-wise relevance propagation by hand. The numbers are those of captum's
 * tests/attr/test_lrp.py, or follow from the rules. The network of its tests,
 * with a convolution in place of the first linear layer:
 *
 *   x (1,3,1,1) -> Conv 3x3, all 2 -> Relu -> Flatten -> Gemm, all 3: y
 */
#include <math.h>

#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

static const cxai_real x[3] = { 1, 2, 3 };

/* w00: the first weight of the convolution. */
static cxai_model *make_net(double w00)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,3,1,1");
    net_reals(&n, "w", "3,3,1,1", (double[]){ w00, 2, 2, 2, 2, 2, 2, 2, 2 });
    net_reals(&n, "v", "1,3", (double[]){ 3, 3, 3 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Relu", "c", "r", "");
    net_node(&n, "Flatten", "r", "f", "");
    net_node(&n, "Gemm", "f v", "y", "transB=1");
    net_output(&n, "y");
    return net_end(&n);
}

/* preprocess may be NULL. */
static void check_box(double w00, const char *set,
                      const cxai_preprocess *preprocess, const double want[3],
                      double score)
{
    cxai_model *model = make_net(w00);
    cxai_heatmap_options options = cxai_heatmap_defaults();

    options.set = set;
    options.preprocess = preprocess;
    cxai_heatmap map =
        hand_check("lrp", model, "1,3,1,1", x, hand_target(model, "y", 0),
                   &options, want, 3, 1e-4);
    assert_true(fabs(map.score - score) < 1e-4);
    assert_true(fabs(map.delta) < 1e-4);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

static void check_net(double w00, const char *set, const double want[3],
                      double score)
{
    check_box(w00, set, NULL, want, score);
}

static void test_epsilon(void **state)
{
    (void)state;
    check_net(2, "composite=epsilon", (double[]){ 18, 36, 54 }, 108);
}

/* gamma 1 in the convolution, 0.25 behind it. */
static void test_gamma(void **state)
{
    (void)state;
    check_net(-2, "composite=gamma,gamma=1",
              (double[]){ 28.0 / 3, 104.0 / 3, 52 }, 96);
}

static void test_alpha_beta(void **state)
{
    const double want[] = { 12, 33.6, 50.4 };

    (void)state;
    check_net(-2, "composite=alpha_beta,alpha=1", want, 96);
    check_net(-2, "composite=epsilon_plus", want, 96);
}

/* The first channel hands 24, the others 36, to inputs alike. */
static void test_flat_and_square(void **state)
{
    const double want[] = { 32, 32, 32 };

    (void)state;
    check_net(-2, "composite=epsilon_plus_flat", want, 96);
    check_net(-2, "composite=epsilon,input=wsquare", want, 96);
}

/* Box 0..4: the first channel shares 24 by -2 + 8, 4, 6 of 16, the others 36
   by 2, 4, 6 of 12. */
static void test_box(void **state)
{
    (void)state;
    check_net(-2, "composite=epsilon_gamma_box,low=0,high=4",
              (double[]){ 9 + 12, 6 + 24, 9 + 36 }, 96);
}

/* The same, of pictures whose 0..255 become 0..4; by default. */
static void test_box_of_a_preprocessing(void **state)
{
    cxai_shape shape = net_shape("1,3,1,1");
    cxai_preprocess preprocess;
    cxai_error error;

    (void)state;
    check_ok(cxai_preprocess_defaults(&preprocess, &shape, &error), &error);
    preprocess.scale = 4.0 / 255;
    for (int c = 0; c < 3; c++) {
        preprocess.mean[c] = 0;
        preprocess.std[c] = 1;
    }
    check_box(-2, NULL, &preprocess, (double[]){ 9 + 12, 6 + 24, 9 + 36 }, 96);
}

/* What black is in four channels is not known. */
static void test_box_needs_a_picture(void **state)
{
    static const cxai_real four[4 * 2 * 2];
    net n = net_begin(13);
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    net_input(&n, "x", "1,4,2,2");
    net_reals(&n, "w", "1,4,1,1", (double[]){ 1, 2, 2, 2 });
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    cxai_shape shape = net_shape("1,4,2,2");
    check_error(cxai_heatmap_compute(&map, hand_method("lrp"), model, &shape,
                                     four, &target, 1, NULL, &error),
                &error, CXAI_UNSUPPORTED, "give low and high");
    cxai_model_free(&model);
}

/* On Net A, whose biases keep nothing for themselves, it is input x gradient:
   test_lrp_simple_attributions. */
static void test_net_a(void **state)
{
    const double want[] = { 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0 };
    cxai_model *model = hand_net_a();
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_real ramp[16];

    (void)state;
    hand_ramp(ramp);
    options.set = "composite=epsilon,epsilon=0";
    cxai_heatmap map =
        hand_check("lrp", model, "1,1,4,4", ramp, hand_target(model, "y", 0),
                   &options, want, 16, 1e-5);
    assert_true(fabs(map.delta) < 1e-4);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* x + Conv(x): a rule at the input must catch all of the picture. */
static void test_a_way_around_is_refused(void **state)
{
    net n = net_begin(13);
    cxai_heatmap map;
    cxai_error error;
    cxai_heatmap_options options = cxai_heatmap_defaults();

    (void)state;
    net_input(&n, "x", "1,3,1,1");
    net_reals(&n, "w", "3,3,1,1", (double[]){ 1, 2, 2, 2, 2, 2, 2, 2, 2 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Add", "x c", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    cxai_shape shape = net_shape("1,3,1,1");
    options.set = "composite=epsilon_plus_flat";
    check_error(cxai_heatmap_compute(&map, hand_method("lrp"), model, &shape, x,
                                     &target, 1, &options, &error),
                &error, CXAI_UNSUPPORTED, "on every way");
    options.set = "composite=epsilon_plus";
    check_ok(cxai_heatmap_compute(&map, hand_method("lrp"), model, &shape, x,
                                  &target, 1, &options, &error),
             &error);
    assert_true(fabs(map.delta) < 1e-4);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* What is not a number stays so on its way down. */
static void test_not_finite(void **state)
{
    const cxai_real picture[3] = { (cxai_real)NAN, 2, 3 };
    const cxai_shape shape = { 4, { 1, 3, 1, 1 } };
    cxai_model *model = make_net(2);
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    options.set = "composite=epsilon";
    check_ok(cxai_heatmap_compute(&map, hand_method("lrp"), model, &shape,
                                  picture, &target, 1, &options, &error),
             &error);
    assert_int_equal(map.state, CXAI_HEATMAP_NOT_FINITE);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Of Swin's shifted windows no rollout can be made; a CNN has no attention. */
static void test_rollout_needs_attention_between_all_tokens(void **state)
{
    static const struct {
        const char *file, *text;
    } cases[] = {
        { "tests/data/nets/windows.legacy.onnx", "within windows" },
        { "tests/data/nets/windows.dynamo.onnx", "within windows" },
        { "tests/data/nets/plain.legacy.onnx", "has none" },
    };
    static const cxai_real black[3 * 24 * 20];
    cxai_shape shape = net_shape("1,3,24,20");
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    for (int i = 0; i < 3; i++) {
        cxai_model *model;
        check_ok(cxai_model_load(&model, cases[i].file, NULL, &error), &error);
        cxai_target target = cxai_target_channel(cxai_model_logits(model), 0);
        check_error(cxai_heatmap_compute(&map, hand_method("attention_rollout"),
                                         model, &shape, black, &target, 1, NULL,
                                         &error),
                    &error, CXAI_UNSUPPORTED, cases[i].text);
        cxai_model_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epsilon),
        cmocka_unit_test(test_gamma),
        cmocka_unit_test(test_alpha_beta),
        cmocka_unit_test(test_flat_and_square),
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_box_of_a_preprocessing),
        cmocka_unit_test(test_box_needs_a_picture),
        cmocka_unit_test(test_net_a),
        cmocka_unit_test(test_a_way_around_is_refused),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_rollout_needs_attention_between_all_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
