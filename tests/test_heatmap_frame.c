/* What holds for every heatmap method: several targets, states, refusals,
   progress, scales; and methods of a caller's own. Networks are small enough to
   check by hand (support/hand.h). */
#include <math.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

static const cxai_shape picture = { 4, { 1, 1, 4, 4 } };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_method),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_company),
        cmocka_unit_test(test_score_and_probability),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
