/*
 * Recipes by name, against the libraries that they are named after
 * (tests/reference/recipes.py) and against hand calculation.
 */
#include "support/check.h"
#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/preprocess.h"

#define FOLDER "tests/data/recipes/"

static cxai_preprocess with_recipe(const char *name, int size)
{
    cxai_preprocess p;
    cxai_error error;
    char text[16];
    snprintf(text, sizeof text, "%d", size);
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    check_ok(cxai_preprocess_set(&p, "size", text, &error), &error);
    check_ok(cxai_preprocess_set(&p, "recipe", name, &error), &error);
    return p;
}

/* ---- the libraries' own tensors ---- */

/* The same sample; the libraries compute in float, whose step at the largest
   sample is 2^-24 of it, and we in double. OpenCV, by which paddle and yolo
   resize, rounds weights to 11 bits: it may be off by one level of 255. */
static double tolerance_of(const cxai_preprocess *p, int channel, double want)
{
    double level = fabs(p->scale / p->std[channel]);
    double exact = 2e-6 * fmax(1, fabs(want)) + 255 * level * 0x1p-23;
    return p->filter == CXAI_LINEAR ? level * 1.001 + exact : exact;
}

static const cxai_real *compare(const cxai_preprocess *p,
                                const cxai_real *tensor, const cxai_real *want,
                                int step, const char *name)
{
    double sum = 0;
    int count = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < p->height; y += step)
            for (int x = 0; x < p->width; x += step, want++) {
                int at = (c * p->height + y) * p->width + x;
                double off = fabs((double)tensor[at] - (double)*want);
                if (!(off <= tolerance_of(p, c, (double)*want)))
                    fail_msg("%s: row %d, column %d, channel %d is %.9g, not "
                             "%.9g",
                             name, y, x, c, (double)tensor[at], (double)*want);
                sum += off * fabs(p->std[c] / p->scale);
                count++;
            }
    assert_true(sum / count < 0.3); /* levels: most are the same */
    return want;
}

static void test_libraries(void **state)
{
    (void)state;
    cxai_error error;
    reference r;
    int count = 0;
    reference_open(&r, FOLDER, "tensors.npy", NULL);
    const cxai_real *want = r.numbers;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, r.index)
    {
        const char *name = cJSON_GetObjectItem(entry, "recipe")->valuestring;
        int side = cJSON_GetObjectItem(entry, "size")->valueint;
        int step = cJSON_GetObjectItem(entry, "step")->valueint;
        cxai_preprocess p = with_recipe(name, side);
        cxai_image photo;
        cxai_real *tensor =
            malloc((size_t)side * (size_t)side * 3 * sizeof *tensor);
        assert_non_null(tensor);
        check_ok(cxai_image_load(
                     &photo, cJSON_GetObjectItem(entry, "photo")->valuestring,
                     NULL, NULL, &error),
                 &error);
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        want = compare(&p, tensor, want, step, name);
        cxai_image_free(&photo);
        free(tensor);
        count++;
    }
    assert_int_equal(count, 24);
    assert_ptr_equal(want, r.numbers + cxai_shape_count(&r.numbers_shape));
    reference_close(&r);
}

/* ---- by hand ---- */

/* What each recipe makes of a flat (255, 128, 0), in the network's channel
   order, and of what lies outside of a photo. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double want[3], fill;
    } cases[] = {
        { "torchvision",
          { (1 - .485) / .229, (128 / 255. - .456) / .224, -.406 / .225 },
          -.485 / .229 },
        { "timm",
          { (1 - .485) / .229, (128 / 255. - .456) / .224, -.406 / .225 },
          -.485 / .229 },
        { "timm-inception", { 1, 1 / 255., -1 }, -1 },
        { "keras-caffe",
          { 0 - 103.939, 128 - 116.779, 255 - 123.68 },
          -103.939 },
        { "keras-tf", { 1, 1 / 255., -1 }, -1 },
        { "keras-torch",
          { (1 - .485) / .229, (128 / 255. - .456) / .224, -.406 / .225 },
          -.485 / .229 },
        { "paddle",
          { (1 - .485) / .229, (128 / 255. - .456) / .224, -.406 / .225 },
          -.485 / .229 },
        { "darknet", { 1, 128 / 255., 0 }, .5 },
        { "yolo", { 1, 128 / 255., 0 }, 114 / 255. },
        { "raw", { 255, 128, 0 }, 0 },
        { "unit", { 1, 128 / 255., 0 }, 0 },
    };
    enum { CASES = sizeof cases / sizeof *cases };
    cxai_image photo;
    cxai_error error;
    check_ok(cxai_image_create(&photo, 8, 4, 3, &error), &error);
    for (int i = 0; i < 32; i++)
        memcpy(photo.pixels + 3 * i, (uint8_t[]){ 255, 128, 0 }, 3);
    for (int i = 0; i < CASES; i++) {
        cxai_preprocess p = with_recipe(cases[i].name, 4);
        cxai_real tensor[3 * 16];
        assert_string_equal(cxai_recipe_info(i).name, cases[i].name);
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        /* row 1 lies in the photo under every rule; row 0 is a bar under the
           letterbox */
        for (int c = 0; c < 3; c++)
            check_close(&tensor[c * 16 + 6], &cases[i].want[c], 1, 2e-5);
        if (p.rule == CXAI_LETTERBOX)
            check_close(&tensor[2], &cases[i].fill, 1, 1e-6);
        cxai_preprocess_flat(&p, p.fill, tensor);
        check_close(&tensor[5], &cases[i].fill, 1, 2e-5);
        assert_false(p.guessed);
    }
    assert_null(cxai_recipe_info(CASES).name);
    assert_null(cxai_recipe_info(-1).name);
    cxai_image_free(&photo);
}

/* darknet's letterbox_image: new_h = h * net / w = 100 * 416 / 300, cut off to
   138; rows (416 - 138) / 2 = 139 to 276 are the photo, others .5. */
static void test_darknet_bars(void **state)
{
    (void)state;
    cxai_preprocess p = with_recipe("darknet", 416);
    cxai_image photo;
    cxai_error error;
    cxai_geometry g;
    cxai_real *tensor = malloc(3 * 416 * 416 * sizeof *tensor);
    assert_non_null(tensor);
    check_ok(cxai_image_create(&photo, 300, 100, 3, &error), &error);
    check_ok(cxai_preprocess_apply(&p, &photo, tensor, &g, &error), &error);
    for (int y = 0; y < 416; y++) {
        int bar = fabs((double)tensor[y * 416 + 200] - .5) < 1e-6;
        if (y < 138 || y > 277) /* we round to the nearest: one row more */
            assert_true(bar);
        if (y > 139 && y < 276)
            assert_false(bar);
    }
    cxai_image_free(&photo);
    free(tensor);
}

/* ---- names and details ---- */

static cxai_status parse(cxai_preprocess *p, const char *json,
                         cxai_error *error)
{
    return cxai_preprocess_parse(p, json, strlen(json), "m.json", NULL, error);
}

static void test_details_override(void **state)
{
    (void)state;
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    assert_true(p.guessed);
    /* wherever it stands, the recipe comes first */
    check_ok(parse(&p,
                   "{\"mean\": 0.4, \"resize\": {\"crop\": 0.95}, \"size\": "
                   "288, \"recipe\": \"timm\"}",
                   &error),
             &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line),
                        "RGB, short side to 303 (bicubic), centre crop "
                        "288x288, (p/255 - 0.4) / (0.229, 0.224, 0.225), NCHW");
    assert_false(p.guessed);
    check_ok(cxai_preprocess_set(&p, "length", "300", &error), &error);
    check_ok(cxai_preprocess_set(&p, "recipe", "0..1", &error), &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line),
                        "RGB, short side to 329 (bilinear), centre crop "
                        "288x288, (p/255 - 0) / 1, NCHW");
    assert_non_null(strstr(p.source, "recipe 0..1"));
    check_error(cxai_preprocess_set(&p, "recipe", "caffe2", &error), &error,
                CXAI_INVALID, "torchvision, timm, timm-inception, keras-caffe");
    check_error(parse(&p, "{\"recipe\": 3}", &error), &error, CXAI_MALFORMED,
                "m.json: \"recipe\"");
}

/* What says nothing of values leaves them guessed. */
static void test_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int guessed;
    } cases[] = {
        { "{\"size\": 32, \"labels\": \"l.txt\", \"channels\": \"BGR\"}", 1 },
        { "{\"mean\": 0}", 0 },
        { "{\"std\": 1}", 0 },
        { "{\"scale\": 1}", 0 },
        { "{\"recipe\": \"torchvision\"}", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cxai_preprocess p;
        cxai_error error;
        check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
        check_ok(parse(&p, cases[i].json, &error), &error);
        assert_int_equal(p.guessed, cases[i].guessed);
    }
}

/* One grey channel: only recipes that treat all channels alike. */
static void test_grey(void **state)
{
    (void)state;
    static const cxai_shape shape = { 4, { 1, 1, 28, 28 } };
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    check_error(cxai_preprocess_set(&p, "recipe", "torchvision", &error),
                &error, CXAI_INVALID, "one channel");
    check_ok(cxai_preprocess_set(&p, "recipe", "tf", &error), &error);
    assert_string_equal(
        cxai_preprocess_text(&p, line, sizeof line),
        "grey, stretched to 28x28 (nearest), (p/127.5 - 1) / 1, NCHW");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libraries),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_darknet_bars),
        cmocka_unit_test(test_details_override),
        cmocka_unit_test(test_guessed),
        cmocka_unit_test(test_grey),
    };
    return cmocka_run_group_tests_name("recipes", tests, NULL, NULL);
}
