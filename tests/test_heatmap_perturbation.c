/*
 * Methods that remove parts of the picture: by hand, in parts of the work, and
 * in channels-last pictures. Other libraries' numbers are compared with in
 * test_heatmap_reference.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

/* y = sum of w x for x (1,1,4,4), w = 0..15. */
static cxai_model *weighted_sum(void)
{
    net n = net_begin(13);
    double weights[16];

    for (int i = 0; i < 16; i++)
        weights[i] = i;
    net_input(&n, "x", "0,1,4,4");
    net_reals(&n, "w", "1,1,4,4", weights);
    net_node(&n, "Conv", "x w", "conv", "");
    net_node(&n, "Flatten", "conv", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* captum's tests/attr/test_occlusion.py: test_simple_input with windows of 1
   and 2; the last window of 2 hangs over the end. */
static void test_occlusion_captum(void **state)
{
    const cxai_real x[] = { 20, 50, 30 };
    const double by_one[] = { 80, 200, 120 }, by_two[] = { 280, 280, 120 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_model *model = hand_net_b();
    cxai_target target = hand_target(model, "linear2", 0);
    cxai_heatmap map;

    (void)state;
    options.set = "window=1,stride=1";
    map = hand_check("occlusion", model, "1,1,1,3", x, target, &options, by_one,
                     3, 1e-4);
    cxai_heatmap_clear(&map);
    options.set = "window=2,stride=2";
    map = hand_check("occlusion", model, "1,1,1,3", x, target, &options, by_two,
                     3, 1e-4);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* saliency's core/occlusion_test.py: y = 3 sum(x), ones at (1,1) and (3,3) of
   5x5, windows of 3. It sums where captum averages: row 0 is 3 6 6 3 0 and the
   middle 24 there, over 1 2 3 2 1 and 9 windows. */
static void test_occlusion_saliency(void **state)
{
    net n = net_begin(13);
    cxai_real x[25] = { 0 };
    const double threes[25] = { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
                                3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 };
    const double row[] = { 3, 6, 6, 3, 0 }, windows[] = { 1, 2, 3, 2, 1 };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_shape picture = { 4, { 1, 1, 5, 5 } };
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    net_input(&n, "x", "0,1,5,5");
    net_reals(&n, "w", "1,1,5,5", threes);
    net_node(&n, "Conv", "x w", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = hand_target(model, "y", 0);
    x[6] = x[18] = 1;
    options.set = "window=3,stride=1";
    check_ok(cxai_heatmap_compute(&map, hand_method("occlusion"), model,
                                  &picture, x, &target, 1, &options, &error),
             &error);
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)map.data[i] * windows[i] - row[i]) < 1e-5);
    assert_true(fabs((double)map.data[12] * 9 - 24) < 1e-5);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Where the score is a sum, what a region adds is its part of the sum: Shapley
   values are that, whatever sets were drawn, and so is ablation. */
static void test_sums(void **state)
{
    cxai_real x[16];
    double want[16], rows[16];
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_model *model = weighted_sum();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap map;

    (void)state;
    hand_ramp(x);
    for (int i = 0; i < 16; i++)
        want[i] = i * i;
    options.set = "grid=4";
    options.samples = 101;
    map = hand_check("kernelshap", model, "1,1,4,4", x, target, &options, want,
                     16, 1e-3);
    cxai_heatmap_clear(&map);
    map = hand_check("feature_ablation", model, "1,1,4,4", x, target, &options,
                     want, 16, 1e-3);
    cxai_heatmap_clear(&map);
    /* one region: all of the score */
    for (int i = 0; i < 16; i++)
        rows[i] = 1240;
    options.set = "grid=1";
    map = hand_check("kernelshap", model, "1,1,4,4", x, target, &options, rows,
                     16, 1e-3);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Fewer sets than regions: still the whole change of the score. */
static void test_few_sets(void **state)
{
    cxai_real x[16];
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_shape picture = { 4, { 1, 1, 4, 4 } };
    cxai_model *model = weighted_sum();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap map;
    cxai_error error;
    double sum = 0;

    (void)state;
    hand_ramp(x);
    options.set = "grid=4";
    options.samples = 4;
    check_ok(cxai_heatmap_compute(&map, hand_method("kernelshap"), model,
                                  &picture, x, &target, 1, &options, &error),
             &error);
    for (int i = 0; i < 16; i++)
        sum += (double)map.data[i];
    assert_true(fabs(sum - 1240) < 1e-2);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* ---- parts of the work ---- */

typedef struct fixture {
    cxai_model *model;
    cxai_shape shape;
    cxai_real x[3 * 12 * 16];
    cxai_target target;
} fixture;

static int setup(void **state)
{
    static fixture f;
    cxai_error error;

    f.shape = net_shape("1,3,12,16");
    check_ok(cxai_model_load(&f.model, "tests/data/nets/basic.legacy.onnx",
                             NULL, &error),
             &error);
    for (int i = 0; i < 3 * 12 * 16; i++)
        f.x[i] = (cxai_real)sin(0.7 * i);
    f.target = cxai_target_channel(cxai_model_logits(f.model), 3);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    cxai_model_free(&((fixture *)*state)->model);
    return 0;
}

static const struct part {
    const char *name, *set;
    int samples; /* of the whole */
    int extra;   /* passes that come before the samples */
} parts[] = {
    { "rise", "cells=3", 30, 0 },
    { "lime", "grid=3", 30, 0 },
    { "kernelshap", "grid=4", 30, 1 },
    { "hsic", "grid=3", 30, 0 },
    { "sobol", "grid=2", 7, 0 },
    { "occlusion", "window=4,stride=2", 0, 0 },
    { "feature_ablation", "grid=4", 0, 0 },
};
enum { part_count = sizeof parts / sizeof *parts };

static cxai_status explain(const fixture *f, const char *name,
                           const cxai_heatmap_options *options,
                           cxai_heatmap *map, cxai_error *error)
{
    return cxai_heatmap_compute(map, hand_method(name), f->model, &f->shape,
                                f->x, &f->target, 1, options, error);
}

/* Stops after 12 passes: with a batch of 4, after three. */
static int stop_after_twelve(int64_t done, int64_t total, void *payload)
{
    (void)total;
    (void)payload;
    return done >= 12;
}

static cxai_heatmap_options options_of(const struct part *p)
{
    cxai_heatmap_options options = cxai_heatmap_defaults();

    options.set = p->set;
    options.samples = p->samples;
    options.seed = 5;
    options.raw = 1;
    return options;
}

/* An estimate that was ended early is the one from so many samples. */
static void test_ended_early(void **state)
{
    const fixture *f = *state;

    for (int i = 0; i < part_count; i++) {
        cxai_heatmap_options options = options_of(&parts[i]);
        cxai_heatmap early, whole;
        cxai_error error;
        options.batch = 4;
        options.progress = stop_after_twelve;
        check_error(explain(f, parts[i].name, &options, &early, &error), &error,
                    CXAI_STOPPED, "stopped after 12");
        options.anytime = 1;
        check_ok(explain(f, parts[i].name, &options, &early, &error), &error);
        assert_true(early.done > 0 && early.done <= 12);
        assert_true(early.total > early.done);
        if (strcmp(parts[i].name, "sobol") == 0) {
            assert_int_equal(early.done, 10); /* points of 1 + 4 passes */
            assert_int_equal(early.total, 35);
        } else if (parts[i].samples > 0) {
            options.progress = NULL;
            options.samples = (int)early.done - parts[i].extra;
            check_ok(explain(f, parts[i].name, &options, &whole, &error),
                     &error);
            assert_int_equal(whole.done, 0);
            assert_memory_equal(early.data, whole.data,
                                (size_t)cxai_shape_count(&whole.shape) *
                                    sizeof *whole.data);
            cxai_heatmap_clear(&whole);
        }
        cxai_heatmap_clear(&early);
    }
}

/* Any batch: up to the rounding of the network, whose products may be summed in
   another order. */
static void test_batches(void **state)
{
    const fixture *f = *state;

    for (int i = 0; i < part_count; i++) {
        cxai_heatmap_options options = options_of(&parts[i]);
        cxai_heatmap one, many;
        cxai_error error;
        options.batch = 1;
        check_ok(explain(f, parts[i].name, &options, &one, &error), &error);
        options.batch = 7;
        check_ok(explain(f, parts[i].name, &options, &many, &error), &error);
        assert_true(relative_error(many.data, one.data,
                                   cxai_shape_count(&one.shape)) < 1e-5);
        cxai_heatmap_clear(&one);
        cxai_heatmap_clear(&many);
    }
}

/* ---- layout and refusals ---- */

static cxai_model *transposed_sum(void)
{
    net n = net_begin(13);
    double weights[32];

    for (int i = 0; i < 32; i++)
        weights[i] = i % 7 - 2;
    net_input(&n, "x", "0,4,4,2");
    net_reals(&n, "w", "1,2,4,4", weights);
    net_node(&n, "Transpose", "x", "t", "perm=0,3,1,2");
    net_node(&n, "Conv", "t w", "c", "");
    net_node(&n, "Flatten", "c", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* A picture (1,H,W,C): what each number adds to y, in the order (C,H,W). */
static void test_channels_last(void **state)
{
    cxai_model *model = transposed_sum();
    const cxai_shape picture = { 4, { 1, 4, 4, 2 } };
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_target target = hand_target(model, "y", 0);
    cxai_real x[32];
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    for (int i = 0; i < 32; i++)
        x[i] = (cxai_real)(i + 1);
    options.channels_last = 1;
    for (int m = 0; m < 2; m++) {
        options.set = m == 0 ? "window=1,stride=1" : "grid=4";
        check_ok(cxai_heatmap_compute(
                     &map, hand_method(m == 0 ? "occlusion" : "kernelshap"),
                     model, &picture, x, &target, 1, &options, &error),
                 &error);
        for (int i = 0; i < 16; i++) {
            double want =
                (i % 7 - 2) * (2 * i + 1) + ((i + 16) % 7 - 2) * (2 * i + 2);
            assert_true(fabs((double)map.data[i] - want) < 1e-3);
            assert_true(fabs((double)map.data[16 + i] - want) < 1e-3);
        }
        cxai_heatmap_clear(&map);
    }
    cxai_model_free(&model);
}

static void check_refused(const fixture *f, const char *name, const char *set,
                          int samples, const char *words)
{
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map;
    cxai_error error;

    options.set = set;
    options.samples = samples;
    check_error(explain(f, name, &options, &map, &error), &error, CXAI_INVALID,
                words);
    assert_null(map.data);
}

static void test_refusals(void **state)
{
    const fixture *f = *state;

    check_refused(f, "occlusion", "window=2,stride=3", 0, "leaves gaps");
    check_refused(f, "feature_ablation", "grid=13", 0, "12x16 cannot be");
    check_refused(f, "sobol", "grid=13", 0, "12x16 cannot be");
    check_refused(f, "sobol", NULL, 1, "2 samples");
    check_refused(f, "hsic", NULL, 1, "2 to 10000 samples");
    check_refused(f, "hsic", NULL, 10001, "2 to 10000 samples");
    check_refused(f, "rise", NULL, -1, "samples must be");
    check_refused(f, "lime", "penalty=0", 5, "penalty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_occlusion_captum),
        cmocka_unit_test(test_occlusion_saliency),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_few_sets),
        cmocka_unit_test(test_channels_last),
        cmocka_unit_test_setup_teardown(test_ended_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
