/*
 * From pictures to tensors and back, against Pillow, torchvision and OpenCV
 * (tests/reference/preprocess.py) and against hand calculation.
 */
#include "support/check.h"
#include "support/reference.h"

#include <math.h>
#include <stdio.h>
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

static cxai_preprocess parse(const char *json)
{
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    check_ok(
        cxai_preprocess_parse(&p, json, strlen(json), "x.json", NULL, &error),
        &error);
    return p;
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
        cxai_preprocess p = parse(text(entry, "json"));
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
        cxai_preprocess p = parse(recipes[r].json);
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
        cxai_preprocess p = parse(forms[f]);
        cxai_real tensor[9 * 5 * 3];
        check_ok(cxai_preprocess_apply(&p, &photo, tensor, NULL, &error),
                 &error);
        check_ok(cxai_preprocess_invert(&p, tensor, &back, &error), &error);
        assert_memory_equal(back.pixels, photo.pixels,
                            sizeof tensor / sizeof *tensor);
        cxai_image_free(&back);
    }
    /* beyond the range of pixels, and no number */
    cxai_preprocess p = parse("{\"size\": 1, \"scale\": 1, \"mean\": 0, "
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
    cxai_preprocess p = parse("{\"size\": 224}");
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

/* ---- geometry ---- */

/* A photo of 96x48, short side to 32, centre crop 32: scale 1.5, the crop
   begins at column 16 of 64, so the network sees columns 24..71. */
static cxai_geometry crop_geometry(const cxai_preprocess *p,
                                   const cxai_image *photo, cxai_real *tensor)
{
    cxai_geometry g;
    cxai_error error;
    check_ok(cxai_preprocess_apply(p, photo, tensor, &g, &error), &error);
    return g;
}

static void test_geometry(void **state)
{
    (void)state;
    cxai_image photo;
    cxai_error error;
    cxai_real *tensor = malloc(3 * 64 * 64 * sizeof *tensor);
    check_ok(cxai_image_create(&photo, 96, 48, 3, &error), &error);
    cxai_preprocess p =
        parse("{\"size\": 32, \"resize\": {\"rule\": \"short side\", "
              "\"length\": 32}}");
    cxai_geometry g = crop_geometry(&p, &photo, tensor);
    const double crop[] = { 1.5, 1.5, 24, 0, 24, 0, 72, 48 };
    assert_memory_equal(&g.scale_x, crop, sizeof crop);

    /* fitted into 64x64: 64x32 with bars of 16 above and below */
    p = parse("{\"size\": 64, \"resize\": {\"rule\": \"letterbox\"}}");
    g = crop_geometry(&p, &photo, tensor);
    const double bars[] = { 1.5, 1.5, 0, -24, 0, 0, 96, 48 };
    assert_memory_equal(&g.scale_x, bars, sizeof bars);

    p = parse("{\"size\": \"64x16\", \"resize\": {\"rule\": \"stretch\"}}");
    g = crop_geometry(&p, &photo, tensor);
    const double stretch[] = { 1.5, 3, 0, 0, 0, 0, 96, 48 };
    assert_memory_equal(&g.scale_x, stretch, sizeof stretch);
    assert_int_equal(g.photo_width, 96);
    assert_int_equal(g.network_height, 16);
    cxai_image_free(&photo);
    free(tensor);
}

/* A white block at columns 56..63, rows 16..23: a map that repeats what the
   network sees has its centre of mass at (60, 20) of the photo. Within 0.1
   pixel: the resize rounds to 8 bits. */
static void test_project_block(void **state)
{
    (void)state;
    cxai_image photo;
    cxai_error error;
    check_ok(cxai_image_create(&photo, 96, 48, 3, &error), &error);
    for (int y = 16; y < 24; y++)
        memset(photo.pixels + (y * 96 + 56) * 3, 255, 8 * 3);
    cxai_preprocess p = parse(
        "{\"size\": 32, \"resize\": {\"rule\": \"short side\", \"length\": "
        "32}, \"scale\": \"1/255\", \"mean\": 0, \"std\": 1}");
    static cxai_real tensor[3 * 32 * 32], map[48 * 96];
    cxai_geometry g = crop_geometry(&p, &photo, tensor);
    cxai_geometry_project(&g, tensor, map);
    double mass = 0, across = 0, down = 0;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 96; x++) {
            double value = (double)map[y * 96 + x];
            assert_int_equal(isnan(value) != 0, x < 24 || x >= 72);
            if (isnan(value))
                continue;
            mass += value;
            across += value * (x + 0.5);
            down += value * (y + 0.5);
        }
    assert_true(fabs(across / mass - 60) < 0.1);
    assert_true(fabs(down / mass - 20) < 0.1);
    cxai_image_free(&photo);
}

/* A map that rises with the network's column, value = centre of the column:
   at photo column x it is (x + .5 - 24) / 1.5, but for the half network pixels
   at the edges, which take the outer value. */
static void test_project_ramp(void **state)
{
    (void)state;
    cxai_geometry g = { 96, 48, 32, 32, 1.5, 1.5, 24, 0, 24, 0, 72, 48 };
    static cxai_real ramp[32 * 32], map[48 * 96];
    for (int i = 0; i < 32 * 32; i++)
        ramp[i] = (cxai_real)(i % 32 + 0.5);
    cxai_geometry_project(&g, ramp, map);
    for (int y = 0; y < 48; y++)
        for (int x = 24; x < 72; x++) {
            double want = fmin(31.5, fmax(0.5, (x + 0.5 - 24) / 1.5));
            check_close(&map[y * 96 + x], &want, 1, 1e-5);
        }
}

/* ---- a block at a known place, for every rule and odd photo ---- */

/* What the network sees of one axis of a photo, by the rules' words. */
static void seen_of(const cxai_preprocess *p, int photo, int other, int network,
                    double seen[2])
{
    seen[0] = 0;
    seen[1] = photo;
    if (p->rule != CXAI_SHORT_SIDE)
        return;
    int64_t full =
        photo <= other ? p->length : (int64_t)p->length * photo / other;
    if (full <= network)
        return;
    double start = nearbyint((double)(full - network) / 2);
    seen[0] = start * photo / (double)full;
    seen[1] = (start + network) * photo / (double)full;
}

/* A black photo with a white block over the middle fifth of what is seen; the
   map repeats what the network sees. */
static void check_block(const char *json, int width, int height)
{
    cxai_preprocess p = parse(json);
    cxai_image photo;
    cxai_error error;
    double x_seen[2], y_seen[2];
    size_t pixels = (size_t)width * (size_t)height;
    check_ok(cxai_image_create(&photo, width, height, 3, &error), &error);
    seen_of(&p, width, height, p.width, x_seen);
    seen_of(&p, height, width, p.height, y_seen);
    double across = x_seen[1] - x_seen[0], down = y_seen[1] - y_seen[0];
    int left = (int)(x_seen[0] + across * 0.4);
    int top = (int)(y_seen[0] + down * 0.4);
    int right = (int)fmax(left + 1, x_seen[0] + across * 0.6);
    int bottom = (int)fmax(top + 1, y_seen[0] + down * 0.6);
    for (int y = top; y < bottom; y++)
        memset(photo.pixels + ((size_t)y * (size_t)width + (size_t)left) * 3,
               255, (size_t)(right - left) * 3);
    cxai_real *tensor =
        malloc((size_t)(p.width * p.height) * 3 * sizeof *tensor);
    cxai_real *map = malloc(pixels * sizeof *map);
    assert_non_null(tensor);
    assert_non_null(map);
    cxai_geometry g;
    check_ok(cxai_preprocess_apply(&p, &photo, tensor, &g, &error), &error);
    cxai_geometry_project(&g, tensor, map);
    double mass = 0, x_sum = 0, y_sum = 0;
    int any_seen = 0;
    for (size_t i = 0; i < pixels; i++) {
        double x = (double)(i % (size_t)width) + 0.5;
        double y = (double)(i / (size_t)width) + 0.5;
        int seen =
            x >= x_seen[0] && x < x_seen[1] && y >= y_seen[0] && y < y_seen[1];
        assert_int_equal(isnan(map[i]), !seen);
        if (!seen)
            continue;
        any_seen = 1;
        mass += (double)map[i];
        x_sum += x * (double)map[i];
        y_sum += y * (double)map[i];
    }
    /* a pixel, or half a network pixel where that is larger: blocks this small
       fall between the samples */
    double x_off = fabs(x_sum / mass - (left + right) / 2.0);
    double y_off = fabs(y_sum / mass - (top + bottom) / 2.0);
    /* the crop of a photo as long as 1x400 holds no pixel's centre */
    if (any_seen && (!(mass > 0) || x_off > fmax(1, g.scale_x / 2) ||
                     y_off > fmax(1, g.scale_y / 2)))
        fail_msg("%s: in a photo of %dx%d the block is off by %.2f, %.2f", json,
                 width, height, x_off, y_off);
    cxai_image_free(&photo);
    free(tensor);
    free(map);
}

static void test_block_comes_back(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "\"resize\": { \"rule\": \"short side\", \"length\": 36 }",
        "\"resize\": { \"rule\": \"short side\", \"length\": 32 }",
        "\"resize\": { \"rule\": \"stretch\" }",
        "\"resize\": { \"rule\": \"letterbox\", \"filter\": \"linear\" }",
        "\"resize\": { \"rule\": \"letterbox\" }",
    };
    static const int photos[][2] = { { 96, 48 },   { 48, 96 }, { 300, 200 },
                                     { 200, 300 }, { 33, 33 }, { 5, 3 },
                                     { 1, 1 },     { 1, 9 },   { 9, 1 },
                                     { 1, 400 },   { 400, 1 }, { 1000, 30 },
                                     { 30, 1000 }, { 2, 2 },   { 31, 32 },
                                     { 640, 480 } };
    static const char *const sizes[] = { "32", "\"40x24\"", "\"24x40\"" };
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
                char json[256];
                snprintf(json, sizeof json,
                         "{\"size\": %s, %s, \"scale\": \"1/255\", "
                         "\"mean\": 0, \"std\": 1}",
                         sizes[s], rules[r]);
                check_block(json, photos[i][0], photos[i][1]);
            }
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
        cxai_preprocess p = parse("{\"size\": \"photo\"}");
        const cxai_image photo = { fits[i].width, fits[i].height, 3, NULL };
        assert_int_equal(p.photo_size, 1);
        check_ok(cxai_preprocess_fit(&p, &photo, fits[i].multiple, &error),
                 &error);
        assert_int_equal(p.width, fits[i].want_width);
        assert_int_equal(p.height, fits[i].want_height);
    }
    cxai_preprocess p = parse("{\"resize\": {\"rule\": \"none\"}}");
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

/* ---- reading ---- */

static void test_defaults(void **state)
{
    (void)state;
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    cxai_shape shape = { 4, { 0, 3, 299, 299 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_string_equal(
        cxai_preprocess_text(&p, line, sizeof line),
        "RGB, short side to 342 (bilinear), centre crop 299x299, (p/255 - "
        "(0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225), NCHW");
    shape = (cxai_shape){ 4, { 1, 28, 30, 1 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line),
                        "grey, short side to 34 (bilinear), centre crop "
                        "30x28, (p/255 - 0) / 1, NHWC");
    assert_int_equal(cxai_preprocess_shape(&p, 2).dim[3], 1);
    /* nothing is fixed: taken for colours before height and width */
    shape = (cxai_shape){ 4, { 0 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_int_equal(cxai_preprocess_shape(&p, 1).dim[1], 3);
    shape = (cxai_shape){ 4, { 0, 0, 0, 3 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_int_equal(p.layout, CXAI_NHWC);
    shape = (cxai_shape){ 4, { 1, 4, 224, 224 } };
    check_error(cxai_preprocess_defaults(&p, &shape, &error), &error,
                CXAI_UNSUPPORTED, "1x4x224x224");
    shape = (cxai_shape){ 2, { 1, 10 } };
    check_error(cxai_preprocess_defaults(&p, &shape, &error), &error,
                CXAI_UNSUPPORTED, "1x10");
}

static void test_set(void **state)
{
    (void)state;
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    static const char *const flags[][2] = {
        { "size", "320x240" },   { "rule", "Stretch" },
        { "filter", "nearest" }, { "mean", "104,117, 123" },
        { "std", "2" },          { "scale", "1/2" },
        { "channels", "bgr" },   { "labels", "../names.txt" },
        { "layout", "NHWC" },    { "length", "300" },
    };
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        check_ok(cxai_preprocess_set(&p, flags[i][0], flags[i][1], &error),
                 &error);
    assert_string_equal(
        cxai_preprocess_text(&p, line, sizeof line),
        "BGR, stretched to 320x240 (nearest), (p/2 - (104, 117, 123)) / 2, "
        "NHWC");
    assert_string_equal(p.labels, "../names.txt");
    assert_int_equal(p.length, 300);
    assert_non_null(strstr(p.source, "defaults, given size, given rule"));
    check_error(cxai_preprocess_set(&p, "zoom", "2", &error), &error,
                CXAI_NOT_FOUND, "zoom");
    check_error(cxai_preprocess_set(&p, "size", "0x5", &error), &error,
                CXAI_INVALID, "\"size\" must be");
    check_error(cxai_preprocess_set(&p, "mean", "1,2", &error), &error,
                CXAI_INVALID, "\"mean\" must be");
    check_error(cxai_preprocess_set(&p, "std", "1,0,1", &error), &error,
                CXAI_INVALID, "\"std\" must be");
    check_error(cxai_preprocess_set(&p, "scale", "1/0", &error), &error,
                CXAI_INVALID, "\"scale\" must be");
}

/* Each is refused, names the key, and changes nothing. */
static void test_bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *word;
    } bad[] = {
        { "", "not valid JSON" },
        { "{", "not valid JSON" },
        { "{} x", "not valid JSON" },
        { "[1]", "must hold a JSON object" },
        { "{\"size\": -1}", "\"size\"" },
        { "{\"size\": 1e9}", "\"size\"" },
        { "{\"size\": 2.5}", "\"size\"" },
        { "{\"size\": null}", "\"size\"" },
        { "{\"size\": \"99999x99999\"}", "\"size\"" },
        { "{\"size\": [1, 2, 3, 4]}", "\"size\"" },
        { "{\"size\": {\"size\": 1}}", "\"size\"" },
        { "{\"resize\": 256}", "\"resize\"" },
        { "{\"resize\": {\"rule\": \"crop\"}}", "\"rule\"" },
        { "{\"resize\": {\"length\": \"long\"}}", "\"length\"" },
        { "{\"resize\": {\"size\": 5}}", "unknown key \"size\" in \"resize\"" },
        { "{\"filter\": \"bicubic\"}", "unknown key \"filter\"" },
        { "{\"resize\": {\"filter\": 3}}", "\"filter\"" },
        { "{\"fill\": 256}", "\"fill\"" },
        { "{\"fill\": \"none\"}", "\"fill\"" },
        { "{\"recipe\": \"none\"}", "\"recipe\"" },
        { "{\"recipe\": [1]}", "\"recipe\"" },
        { "{\"resize\": {\"crop\": 1.5}}", "\"crop\"" },
        { "{\"resize\": {\"crop\": 0}}", "\"crop\"" },
        { "{\"resize\": {\"recipe\": \"timm\"}}", "unknown key \"recipe\"" },
        { "{\"channels\": \"CMYK\"}", "\"channels\"" },
        { "{\"scale\": 0}", "\"scale\"" },
        { "{\"scale\": \"nan\"}", "\"scale\"" },
        { "{\"scale\": [1, 1, 1]}", "\"scale\"" },
        { "{\"mean\": [1, 2]}", "\"mean\"" },
        { "{\"mean\": [1, 2, \"3\"]}", "\"mean\"" },
        { "{\"mean\": 1e999}", "\"mean\"" },
        { "{\"std\": [1, 0, 1]}", "\"std\"" },
        { "{\"layout\": \"CHWN\"}", "\"layout\"" },
        { "{\"labels\": \"/etc/passwd\"}", "\"labels\"" },
        { "{\"labels\": \"../../secret\"}", "\"labels\"" },
        { "{\"labels\": 3}", "\"labels\"" },
        { "{\"size\": 100, \"meen\": 3}", "unknown key \"meen\"" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cxai_preprocess p, before;
        cxai_error error;
        check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
        before = p;
        check_error(cxai_preprocess_parse(&p, bad[i].json, strlen(bad[i].json),
                                          "m.json", "folder", &error),
                    &error, CXAI_MALFORMED, bad[i].word);
        assert_non_null(strstr(error.message, "m.json"));
        assert_memory_equal(&p, &before, sizeof p);
    }
}

/* ---- with a model ---- */

#define MODEL "data/squeezenet-1.1.int8.onnx"

static cxai_model *load_model(void)
{
    cxai_model *model;
    cxai_error error;
    check_ok(cxai_model_load(&model, MODEL, NULL, &error), &error);
    return model;
}

/* Its metadata alone: channels, mean, std; the size is that of its input. */
static void test_metadata(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    static const char want[] =
        "BGR, short side to 259 (bilinear), centre crop 227x227, (p - "
        "(103.939, 116.779, 123.68)) / 1, NCHW";
    check_ok(cxai_preprocess_for_model(&p, model, NULL, &error), &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line), want);
    assert_string_equal(p.source, "defaults, metadata");
    /* a path with no file beside it */
    check_ok(cxai_preprocess_for_model(&p, model, "/nowhere/m.onnx", &error),
             &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line), want);
    cxai_model_free(&model);
}

static void test_file_beside(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_for_model(&p, model, MODEL, &error), &error);
    assert_int_equal(p.rule, CXAI_STRETCH);
    assert_string_equal(p.labels, "data/labels.txt");
    assert_string_equal(p.source,
                        "defaults, metadata, squeezenet-1.1.int8.json");
    cxai_model_free(&model);
}

static void test_check(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_for_model(&p, model, MODEL, &error), &error);
    /* another size is for the graph to judge */
    check_ok(cxai_preprocess_set(&p, "size", "224", &error), &error);
    check_ok(cxai_preprocess_check(&p, model, &error), &error);
    check_ok(cxai_preprocess_set(&p, "layout", "NHWC", &error), &error);
    check_error(cxai_preprocess_check(&p, model, &error), &error, CXAI_INVALID,
                "0x224x224x3 (NHWC)");
    check_ok(cxai_preprocess_set(&p, "layout", "NCHW", &error), &error);
    check_ok(cxai_preprocess_set(&p, "size", "227", &error), &error);
    check_ok(cxai_preprocess_set(&p, "channels", "grey", &error), &error);
    check_error(cxai_preprocess_check(&p, model, &error), &error, CXAI_INVALID,
                "0x1x227x227");
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_recipes),
        cmocka_unit_test(test_invert),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_map_resize),
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_project_block),
        cmocka_unit_test(test_project_ramp),
        cmocka_unit_test(test_block_comes_back),
        cmocka_unit_test(test_photo_size),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_file_beside),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
