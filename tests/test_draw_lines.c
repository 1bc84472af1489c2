/*
 * What is drawn of a map besides its colours, against hand calculation: contour
 * lines, boxes and the region that they are drawn around, transparent maps,
 * blending.
 */
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cxai/draw.h"

static const cxai_real nothing = (cxai_real)NAN;

static void check_pixel(const cxai_image *image, int x, int y, const char *want)
{
    char got[32] = "";
    size_t at = (size_t)(y * image->width + x) * (size_t)image->channels;
    for (int c = 0; c < image->channels; c++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d",
                 c > 0 ? " " : "", image->pixels[at + (size_t)c]);
    if (strcmp(got, want) != 0)
        fail_msg("pixel %d, %d is %s, not %s", x, y, got, want);
}

/* The red samples of a row. */
static void check_row(const cxai_image *image, int y, const int *want)
{
    for (int x = 0; x < image->width; x++) {
        int got = image->pixels[(y * image->width + x) * image->channels];
        if (got != want[x])
            fail_msg("row %d, column %d is %d, not %d", y, x, got, want[x]);
    }
}

static cxai_image black(int width, int height, int channels)
{
    cxai_image image;
    cxai_error error;
    check_ok(cxai_image_create(&image, width, height, channels, &error),
             &error);
    return image;
}

static void contours(cxai_image *image, const cxai_real *map,
                     const double *levels, int count)
{
    cxai_error error;
    check_ok(cxai_contours_draw(image, map, levels, count, &error), &error);
}

/* ---- contours ---- */

/* A ramp of 1 a pixel crosses 2.5 at x = 3, between two pixels. On a small
   picture the line is 1 wide and its rim 1 on either side. The pixels beside it
   are half white over the ink, 255/2 + 32/2; the next half ink over black. */
static void test_contour_of_a_ramp(void **state)
{
    (void)state;
    static const int want[] = { 0, 16, 144, 144, 16, 0, 0 };
    const double level = 2.5;
    cxai_real map[7 * 5];
    cxai_image image = black(7, 5, 3);
    for (int i = 0; i < 7 * 5; i++)
        map[i] = (cxai_real)(i % 7);
    contours(&image, map, &level, 1);
    for (int y = 0; y < 5; y++)
        check_row(&image, y, want);
    cxai_image_free(&image);
}

/* Two levels are two lines; a level that the map never reaches is none. */
static void test_contour_levels(void **state)
{
    (void)state;
    static const int want[] = { 0,  0,   16,  144, 144, 16, 0, 0,
                                16, 144, 144, 16,  0,   0,  0 };
    const double levels[] = { 3.5, 9.5, 14.5, -0.5 };
    cxai_real map[15 * 2];
    cxai_image image = black(15, 2, 3);
    for (int i = 0; i < 15 * 2; i++)
        map[i] = (cxai_real)(i % 15);
    contours(&image, map, levels, 4);
    check_row(&image, 0, want);
    cxai_image_free(&image);
}

/* Above and below crosswise: the mean .5 is at or above .5, so the two lows are
   parted, by lines from the middle of a side to the next. Highs lie .5 from
   them, lows .5 / sqrt 2. At level .6 it is the highs that are parted, .4 /
   sqrt 2 from their lines, and the lows lie .6 from these. */
static void test_contour_of_a_saddle(void **state)
{
    (void)state;
    const cxai_real map[] = { 1, 0, 0, 1 };
    double level = 0.5;
    cxai_image image = black(2, 2, 3);
    contours(&image, map, &level, 1);
    check_row(&image, 0, (int[]){ 144, 176 });
    check_row(&image, 1, (int[]){ 176, 144 });
    cxai_image_free(&image);
    image = black(2, 2, 3);
    level = 0.6;
    contours(&image, map, &level, 1);
    check_row(&image, 0, (int[]){ 192, 121 });
    check_row(&image, 1, (int[]){ 121, 192 });
    cxai_image_free(&image);
}

/* What was not seen has no contours, nor have flat maps and single rows. */
static void test_no_contour(void **state)
{
    (void)state;
    const cxai_real hidden[] = { 0, nothing, 1, 1, 0, nothing, 1, 1 };
    const cxai_real flat[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    const cxai_real row[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
    const double levels[] = { 0.5, 1 };
    cxai_image image = black(4, 2, 3), thin = black(8, 1, 3);
    contours(&image, hidden, levels, 2);
    contours(&image, flat, levels, 2);
    contours(&thin, row, levels, 2);
    for (int i = 0; i < 4 * 2 * 3; i++) {
        assert_int_equal(image.pixels[i], 0);
        assert_int_equal(thin.pixels[i], 0);
    }
    cxai_image_free(&image);
    cxai_image_free(&thin);
}

/* A larger picture has wider lines: from 400 pixels on 2, with rims of 1.5. */
static void test_contours_widen(void **state)
{
    (void)state;
    static const int want[] = { 16, 32, 255, 255, 32, 16, 0 };
    static cxai_real map[400 * 2];
    const double level = 99.5;
    cxai_image image = black(400, 2, 3);
    for (int i = 0; i < 400 * 2; i++)
        map[i] = (cxai_real)(i % 400);
    contours(&image, map, &level, 1);
    for (int i = 0; i < 7; i++)
        assert_int_equal(image.pixels[3 * (97 + i)], want[i]);
    cxai_image_free(&image);
}

/* On a transparent ground the line is as opaque as it covers: the ink alone,
   then half of white over it. */
static void test_contours_over_nothing(void **state)
{
    (void)state;
    const cxai_real map[] = { 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5 };
    const double level = 2.5;
    cxai_image image = black(6, 2, 4);
    contours(&image, map, &level, 1);
    check_pixel(&image, 0, 0, "0 0 0 0");
    check_pixel(&image, 1, 0, "32 32 32 128");
    check_pixel(&image, 2, 0, "144 144 144 255");
    cxai_image_free(&image);
}

/* ---- regions and boxes ---- */

static const cxai_real spots[] = {
    0,
    (cxai_real).9,
    0,
    0,
    0,
    (cxai_real).6,
    0,
    (cxai_real).8,
    0,
    0,
    (cxai_real).7,
    0,
    nothing,
    0,
    0,
    0,
    0,
    0,
    (cxai_real).5,
    (cxai_real).5,
    (cxai_real).5,
    (cxai_real).5,
    (cxai_real).5,
    (cxai_real).49,
};

static cxai_region region_of(const cxai_real *map, int height, int width,
                             double threshold)
{
    cxai_region region;
    cxai_error error;
    check_ok(cxai_map_region(&region, map, height, width, threshold, &error),
             &error);
    return region;
}

static void check_near(double got, double want)
{
    if (!(fabs(got - want) < 1e-6)) /* .1 and so on as 32-bit reals */
        fail_msg("%.9g, not %.9g", got, want);
}

static void check_box(cxai_box box, int left, int top, int right, int bottom)
{
    assert_int_equal(box.left, left);
    assert_int_equal(box.top, top);
    assert_int_equal(box.right, right);
    assert_int_equal(box.bottom, bottom);
}

/* At .5 there are three: 1.7 in two pixels, 1.3 in two that touch by a corner,
   2.5 in five. At .6 the last is gone; the centre of the first is at
   (.9 * .5 + .8 * 1.5) / 1.7. */
static void test_region(void **state)
{
    (void)state;
    cxai_region r = region_of(spots, 4, 6, 0.5);
    check_box(r.box, 0, 3, 5, 4);
    assert_int_equal(r.area, 5);
    assert_int_equal(r.regions, 3);
    assert_int_equal(r.hot_area, 9);
    check_near(r.heat, 2.5);
    check_near(r.centre_x, 2.5);
    check_near(r.centre_y, 3.5);
    r = region_of(spots, 4, 6, 0.55);
    check_box(r.box, 1, 0, 2, 2);
    assert_int_equal(r.area, 2);
    assert_int_equal(r.regions, 2);
    assert_int_equal(r.hot_area, 4);
    check_near(r.centre_x, 1.5);
    check_near(r.centre_y, 1.65 / 1.7);
}

/* A ring around a hole is one region, whatever way it is walked. */
static void test_region_of_a_ring(void **state)
{
    (void)state;
    cxai_real map[9 * 9] = { 0 };
    for (int i = 0; i < 81; i++) {
        int x = i % 9 - 4, y = i / 9 - 4;
        map[i] = x * x + y * y >= 9 && x * x + y * y <= 13;
    }
    cxai_region r = region_of(map, 9, 9, 1);
    check_box(r.box, 1, 1, 8, 8);
    assert_int_equal(r.regions, 1);
    assert_int_equal(r.area, 20); /* 4 of 9, 8 each of 10 and 13 */
    check_near(r.centre_x, 4.5);
}

static void test_no_region(void **state)
{
    (void)state;
    cxai_region r = region_of(spots, 4, 6, 0.95);
    cxai_error error;
    check_box(r.box, 0, 0, 0, 0);
    assert_int_equal(r.area + r.regions + r.hot_area, 0);
    assert_true(isnan(r.centre_x) && isnan(r.centre_y));
    check_error(cxai_map_region(&r, spots, 4, 6, 0, &error), &error,
                CXAI_INVALID, "larger than 0");
    check_error(cxai_map_region(&r, spots, 1 << 30, 6, 1, &error), &error,
                CXAI_LIMIT, "too large");
}

/* A line of 1 inside of the box, dark lines of 1 on either side of it. */
static void test_box(void **state)
{
    (void)state;
    static const int outer[] = { 9, 32, 32, 32, 32, 32, 32, 32, 9, 9 };
    static const int edge[] = { 9, 32, 255, 255, 255, 255, 255, 32, 9, 9 };
    static const int rim[] = { 9, 32, 255, 32, 32, 32, 255, 32, 9, 9 };
    static const int inner[] = { 9, 32, 255, 32, 9, 32, 255, 32, 9, 9 };
    static const int none[] = { 9, 9, 9, 9, 9, 9, 9, 9, 9, 9 };
    cxai_image image = black(10, 9, 3);
    memset(image.pixels, 9, 10 * 9 * 3);
    cxai_box_draw(&image, (cxai_box){ 2, 2, 7, 7 });
    check_row(&image, 0, none);
    check_row(&image, 1, outer);
    check_row(&image, 2, edge);
    check_row(&image, 3, rim);
    check_row(&image, 4, inner);
    check_row(&image, 6, edge);
    check_row(&image, 7, outer);
    check_row(&image, 8, none);
    /* beyond the picture nothing is written */
    cxai_box_draw(&image, (cxai_box){ -5, -5, 100, 100 });
    cxai_image_free(&image);
}

/* ---- maps alone and laid over ---- */

static void test_transparent(void **state)
{
    (void)state;
    const cxai_real map[] = { 0, (cxai_real)0.5, 1, nothing };
    cxai_image image;
    cxai_error error;
    check_ok(cxai_map_transparent(&image, map, 2, 2, 0, CXAI_VIRIDIS, &error),
             &error);
    check_pixel(&image, 0, 0, "68 1 84 0");
    check_pixel(&image, 1, 0, "33 145 140 128");
    check_pixel(&image, 0, 1, "253 231 37 255");
    check_pixel(&image, 1, 1, "0 0 0 0");
    cxai_image_free(&image);
    /* signed: 0 is -1, .5 is nothing */
    check_ok(
        cxai_map_transparent(&image, map, 2, 2, 0.5, CXAI_DIVERGING, &error),
        &error);
    check_pixel(&image, 0, 0, "12 52 140 255");
    check_pixel(&image, 1, 0, "250 250 250 0");
    check_pixel(&image, 0, 1, "150 12 30 255");
    check_pixel(&image, 1, 1, "0 0 0 0");
    cxai_image_free(&image);
}

/* 200, 100, 50 times viridis 68, 1, 84: 53.3, .4, 16.5 of it; at alpha .5 the
   mean of photo and product. Grey is a mask. */
static void test_multiply(void **state)
{
    (void)state;
    const cxai_real map[] = { 0, nothing }, mask[] = { 1, 0 };
    cxai_image photo = black(2, 1, 3), image;
    cxai_error error;
    memcpy(photo.pixels, (uint8_t[]){ 200, 100, 50, 200, 100, 50 }, 6);
    check_ok(cxai_overlay(&image, &photo, map, CXAI_VIRIDIS, 1,
                          CXAI_BLEND_MULTIPLY, &error),
             &error);
    check_pixel(&image, 0, 0, "53 0 16");
    check_pixel(&image, 1, 0, "200 100 50");
    cxai_image_free(&image);
    check_ok(cxai_overlay(&image, &photo, map, CXAI_VIRIDIS, 0.5,
                          CXAI_BLEND_MULTIPLY, &error),
             &error);
    check_pixel(&image, 0, 0, "127 50 33");
    cxai_image_free(&image);
    check_ok(cxai_overlay(&image, &photo, mask, CXAI_GREY_MAP, 1,
                          CXAI_BLEND_MULTIPLY, &error),
             &error);
    check_pixel(&image, 0, 0, "200 100 50");
    check_pixel(&image, 1, 0, "0 0 0");
    cxai_image_free(&image);
    cxai_image_free(&photo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contour_of_a_ramp),
        cmocka_unit_test(test_contour_levels),
        cmocka_unit_test(test_contour_of_a_saddle),
        cmocka_unit_test(test_no_contour),
        cmocka_unit_test(test_contours_widen),
        cmocka_unit_test(test_contours_over_nothing),
        cmocka_unit_test(test_region),
        cmocka_unit_test(test_region_of_a_ring),
        cmocka_unit_test(test_no_region),
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_transparent),
        cmocka_unit_test(test_multiply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
