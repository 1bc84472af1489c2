/*
 * Heatmaps of targets other than one logit against pytorch-grad-cam and captum:
 * parts of a segmentation, boxes of a detector, both sides of a sigmoid, sums.
 *
 * tests/data/targets/index.json lists the cases; their numbers were computed in
 * float64 by tests/reference/targets.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/reference.h"

#define FOLDER "tests/data/targets"

/* Of the largest magnitude of a case: the rounding of float32. */
static const double tolerance = 1e-4;

static int setup(void **state)
{
    static reference r;

    reference_open(&r, FOLDER, "numbers.npy", FOLDER "/input.npy");
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    reference_close(*state);
    return 0;
}

static const char *text_of(const cJSON *one, const char *key)
{
    return cJSON_GetObjectItem(one, key)->valuestring;
}

static void compare(const cJSON *one, const reference *r,
                    const cxai_heatmap *map)
{
    int64_t offset = cJSON_GetObjectItem(one, "offset")->valueint;
    int64_t size = cxai_shape_count(&map->shape);
    double score = cJSON_GetObjectItem(one, "score")->valuedouble;

    reference_check_shape(one, &map->shape);
    assert_true(offset >= 0 && offset + size <= r->numbers_shape.dim[0]);
    double far = relative_error(map->data, r->numbers + offset, size);
    if (!(far <= tolerance) || !(fabs(map->score - score) <= 1e-5))
        fail_msg("%s of %s, %s: %.2g of the largest magnitude from the "
                 "reference; score %.7g, not %.7g",
                 text_of(one, "method"), text_of(one, "network"),
                 text_of(one, "target"), far, map->score, score);
}

static void run_case(const cJSON *one, const reference *r)
{
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_heatmap_method *method;
    cxai_model *model;
    cxai_target target;
    cxai_heatmap map;
    char path[256];
    cxai_error error;

    snprintf(path, sizeof path, FOLDER "/%s.onnx", text_of(one, "network"));
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    check_ok(cxai_heatmap_find(&method, text_of(one, "method"), &error),
             &error);
    check_ok(
        cxai_model_find(model, text_of(one, "layer"), &options.layer, &error),
        &error);
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &r->input_shape, shapes, &error), &error);
    const cxai_target_context context = { model, shapes, NULL, NULL };
    check_ok(
        cxai_target_parse(&target, &context, text_of(one, "target"), &error),
        &error);
    check_ok(cxai_heatmap_compute(&map, method, model, &r->input_shape,
                                  r->input, &target, 1, &options, &error),
             &error);
    compare(one, r, &map);
    cxai_heatmap_clear(&map);
    free(shapes);
    cxai_model_free(&model);
}

static void run_network(const reference *r, const char *network, int at_least)
{
    const cJSON *one;
    int cases = 0;

    cJSON_ArrayForEach(one, cJSON_GetObjectItem(r->index, "cases"))
    {
        if (strcmp(text_of(one, "network"), network) != 0)
            continue;
        run_case(one, r);
        cases++;
    }
    assert_true(cases >= at_least);
}

static void test_segmentation(void **state)
{
    run_network(*state, "segment", 24);
}

static void test_detector(void **state)
{
    run_network(*state, "detect", 20);
}

static void test_sigmoid(void **state)
{
    run_network(*state, "binary", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segmentation),
        cmocka_unit_test(test_detector),
        cmocka_unit_test(test_sigmoid),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
