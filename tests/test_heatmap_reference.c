/*
 * Heatmaps of small networks against pytorch-grad-cam and captum.
 *
 * tests/data/heatmaps*: index.json lists the cases; their numbers were computed
 * in float64 by the scripts of the same names in tests/reference. Every case
 * runs on the files of both of PyTorch's exporters, all its targets in one
 * call.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/reference.h"

#define NETS "tests/data/nets/"

/* Of the largest magnitude of a case: the rounding of float32. */
static const double tolerance = 1e-4;

static double number_of(const cJSON *one, const char *key, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItem(one, key);

    return item ? item->valuedouble : otherwise;
}

static int read_targets(const cJSON *one, const cxai_model *model,
                        cxai_target targets[4])
{
    const cJSON *item;
    int count = 0;

    cJSON_ArrayForEach(item, cJSON_GetObjectItem(one, "targets"))
        targets[count++] =
            cxai_target_channel(cxai_model_logits(model), item->valueint);
    return count;
}

enum { most_baselines = 3 };

/* Constant pictures: "baselines", or one "baseline", or none. */
static void read_baselines(const cJSON *one, int64_t size,
                           cxai_heatmap_options *options, cxai_real *baseline)
{
    const cJSON *item = cJSON_GetObjectItem(one, "baselines");

    if (!item && !cJSON_GetObjectItem(one, "baseline"))
        return;
    options->baseline = baseline;
    options->baseline_count = item ? cJSON_GetArraySize(item) : 1;
    assert_in_range(options->baseline_count, 1, most_baselines);
    for (int b = 0; b < options->baseline_count; b++) {
        cxai_real value =
            (cxai_real)(item ? cJSON_GetArrayItem(item, b)->valuedouble
                             : number_of(one, "baseline", 0));
        for (int64_t i = 0; i < size; i++)
            *baseline++ = value;
    }
}

/* The case's layer, or its several layers, which several takes. */
static void read_layers(const cJSON *one, int exporter, const cxai_model *model,
                        cxai_heatmap_options *options, int several[4])
{
    const cJSON *layer =
        cJSON_GetArrayItem(cJSON_GetObjectItem(one, "layers"), exporter);
    const cJSON *names =
        cJSON_GetArrayItem(cJSON_GetObjectItem(one, "several"), exporter);
    const cJSON *item;
    cxai_error error;

    if (layer)
        check_ok(
            cxai_model_find(model, layer->valuestring, &options->layer, &error),
            &error);
    options->layers = several;
    cJSON_ArrayForEach(item, names)
        check_ok(cxai_model_find(model, item->valuestring,
                                 &several[options->layer_count++], &error),
                 &error);
}

/* baseline takes room for most_baselines inputs, several for layers. */
static cxai_heatmap_options read_options(const cJSON *one, int exporter,
                                         const cxai_model *model,
                                         const reference *r,
                                         cxai_real *baseline, int several[4])
{
    cxai_heatmap_options options = cxai_heatmap_defaults();

    read_baselines(one, cxai_shape_count(&r->input_shape), &options, baseline);
    read_layers(one, exporter, model, &options, several);
    options.raw = (int)number_of(one, "raw", 0);
    options.eigen_smooth = (int)number_of(one, "eigen_smooth", 0);
    options.aug_smooth = (int)number_of(one, "aug_smooth", 0);
    options.fusion = (cxai_heatmap_fusion)number_of(one, "fusion", 0);
    options.steps = (int)number_of(one, "steps", 0);
    options.samples = (int)number_of(one, "samples", 0);
    options.noise = number_of(one, "noise", -1);
    const cJSON *set = cJSON_GetObjectItem(one, "set");
    options.set = set ? set->valuestring : NULL;
    options.seed = (uint64_t)number_of(one, "seed", 0);
    return options;
}

static void compare(const cJSON *one, const char *file, const reference *r,
                    const cxai_heatmap *maps, int count)
{
    const cJSON *method = cJSON_GetObjectItem(one, "method");
    int64_t size = cxai_shape_count(&maps[0].shape);
    const cxai_real *want = r->numbers + (int64_t)number_of(one, "offset", -1);

    reference_check_shape(one, &maps[0].shape);
    assert_true(want >= r->numbers &&
                want + count * size <= r->numbers + r->numbers_shape.dim[0]);
    for (int i = 0; i < count; i++, want += size) {
        double distance = relative_error(maps[i].data, want, size);
        if (!(distance <= tolerance))
            fail_msg("%s: %s of target %lld, raw %g: %.2g of the largest "
                     "magnitude from the reference",
                     file, method->valuestring,
                     (long long)maps[i].target.terms[0].span[1].first,
                     number_of(one, "raw", 0), distance);
    }
    double delta = number_of(one, "delta", (double)NAN);
    if (!isnan(delta) && !(fabs(maps[0].delta - delta) <= 1e-4))
        fail_msg("%s: delta %g instead of %g", file, maps[0].delta, delta);
}

static void run_case(const cJSON *one, int exporter, const reference *r)
{
    static const char *const exporters[] = { "legacy", "dynamo" };
    const char *network = cJSON_GetObjectItem(one, "network")->valuestring;
    const char *name = cJSON_GetObjectItem(one, "method")->valuestring;
    size_t input = (size_t)cxai_shape_count(&r->input_shape);
    cxai_real *baseline = malloc(most_baselines * input * sizeof *baseline);
    const cxai_heatmap_method *method;
    cxai_model *model;
    cxai_target targets[4];
    cxai_heatmap maps[4];
    int several[4];
    char path[256];
    cxai_error error;

    snprintf(path, sizeof path, NETS "%s.%s.onnx", network,
             exporters[exporter]);
    check_ok(cxai_heatmap_find(&method, name, &error), &error);
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    int count = read_targets(one, model, targets);
    cxai_heatmap_options options =
        read_options(one, exporter, model, r, baseline, several);
    check_ok(cxai_heatmap_compute(maps, method, model, &r->input_shape,
                                  r->input, targets, count, &options, &error),
             &error);
    compare(one, path, r, maps, count);
    for (int i = 0; i < count; i++)
        cxai_heatmap_clear(&maps[i]);
    cxai_model_free(&model);
    free(baseline);
}

/* Every case of a folder, on the files of both exporters. */
static void run_folder(const char *folder, int cases)
{
    reference r;
    const cJSON *one;
    int count = 0;

    reference_open(&r, folder, "numbers.npy", NETS "input.npy");
    r.input_shape.dim[0] = 1; /* the first picture */
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(r.index, "cases"))
    {
        run_case(one, 0, &r);
        run_case(one, 1, &r);
        count++;
    }
    reference_close(&r);
    assert_int_equal(count, cases);
}

static void test_first_methods(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps", 146);
}

static void test_cam_family(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps_cam", 174);
}

static void test_gradient_family(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps_gradient", 72);
}

static void test_relevance(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps_lrp", 44);
}

static void test_perturbation(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps_perturbation", 57);
}

static void test_attention(void **state)
{
    (void)state;
    run_folder("tests/data/heatmaps_attention", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_methods),
        cmocka_unit_test(test_cam_family),
        cmocka_unit_test(test_gradient_family),
        cmocka_unit_test(test_relevance),
        cmocka_unit_test(test_perturbation),
        cmocka_unit_test(test_attention),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
