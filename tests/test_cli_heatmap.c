/*
 * cxai heatmap: pictures and numbers of maps that are known by hand
 * (support/red_green.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/draw.h"
#include "cxai/file.h"
#include "support/check.h"
#include "support/red_green.h"

static void check_number(const cJSON *object, const char *name, double want)
{
    double got = get(object, name)->valuedouble;
    if (!(fabs(got - want) < 1e-6)) /* tenths as 32-bit reals */
        fail_msg("\"%s\" is %.9g, not %.9g", name, got, want);
}

/* An array of numbers. */
static void check_numbers(const cJSON *object, const char *name, int count,
                          const double *want)
{
    const cJSON *array = get(object, name);
    assert_int_equal(cJSON_GetArraySize(array), count);
    for (int i = 0; i < count; i++) {
        double got = cJSON_GetArrayItem(array, i)->valuedouble;
        if (!(fabs(got - want[i]) < 1e-6))
            fail_msg("%s[%d] is %.9g, not %.9g", name, i, got, want[i]);
    }
}

#define NUMBERS(...)                                                           \
    sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), (double[])             \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

static void check_text(const cJSON *object, const char *name, const char *want)
{
    assert_string_equal(get(object, name)->valuestring, want);
}

/* ---- numbers ------------------------------------------------------------- */

/* The map is 1 on four pixels and .75 on one: its scale is that of the red, 0
   to .8; the sum 4.75 of 36. The square is hot: 4 of 4.75; with the pixel, 5 of
   36 are. The centre is (4 * 2 + .75 * 4.5) / 4.75. */
static void check_red(const cJSON *result)
{
    const cJSON *map = get(result, "map"), *hot = get(map, "hot");
    check_text(result, "state", "ok");
    check_text(result, "method", "gradcam");
    check_number(result, "score", 4 * 0.8 + 0.6);
    check_number(result, "raw_maximum", 0.8);
    check_numbers(map, "scale", NUMBERS(0, 0.8));
    check_number(map, "mean", 4.75 / 36);
    check_numbers(map, "centre", NUMBERS(11.375 / 4.75, 11.375 / 4.75));
    check_number(hot, "threshold", 0.5);
    check_number(hot, "share", 5.0 / 36);
    check_number(hot, "regions", 2);
    check_numbers(hot, "box", NUMBERS(1, 1, 3, 3));
    check_number(hot, "area", 4);
    check_number(hot, "area_share", 4.0 / 36);
    check_number(hot, "heat_share", 4 / 4.75);
    check_numbers(hot, "centre", NUMBERS(2, 2));
}

static void test_numbers(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red -o out/ --json");
    cJSON *json = parsed(f), *index = parsed_file(f, "out/index.json");
    const cJSON *result = cJSON_GetArrayItem(get(json, "results"), 0);
    const cJSON *file = cJSON_GetArrayItem(get(index, "files"), 0);
    check_red(result);
    check_text(file, "file", "a.gradcam.red.png");
    assert_true(cJSON_Compare(get(file, "result"), result, 1));
    const cJSON *geometry = get(result, "geometry");
    check_number(geometry, "photo_width", 6);
    check_number(geometry, "network_height", 6);
    check_number(geometry, "scale_x", 1);
    check_number(geometry, "offset_y", 0);
    cJSON_Delete(json);
    cJSON_Delete(index);
}

/* At .8 of the largest the single pixel is not hot. */
static void test_hot_is_told(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --hot 0.8 -o a.out.png");
    assert_non_null(strstr(f->out, "hot at 0.8: 1,1 to 3,3, 11.1 % of the "
                                   "picture, 84.2 % of the heat"));
    succeed(f, HEAT "-t red --hot 0.8 -o a.out.png --json");
    cJSON *json = parsed(f);
    const cJSON *map = get(cJSON_GetArrayItem(get(json, "results"), 0), "map");
    check_number(get(map, "hot"), "regions", 1);
    check_number(get(map, "hot"), "share", 4.0 / 36);
    cJSON_Delete(json);
}

/* What shows nothing has no map to tell of, and says so. */
static void test_states(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t 0,1,2 -q -o out/ --json");
    cJSON *json = parsed(f);
    static const char *const states[] = { "ok", "flat", "empty" };
    for (int i = 0; i < 3; i++) {
        const cJSON *result = cJSON_GetArrayItem(get(json, "results"), i);
        check_text(result, "state", states[i]);
        assert_int_equal(cJSON_HasObjectItem(result, "map"), i == 0);
        assert_int_equal(cJSON_HasObjectItem(result, "file"), i == 0);
    }
    cJSON_Delete(json);
}

static void test_parameters(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --method smoothgrad,ig --steps 3 --noise 0.5 "
                    "--seed 7 --set rule=trapezoid -o out/ --json");
    cJSON *json = parsed(f);
    const cJSON *results = get(json, "results");
    const cJSON *smooth = get(cJSON_GetArrayItem(results, 0), "parameters");
    const cJSON *path = get(cJSON_GetArrayItem(results, 1), "parameters");
    assert_true(cJSON_IsNull(get(smooth, "samples"))); /* the method's own */
    check_number(smooth, "noise", 0.5);
    check_number(smooth, "seed", 7);
    check_number(path, "steps", 3);
    check_text(path, "baseline", "zero");
    check_text(path, "rule", "trapezoid");
    cJSON_Delete(json);
}

/* ---- pictures ------------------------------------------------------------ */

/* Colours alone, in grey: 1, .75 and 0; of 256 greys number 192 is .75. */
static void test_colours(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --colormap grey --alpha 1 -o o.png");
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 2, 255, 255, 255);
    check_pixel(&image, 4, 4, 192, 192, 192);
    check_pixel(&image, 0, 0, 0, 0, 0);
    cxai_image_free(&image);
}

/* The photo where it is hot: 153 * 192 / 255 is 115.2, 51 * 192 / 255 38.4. */
static void test_multiply(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --colormap grey --blend multiply -o o.png");
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 2, 204, 51, 0);
    check_pixel(&image, 4, 4, 115, 38, 0);
    check_pixel(&image, 0, 0, 0, 0, 0);
    cxai_image_free(&image);
}

/* The photo itself with the box: white on the square's rim, which is all of it,
   ink around. */
static void test_box(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --hot 0.5 --alpha 0 -o o.png");
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 1, 255, 255, 255);
    check_pixel(&image, 2, 2, 255, 255, 255);
    check_pixel(&image, 0, 0, 32, 32, 32);
    check_pixel(&image, 3, 2, 32, 32, 32);
    check_pixel(&image, 4, 4, 153, 51, 0);
    cxai_image_free(&image);
}

/* The contour of a half cuts the square's corners, .5 / sqrt 2 from the centres
   of its pixels: .646 of white over ink. A count of 1 is the same level. */
static void test_contours(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --contours 0.5 --alpha 0 -o o.png && " HEAT
                    "-t red --contours 1 --alpha 0 -o p.png && cmp o.png "
                    "p.png");
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 1, 176, 176, 176);
    check_pixel(&image, 2, 1, 176, 176, 176);
    check_pixel(&image, 5, 0, 0, 51, 0);
    cxai_image_free(&image);
}

/* PNG with alpha (colour type 6): over white, as it is read here, .75 of grey
   192 is 192 * 191/255 + 255 * 64/255 = 207.8. */
static void test_map_only(void **state)
{
    fixture *f = *state;
    char path[256];
    void *bytes;
    size_t size;
    cxai_error error;
    succeed(f, HEAT "-t red --map-only --colormap grey -o o.png");
    path_of(f, "o.png", path);
    check_ok(cxai_file_read(path, 0, &bytes, &size, &error), &error);
    assert_true(size > 26);
    assert_int_equal(((uint8_t *)bytes)[25], 6);
    free(bytes);
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 1, 255, 255, 255);
    check_pixel(&image, 4, 4, 208, 208, 208);
    check_pixel(&image, 0, 0, 255, 255, 255); /* nothing there */
    cxai_image_free(&image);
}

/* The gradient of class 0 minus class 1 is 1 in red, -1 in green: summed over
   channels 0. Input times gradient is red - green: .6, .4 and -.2; of the sum
   of magnitudes 2.8 + 6.2 = 9 all but 2 % is reached at .6, so the colours are
   those of 1, .4/.6 and -.2/.6. The bar ends at .6 and -.6. */
static void test_signed(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t \"red - green\" --method ixg --alpha 1 --colormap "
                    "grey -o o.png --json");
    cJSON *json = parsed(f);
    const cJSON *map = get(cJSON_GetArrayItem(get(json, "results"), 0), "map");
    check_numbers(map, "scale", NUMBERS(-0.6, 0.6));
    cJSON_Delete(json);
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 1, 1, 255, 255, 255);
    check_pixel(&image, 4, 4, 213, 213, 213); /* 256 * 5/6 = 213.3 */
    check_pixel(&image, 0, 0, 85, 85, 85);    /* 256 * 1/3 = 85.3 */
    cxai_image_free(&image);
}

/* The bar stands beside the picture, 4 pixels apart, and goes from what the
   method computed for the coldest pixel, 0, to the hottest, .8. */
static void test_colorbar(void **state)
{
    fixture *f = *state;
    cxai_image bar;
    cxai_error error;
    succeed(f, HEAT "-t red --colorbar -o o.png");
    cxai_image image = picture(f, "o.png");
    check_ok(
        cxai_colorbar(&bar, 40, (cxai_range){ 0, 0.8 }, CXAI_TURBO, &error),
        &error);
    assert_int_equal(image.width, 4 + 6 + 4 + bar.width + 4);
    assert_int_equal(image.height, 4 + 40 + 4);
    for (int y = 0; y < 40; y++)
        assert_memory_equal(image.pixels + 3 * ((4 + y) * image.width + 14),
                            bar.pixels + 3 * y * bar.width,
                            (size_t)bar.width * 3);
    cxai_image_free(&bar);
    cxai_image_free(&image);
}

/* What has no negative values is no signed map: the colours begin at 0. */
static void test_unsigned(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --method ixg --alpha 1 --colormap grey -o o.png");
    cxai_image image = picture(f, "o.png");
    check_pixel(&image, 0, 0, 0, 0, 0);
    check_pixel(&image, 1, 1, 255, 255, 255);
    cxai_image_free(&image);
}

static void test_wrong_styles(void **state)
{
    fixture *f = *state;
    refuse(f, HEAT "--blend screen", 1, "multiply");
    refuse(f, HEAT "--contours 0", 1, "--contours");
    refuse(f, HEAT "--contours 33", 1, "1 to 32");
    refuse(f, HEAT "--contours 0.5,", 1, "--contours");
    refuse(f, HEAT "--contours 0.5,1.5", 1, "--contours");
    refuse(f, HEAT "--contours half", 1, "half");
    refuse(f, HEAT "--sign up", 1, "--sign");
    refuse(f, HEAT "--hot 0", 2, "--hot");
    refuse(f, HEAT "--hot 2", 2, "--hot");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, red_green_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers),      TEST(test_hot_is_told), TEST(test_states),
        TEST(test_parameters),   TEST(test_colours),     TEST(test_multiply),
        TEST(test_box),          TEST(test_contours),    TEST(test_map_only),
        TEST(test_signed),       TEST(test_colorbar),    TEST(test_unsigned),
        TEST(test_wrong_styles),
    };
    return cmocka_run_group_tests_name("cli heatmap", tests, NULL, NULL);
}
