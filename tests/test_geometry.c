/* From places of a network's map back to those of the photo, by hand. */
#include "support/check.h"
#include "support/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        preprocess_of("{\"size\": 32, \"resize\": {\"rule\": \"short side\", "
                      "\"length\": 32}}");
    cxai_geometry g = crop_geometry(&p, &photo, tensor);
    const double crop[] = { 1.5, 1.5, 24, 0, 24, 0, 72, 48 };
    assert_memory_equal(&g.scale_x, crop, sizeof crop);

    /* fitted into 64x64: 64x32 with bars of 16 above and below */
    p = preprocess_of("{\"size\": 64, \"resize\": {\"rule\": \"letterbox\"}}");
    g = crop_geometry(&p, &photo, tensor);
    const double bars[] = { 1.5, 1.5, 0, -24, 0, 0, 96, 48 };
    assert_memory_equal(&g.scale_x, bars, sizeof bars);

    p = preprocess_of(
        "{\"size\": \"64x16\", \"resize\": {\"rule\": \"stretch\"}}");
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
    cxai_preprocess p = preprocess_of(
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
    cxai_preprocess p = preprocess_of(json);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_project_block),
        cmocka_unit_test(test_project_ramp),
        cmocka_unit_test(test_block_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
