/*
 * From pictures to tensors and back, against Pillow, torchvision and OpenCV
 * (tests/reference/preprocess.py) and against hand calculation.
 */
#include "support/check.h"
#include "support/preprocess.h"
#include "support/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/preprocess.h"

#define FOLDER "tests/data/preprocess/"

static cJSON *cases;

static int set_up(void **state)
{
    (void)state;
    cases = reference_json(FOLDER "cases.json");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(cases);
    return 0;
}

static int number(const cJSON *entry, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(entry, key);
    assert_true(cJSON_IsNumber(item));
    return item->valueint;
}

static const char *text(const cJSON *entry, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(entry, key));
    assert_non_null(value);
    return value;
}

static cxai_real *load_numbers(const char *file)
{
    cxai_error error;
    cxai_shape shape;
    cxai_real *numbers;
    check_ok(cxai_npy_load(file, 0, &numbers, &shape, &error), &error);
    return numbers;
}

static cxai_image load_photo(const char *path)
{
    cxai_error error;
    cxai_image image;
    check_ok(cxai_image_load(&image, path, NULL, NULL, &error), &error);
    return image;
}

/* ---- pictures to tensors ---- */

/* Compares every step-th row and column with the next golden numbers. */
static const cxai_real *compare(const cxai_preprocess *p,
                                const cxai_real *tensor, const cxai_real *want,
                                int step, const char *name)
{
    int channels = cxai_preprocess_channel_count(p);
    int nhwc = p->layout == CXAI_NHWC;
    int outer = nhwc ? 1 : channels, inner = nhwc ? channels : 1;
    for (int c = 0; c < outer; c++)
        for (int y = 0; y < p->height; y += step)
            for (int x = 0; x < p->width; x += step)
                for (int i = 0; i < inner; i++, want++) {
                    int at = ((c * p->height + y) * p->width + x) * inner + i;
                    double got = (double)tensor[at];
                    /* the same pixel, rounded to float once */
                    double tolerance = 1e-6 * fmax(1, fabs((double)*want));
                    if (!(fabs(got - (double)*want) <= tolerance))
                        fail_msg("%s: row %d, column %d, channel %d is %.9g, "
                                 "not %.9g",
                                 name, y, x, c + i, got, (double)*want);
                }
    return want;
}

static void test_tensors(void **state)
{
    (void)state;
    cxai_real *wanted = load_numbers(FOLDER "tensors.npy");
    const cxai_real *want = wanted;
    int count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(cases, "tensors"))
    {
        cxai_preprocess p = preprocess_of(text(entry, "json"));
        cxai_image photo = load_photo(text(entry, "photo"));
        cxai_shape shape = cxai_preprocess_shape(&p, 1);
        cxai_error error;
        cxai_real *tensor =
            malloc((size_t)cxai_shape_count(&shape) * sizeof *tensor);
        assert_non_null(tensor);
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        want = compare(&p, tensor, want, number(entry, "step"),
                       text(entry, "json"));
        free(tensor);
        cxai_image_free(&photo);
        count++;
    }
    assert_int_equal(count, 12);
    free(wanted);
}

/* The files in data/ say what the README of each network says. */
static void test_shipped(void **state)
{
    (void)state;
    static const struct {
        const char *file, *summary;
    } shipped[] = {
        { "data/efficientnet-lite0.int8.json",
          "RGB, short side to 256 (bicubic), centre crop 224x224, (p - 127) / "
          "128, NCHW" },
        { "data/squeezenet-1.1.int8.json",
          "BGR, stretched to 227x227 (bilinear), (p - (103.939, 116.779, "
          "123.68)) / 1, NCHW" },
    };
    for (int i = 0; i < 2; i++) {
        void *json;
        size_t size;
        cxai_error error;
        cxai_preprocess p;
        char line[256];
        check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
        check_ok(cxai_file_read(shipped[i].file, 0, &json, &size, &error),
                 &error);
        check_ok(cxai_preprocess_parse(&p, json, size, shipped[i].file, "data",
                                       &error),
                 &error);
        assert_string_equal(cxai_preprocess_text(&p, line, sizeof line),
                            shipped[i].summary);
        assert_string_equal(p.labels, "data/labels.txt");
        free(json);
    }
}

/* Flat (255, 128, 0): the tensors of four published recipes, by hand. */
static void test_recipes(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double want[3];
    } recipes[] = {
        { "{\"scale\": \"1/255\", \"mean\": [0.485, 0.456, 0.406], \"std\": "
          "[0.229, 0.224, 0.225]}",
          { (1 - .485) / .229, (128 / 255. - .456) / .224, -.406 / .225 } },
        { "{\"channels\": \"BGR\", \"scale\": 1, \"mean\": [104, 117, 123], "
          "\"std\": 1}",
          { -104, 11, 132 } },
        { "{\"scale\": \"1/127.5\", \"mean\": 1, \"std\": 1}",
          { 1, 128 / 127.5 - 1, -1 } },
        { "{\"scale\": 1, \"mean\": 0, \"std\": 1}", { 255, 128, 0 } },
    };
    cxai_image photo;
    cxai_error error;
    check_ok(cxai_image_create(&photo, 8, 8, 3, &error), &error);
    for (int i = 0; i < 64; i++)
        memcpy(photo.pixels + 3 * i, (uint8_t[]){ 255, 128, 0 }, 3);
    for (int r = 0; r < 4; r++) {
        cxai_preprocess p = preprocess_of(recipes[r].json);
        p.width = p.height = 4;
        cxai_real tensor[3 * 16];
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        for (int i = 0; i < 48; i++) {
            double want = recipes[r].want[i / 16];
            check_close(&tensor[i], &want, 1, 1e-5);
        }
        /* gain and bias are the same formula */
        for (int c = 0; c < 3; c++) {
            double gain, bias;
            int source;
            cxai_preprocess_affine(&p, c, &gain, &bias, &source);
            double value = gain * photo.pixels[source] + bias;
            assert_true(fabs(value - recipes[r].want[c]) < 1e-9);
        }
    }
    cxai_image_free(&photo);
}

/* Back again: the pixels that the tensor was made of. */
static void test_invert(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "{\"size\": \"9x5\", \"resize\": {\"rule\": \"stretch\"}}",
        "{\"size\": \"9x5\", \"resize\": {\"rule\": \"stretch\"}, "
        "\"channels\": \"BGR\", \"layout\": \"NHWC\", \"std\": [1, 2, 3]}",
    };
    cxai_image photo, back;
    cxai_error error;
    check_ok(cxai_image_create(&photo, 9, 5, 3, &error), &error);
    for (int i = 0; i < 9 * 5 * 3; i++)
        photo.pixels[i] = (uint8_t)(i * 37);
    for (int f = 0; f < 2; f++) {
        cxai_preprocess p = preprocess_of(forms[f]);
        cxai_real tensor[9 * 5 * 3];
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        check_ok(cxai_preprocess_invert(&p, tensor, &back, &error), &error);
        assert_memory_equal(back.pixels, photo.pixels,
                            sizeof tensor / sizeof *tensor);
        cxai_image_free(&back);
    }
    /* beyond the range of pixels, and no number */
    cxai_preprocess p =
        preprocess_of("{\"size\": 1, \"scale\": 1, \"mean\": 0, "
                      "\"std\": 1}");
    cxai_real odd[3] = { -20, 300, (cxai_real)NAN };
    check_ok(cxai_preprocess_invert(&p, odd, &back, &error), &error);
    assert_memory_equal(back.pixels, ((uint8_t[]){ 0, 255, 0 }), 3);
    cxai_image_free(&back);
    cxai_image_free(&photo);
}

static void test_too_long(void **state)
{
    (void)state;
    cxai_image photo;
    cxai_error error;
    cxai_preprocess p = preprocess_of("{\"size\": 224}");
    cxai_real *tensor = malloc(3 * 224 * 224 * sizeof *tensor);
    check_ok(cxai_image_create(&photo, 100000, 1, 3, &error), &error);
    check_error(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error), &error,
                CXAI_LIMIT, "100000 x 1");
    cxai_image_free(&photo);
    free(tensor);
}

/* ---- resizing ---- */

static cxai_filter filter_named(const char *name)
{
    return strcmp(name, "nearest") == 0   ? CXAI_NEAREST
           : strcmp(name, "bicubic") == 0 ? CXAI_BICUBIC
                                          : CXAI_BILINEAR;
}

/* Bit for bit. */
static void test_resize(void **state)
{
    (void)state;
    cxai_real *wanted = load_numbers(FOLDER "resized.npy");
    const cxai_real *want = wanted;
    cxai_image photo = load_photo(FOLDER "wide.png");
    int count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(cases, "resized"))
    {
        int width = number(entry, "width"), height = number(entry, "height");
        const char *filter = text(entry, "filter");
        cxai_image resized;
        cxai_error error;
        check_ok(cxai_image_resize(&resized, &photo, width, height,
                                   filter_named(filter), &error),
                 &error);
        for (int i = 0; i < width * height * 3; i++, want++)
            if (resized.pixels[i] != (int)*want)
                fail_msg("%s to %dx%d: sample %d is %d, not %d", filter, width,
                         height, i, resized.pixels[i], (int)*want);
        cxai_image_free(&resized);
        count++;
    }
    assert_int_equal(count, 24);
    cxai_image_free(&photo);
    free(wanted);
}

/* OpenCV computes positions and weights in float, we in double: 1e-6 of values
   around 1. */
static void test_map_resize(void **state)
{
    (void)state;
    cxai_real *numbers = load_numbers(FOLDER "maps.npy");
    const cxai_real *want = numbers + 5 * 7;
    int count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(cases, "maps"))
    {
        int width = number(entry, "width"), height = number(entry, "height");
        cxai_real *got = malloc((size_t)(width * height) * sizeof *got);
        assert_non_null(got);
        cxai_map_resize(numbers, 5, 7, got, height, width);
        for (int i = 0; i < width * height; i++, want++) {
            double exact = (double)*want;
            check_close(got + i, &exact, 1, 1e-6);
        }
        free(got);
        count++;
    }
    assert_int_equal(count, 6);
    free(numbers);
}

/* At the photo's own size nothing is resized; rounded to a multiple it is
   stretched. */
static void test_photo_size(void **state)
{
    (void)state;
    static const struct {
        int width, height, multiple, want_width, want_height;
    } fits[] = {
        { 9, 5, 1, 9, 5 },    { 9, 5, 4, 8, 4 },      { 10, 6, 4, 12, 8 },
        { 1, 1, 32, 32, 32 }, { 48, 47, 32, 64, 32 }, { 1, 16384, 1, 1, 16384 },
    };
    cxai_error error;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        cxai_preprocess p = preprocess_of("{\"size\": \"photo\"}");
        const cxai_image photo = { fits[i].width, fits[i].height, 3, NULL };
        assert_int_equal(p.photo_size, 1);
        check_ok(cxai_preprocess_fit(&p, &photo, fits[i].multiple, &error),
                 &error);
        assert_int_equal(p.width, fits[i].want_width);
        assert_int_equal(p.height, fits[i].want_height);
    }
    cxai_preprocess p = preprocess_of("{\"resize\": {\"rule\": \"none\"}}");
    const cxai_image huge = { 16385, 1, 3, NULL };
    char line[256];
    check_error(cxai_preprocess_fit(&p, &huge, 1, &error), &error, CXAI_LIMIT,
                "16385 x 1");
    assert_non_null(strstr(cxai_preprocess_text(&p, line, sizeof line),
                           "at the photo's own size"));
    /* a size that is given later counts */
    check_ok(cxai_preprocess_set(&p, "size", "64", &error), &error);
    check_ok(cxai_preprocess_fit(&p, &huge, 1, &error), &error);
    assert_int_equal(p.width, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors),    cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_recipes),    cmocka_unit_test(test_invert),
        cmocka_unit_test(test_too_long),   cmocka_unit_test(test_resize),
        cmocka_unit_test(test_map_resize), cmocka_unit_test(test_photo_size),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
