/* Synthesis end to end, on networks whose best pictures are known. */
#include "cxai/synthesis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../explain/synthesis/redirect.h"
#include "cxai/activations.h"
#include "graph/graph.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/net.h"
#include "support/synthesis.h"

/* One 3x3 convolution of a 6x6 picture to two channels, the second being minus
   the first. */
static cxai_model *linear_model(void)
{
    static const double w[18] = { 2,  -1, 0, 1,  -3, 1,  0, 2,  -1,
                                  -2, 1,  0, -1, 3,  -1, 0, -2, 1 };
    net n = net_begin(13);
    net_input(&n, "x", "0,1,6,6");
    net_reals(&n, "w", "2,1,3,3", w);
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* Of all pictures in 0..1 the best is 1 where the sum of the weights over a
   pixel is positive: 1.6875 and .6875, calculated by hand. */
static void a_linear_network_reaches_its_optimum(void **state)
{
    static const double best[2] = { 1.6875, .6875 };
    cxai_model *model = linear_model();
    cxai_synthesis_options o = synthesis_plain(512);

    (void)state;
    for (int plain = 0; plain < 2; plain++)
        for (int channel = 0; channel < 2; channel++) {
            cxai_target target = synthesis_target(model, "y", channel);
            o.plain_pixels = plain;
            cxai_synthesis made = synthesis_make(model, &target, &o);
            const cxai_synthesis_outcome *got = made.outcomes;
            assert_int_equal(got->status, CXAI_SYNTHESIS_OK);
            assert_true(got->activation_after >= .95 * best[channel]);
            assert_true(got->activation_after <= best[channel] + 1e-5);
            assert_true(got->activation_before < got->activation_after);
            assert_true(got->objective == got->activation_after);
            assert_int_equal(cxai_shape_count(&made.shape), 36);
            cxai_synthesis_free(&made);
        }
    cxai_model_free(&model);
}

/* Channel 0 less channel 1 is twice channel 0: its optimum is 3.375. */
static void a_direction_is_a_sum_of_targets(void **state)
{
    cxai_model *model = linear_model();
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target targets[2] = { synthesis_target(model, "y", 0),
                               synthesis_target(model, "y", 1) };
    cxai_objective objective = { targets, 2 };
    cxai_synthesis made;
    cxai_error error;

    (void)state;
    targets[1].terms[0].weight = -1;
    check_ok(cxai_synthesize(&made, model, NULL, &objective, 1, &o, &error),
             &error);
    assert_true(made.outcomes[0].activation_after >= .95 * 3.375);
    assert_true(made.outcomes[0].activation_after <= 3.375 + 1e-5);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

/* The neuron at 2,1 sees rows 2..4 and columns 1..3 alone, and likes the
   pixels with positive weights: 2 + 1 + 1 + 2 = 6. */
static void a_neuron_sees_its_own_pixels(void **state)
{
    cxai_model *model = linear_model();
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target target = synthesis_target(model, "y", 0);

    (void)state;
    target.terms[0].span[2] = (cxai_span){ 2, 1 };
    target.terms[0].span[3] = (cxai_span){ 1, 1 };
    o.plain_pixels = 1;
    o.deviation = 0;
    cxai_synthesis made = synthesis_make(model, &target, &o);
    assert_true(made.outcomes[0].activation_after >= .95 * 6);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 6; x++)
            if (y < 2 || y > 4 || x < 1 || x > 3)
                assert_true(made.pictures[y * 6 + x] == (cxai_real)0.5);
    assert_true(made.pictures[2 * 6 + 1] > (cxai_real)0.95); /* weight 2 */
    assert_true(made.pictures[3 * 6 + 2] < (cxai_real)0.05); /* weight -3 */
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

static void a_seed_decides_every_bit(void **state)
{
    cxai_model *model = linear_model();
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_synthesis_options o = cxai_synthesis_defaults();

    (void)state;
    o.steps = 20;
    o.jitter = 2;
    o.threads = 1;
    cxai_synthesis one = synthesis_make(model, &target, &o);
    o.threads = 2;
    cxai_synthesis two = synthesis_make(model, &target, &o);
    o.seed = 1;
    cxai_synthesis other = synthesis_make(model, &target, &o);
    assert_memory_equal(one.pictures, two.pictures, 36 * sizeof(cxai_real));
    assert_memory_not_equal(one.pictures, other.pictures,
                            36 * sizeof(cxai_real));
    cxai_synthesis_free(&one);
    cxai_synthesis_free(&two);
    cxai_synthesis_free(&other);
    cxai_model_free(&model);
}

/* Three pictures in rounds of two are those that are made one by one. */
static void company_changes_nothing(void **state)
{
    cxai_model *model = linear_model();
    cxai_synthesis_options o = cxai_synthesis_defaults();
    cxai_target targets[3] = { synthesis_target(model, "y", 1),
                               synthesis_target(model, "y", 0),
                               synthesis_target(model, "y", 1) };
    cxai_objective objectives[3];
    cxai_synthesis all;
    cxai_error error;

    (void)state;
    targets[2].terms[0].weight = -1;
    for (int i = 0; i < 3; i++)
        objectives[i] = (cxai_objective){ &targets[i], 1 };
    o.steps = 20;
    o.batch = 2;
    check_ok(cxai_synthesize(&all, model, NULL, objectives, 3, &o, &error),
             &error);
    assert_int_equal(all.shape.dim[0], 3);
    for (int i = 0; i < 3; i++) {
        cxai_synthesis one = synthesis_make(model, &targets[i], &o);
        assert_memory_equal(one.pictures, all.pictures + 36 * i,
                            36 * sizeof(cxai_real));
        assert_true(one.outcomes[0].activation_after ==
                    all.outcomes[i].activation_after);
        cxai_synthesis_free(&one);
    }
    cxai_synthesis_free(&all);
    cxai_model_free(&model);
}

/* A network that takes blue, green, red as (p - 128) / 64, and whose channel 0
   is its first: blue. */
static cxai_model *blue_model(int interleaved)
{
    net n = net_begin(13);
    net_input(&n, "x", interleaved ? "1,4,4,3" : "1,3,4,4");
    net_reals(&n, "w", "1,3,1,1", (double[]){ 1, 0, 0 });
    if (interleaved)
        net_node(&n, "Transpose", "x", "t", "perm=0,3,1,2");
    net_node(&n, "Conv", interleaved ? "t w" : "x w", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

static void check_blue(int interleaved)
{
    cxai_model *model = blue_model(interleaved);
    cxai_preprocess p = { .width = 4,
                          .height = 4,
                          .channels = CXAI_BGR,
                          .layout = interleaved ? CXAI_NHWC : CXAI_NCHW,
                          .scale = 1,
                          .mean = { 128, 128, 128 },
                          .std = { 64, 64, 64 } };
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_objective objective = { &target, 1 };
    cxai_synthesis made;
    cxai_error error;

    o.plain_pixels = o.plain_colour = 1;
    o.deviation = 0;
    check_ok(cxai_synthesize(&made, model, &p, &objective, 1, &o, &error),
             &error);
    assert_true(fabs(made.outcomes[0].activation_before + .5 / 64) < 1e-6);
    for (int i = 0; i < 16; i++) {
        assert_true(made.pictures[i] == (cxai_real)0.5);
        assert_true(made.pictures[16 + i] == (cxai_real)0.5);
        assert_true(made.pictures[32 + i] > (cxai_real)0.95);
    }
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

static void channels_go_through_the_preprocessing(void **state)
{
    (void)state;
    check_blue(0);
    check_blue(1);
}

static void penalties_are_subtracted(void **state)
{
    cxai_model *model = linear_model();
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_synthesis_options o = synthesis_plain(200);

    (void)state;
    o.l2 = 1000; /* wins: grey, 1/2 everywhere */
    cxai_synthesis made = synthesis_make(model, &target, &o);
    for (int i = 0; i < 36; i++)
        assert_true(fabs((double)made.pictures[i] - .5) < .01);
    assert_true(made.outcomes[0].objective < made.outcomes[0].activation_after);
    cxai_synthesis_free(&made);
    o.l2 = 0;
    o.total_variation = 1000; /* flat */
    made = synthesis_make(model, &target, &o);
    for (int i = 1; i < 36; i++)
        assert_true(fabs((double)(made.pictures[i] - made.pictures[0])) < .02);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

static void what_is_not_finite_is_said(void **state)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,1,2,2");
    net_reals(&n, "w", "1,1,1,1", (double[]){ (double)NAN });
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_synthesis_options o = synthesis_plain(3);

    (void)state;
    cxai_synthesis made = synthesis_make(model, &target, &o);
    assert_int_equal(made.outcomes[0].status, CXAI_SYNTHESIS_NOT_FINITE);
    for (int i = 0; i < 4; i++)
        assert_true(isfinite((double)made.pictures[i]));
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

/* The embedded network takes what is made for class 88, macaw, for a macaw,
   without any view of it being changed. */
static void the_network_recognises_its_class(void **state)
{
    const char *path = "data/efficientnet-lite0.int8.onnx";
    cxai_model *model;
    cxai_preprocess p;
    cxai_error error;
    cxai_activations logits;
    int top;

    (void)state;
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    check_ok(cxai_preprocess_for_model(&p, model, path, &error), &error);
    cxai_synthesis_options o = cxai_synthesis_defaults();
    cxai_target target = synthesis_target(model, "logits", 88);
    cxai_objective objective = { &target, 1 };
    cxai_synthesis made;
    o.steps = effort(24, 4, "steps");
    o.threads = 1;
    check_ok(cxai_synthesize(&made, model, &p, &objective, 1, &o, &error),
             &error);

    cxai_shape shape = cxai_preprocess_shape(&p, 1);
    size_t area = (size_t)(p.height * p.width);
    for (int c = 0; c < 3; c++) {
        double gain, bias;
        cxai_preprocess_affine(&p, c, &gain, &bias, NULL); /* RGB */
        for (size_t i = 0; i < area; i++) {
            cxai_real *at = &made.pictures[(size_t)c * area + i];
            *at = (cxai_real)(gain * 255 * (double)*at + bias);
        }
    }
    check_ok(cxai_activations_compute(&logits, model, target.value,
                                      made.pictures, &shape, 0, 0, &error),
             &error);
    cxai_channel_statistics *each = calloc(1000, sizeof *each);
    assert_non_null(each);
    cxai_activations_statistics(&logits, each);
    cxai_activations_top(each, 1000, CXAI_BY_MEAN, 1, &top);
    assert_int_equal(top, 88);
    /* float: the same network on the same picture, batch 1 */
    assert_true(fabs(each[88].mean - made.outcomes[0].activation_after) <
                1e-4 * each[88].mean);
    assert_true(made.outcomes[0].activation_before < 5);
    free(each);
    cxai_activations_free(&logits);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

static void memory_is_limited(void **state)
{
    cxai_model *model = linear_model();
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_objective objective = { &target, 1 };
    cxai_synthesis_options o = synthesis_plain(1);
    cxai_synthesis made;
    cxai_error error;

    (void)state;
    o.max_bytes = 64;
    check_error(cxai_synthesize(&made, model, NULL, &objective, 1, &o, &error),
                &error, CXAI_LIMIT, "");
    assert_null(made.pictures);
    cxai_model_free(&model);
}

typedef struct told {
    int calls;
    int64_t last, total;
    double first_objective, objective;
} told;

static int stop_at_5(int64_t done, int64_t total, double objective,
                     void *payload)
{
    told *l = payload;
    l->calls++;
    assert_int_equal(done, l->last + 1);
    if (done == 1)
        l->first_objective = objective;
    l->last = done;
    l->total = total;
    l->objective = objective;
    return done == 5;
}

static void progress_is_told_and_may_stop(void **state)
{
    cxai_model *model = linear_model();
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_objective objective = { &target, 1 };
    cxai_synthesis_options o = synthesis_plain(9);
    cxai_synthesis made;
    cxai_error error;
    told l = { 0 };

    (void)state;
    o.progress = stop_at_5;
    o.payload = &l;
    check_error(cxai_synthesize(&made, model, NULL, &objective, 1, &o, &error),
                &error, CXAI_STOPPED, "step 5 of 9");
    assert_null(made.pictures);
    assert_int_equal(l.calls, 5);
    assert_int_equal(l.total, 9);
    assert_true(l.objective > l.first_objective);
    cxai_model_free(&model);
}

static void refused(const cxai_model *model, const cxai_target *target,
                    const cxai_synthesis_options *options, const char *text)
{
    cxai_objective objective = { target, 1 };
    cxai_synthesis made;
    cxai_error error;
    check_error(
        cxai_synthesize(&made, model, NULL, &objective, 1, options, &error),
        &error, CXAI_INVALID, text);
    assert_null(made.pictures);
    assert_null(made.outcomes);
}

static void nonsense_is_refused(void **state)
{
    static const int channels[] = { 2, -1, 99 };
    cxai_model *model = linear_model();
    cxai_synthesis_options o = synthesis_plain(1);
    cxai_target target = synthesis_target(model, "y", 0);
    cxai_shape shape;
    cxai_error error;

    (void)state;
    for (int i = 0; i < 3; i++) {
        cxai_target wrong = synthesis_target(model, "y", channels[i]);
        refused(model, &wrong, &o, "0 to 1");
    }
    cxai_target far = target;
    far.terms[0].span[2] = (cxai_span){ 4, 1 };
    refused(model, &far, &o, "rows are 0 to 3");
    o.height = 7;
    refused(model, &target, &o, "at most 6");
    o = synthesis_plain(0);
    refused(model, &target, &o, "steps");
    o = synthesis_plain(1);
    o.l2 = (double)NAN;
    refused(model, &target, &o, "l2");
    cxai_target weight = cxai_target_channel(net_value(model, "w"), 0);
    o = synthesis_plain(1);
    refused(model, &weight, &o, "");

    check_ok(
        cxai_synthesis_shape(&shape, model, NULL, target.value, NULL, &error),
        &error);
    cxai_shape want = net_shape("1,2,4,4");
    assert_true(cxai_shape_equal(&shape, &want));
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_network_reaches_its_optimum),
        cmocka_unit_test(a_direction_is_a_sum_of_targets),
        cmocka_unit_test(a_neuron_sees_its_own_pixels),
        cmocka_unit_test(a_seed_decides_every_bit),
        cmocka_unit_test(company_changes_nothing),
        cmocka_unit_test(channels_go_through_the_preprocessing),
        cmocka_unit_test(penalties_are_subtracted),
        cmocka_unit_test(what_is_not_finite_is_said),
        cmocka_unit_test(the_network_recognises_its_class),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(progress_is_told_and_may_stop),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
