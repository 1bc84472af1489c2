/*
 * Colour maps against matplotlib and OpenCV (tests/reference/preprocess.py),
 * overlays, text and grids against hand calculation.
 */
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/draw.h"
#include "cxai/file.h"

static const uint8_t *pixel(const cxai_image *image, int x, int y)
{
    assert_in_range(x, 0, image->width - 1);
    assert_in_range(y, 0, image->height - 1);
    return image->pixels + (y * image->width + x) * image->channels;
}

static void check_pixel(const cxai_image *image, int x, int y,
                        const uint8_t rgb[3])
{
    const uint8_t *got = pixel(image, x, y);
    if (memcmp(got, rgb, 3) != 0)
        fail_msg("pixel %d, %d is %d %d %d, not %d %d %d", x, y, got[0], got[1],
                 got[2], rgb[0], rgb[1], rgb[2]);
}

static void check_colour(cxai_colormap colormap, double value, int red,
                         int green, int blue)
{
    uint8_t rgb[3];
    cxai_colormap_colour(colormap, value, rgb);
    assert_int_equal(rgb[0], red);
    assert_int_equal(rgb[1], green);
    assert_int_equal(rgb[2], blue);
}

/* ---- colour maps ---- */

static void test_colormaps(void **state)
{
    (void)state;
    /* viridis to plasma are tables of matplotlib's own numbers; cividis and
       turbo go through every third colour; OpenCV's jet is a table of rounded
       decimals, which moves one tie */
    static const struct {
        cxai_colormap map;
        int tolerance;
    } maps[] = {
        { CXAI_VIRIDIS, 0 }, { CXAI_INFERNO, 0 }, { CXAI_MAGMA, 0 },
        { CXAI_PLASMA, 0 },  { CXAI_CIVIDIS, 3 }, { CXAI_TURBO, 1 },
        { CXAI_JET, 1 },
    };
    cxai_real *want;
    cxai_shape shape;
    cxai_error error;
    check_ok(cxai_npy_load("tests/data/preprocess/colormaps.npy", 0, &want,
                           &shape, &error),
             &error);
    assert_int_equal(shape.dim[0], sizeof maps / sizeof *maps);
    for (int m = 0; m < (int)shape.dim[0]; m++)
        for (int i = 0; i < 256; i++) {
            uint8_t rgb[3];
            cxai_colormap_colour(maps[m].map, (i + 0.5) / 256, rgb);
            for (int c = 0; c < 3; c++) {
                int expected = (int)want[(m * 256 + i) * 3 + c];
                if (abs(rgb[c] - expected) > maps[m].tolerance)
                    fail_msg("%s colour %d channel %d is %d, not %d",
                             cxai_colormap_name(maps[m].map), i, c, rgb[c],
                             expected);
            }
        }
    free(want);
}

/* No value wraps round, whatever it is. */
static void test_colormap_ends(void **state)
{
    (void)state;
    check_colour(CXAI_VIRIDIS, 0, 68, 1, 84);
    check_colour(CXAI_VIRIDIS, 1, 253, 231, 37);
    check_colour(CXAI_VIRIDIS, -5, 68, 1, 84);
    check_colour(CXAI_VIRIDIS, 1e300, 253, 231, 37);
    check_colour(CXAI_GREY_MAP, 0, 0, 0, 0);
    check_colour(CXAI_GREY_MAP, 255.0 / 256, 255, 255, 255);
    check_colour(CXAI_GREY_MAP, 1, 255, 255, 255);
    check_colour(CXAI_GREY_MAP, 0.5, 128, 128, 128);
    check_colour(CXAI_JET, 0, 0, 0, 128);
    check_colour(CXAI_JET, 1, 128, 0, 0);
    check_colour(CXAI_VIRIDIS, (double)NAN, 128, 128, 128);
    check_colour(CXAI_JET, -HUGE_VAL, 128, 128, 128);
}

/* Signed maps: zero is neutral, to the last bit. Half way the strength is
   .5^.85 = .5548, and its square on the channel that stays. */
static void test_diverging(void **state)
{
    (void)state;
    check_colour(CXAI_DIVERGING, 0, 12, 52, 140);
    check_colour(CXAI_DIVERGING, 0.25, 118, 140, 216);
    check_colour(CXAI_DIVERGING, 0.5, 250, 250, 250);
    check_colour(CXAI_DIVERGING, 0.75, 219, 118, 128);
    check_colour(CXAI_DIVERGING, 1, 150, 12, 30);
}

static void test_names(void **state)
{
    (void)state;
    cxai_colormap found;
    cxai_error error;
    for (int m = 0; m < CXAI_COLORMAP_COUNT; m++) {
        check_ok(cxai_colormap_find(cxai_colormap_name((cxai_colormap)m),
                                    &found, &error),
                 &error);
        assert_int_equal((int)found, m);
    }
    assert_null(cxai_colormap_name(CXAI_COLORMAP_COUNT));
    check_error(cxai_colormap_find("rainbow", &found, &error), &error,
                CXAI_NOT_FOUND, "viridis, inferno");
}

/* ---- maps ---- */

static void test_range(void **state)
{
    (void)state;
    const cxai_real map[] = { 3, (cxai_real)NAN, -1, (cxai_real)HUGE_VAL, 2 };
    cxai_range range = cxai_map_range(map, 5, 0);
    assert_true(range.low == -1 && range.high == 3);
    range = cxai_map_range(map, 5, 1);
    assert_true(range.low == -3 && range.high == 3);
    range = cxai_map_range(map + 1, 1, 0);
    assert_true(range.low == 0 && range.high == 0);
}

/* Values as small as 1e-9 span all colours; a flat map does no harm. */
static void test_map_draw(void **state)
{
    (void)state;
    const cxai_real tiny[] = { 0, (cxai_real)1e-9, (cxai_real)NAN,
                               (cxai_real)0.5e-9 };
    const cxai_real flat[] = { 7, 7, 7, 7 };
    cxai_image image;
    cxai_error error;
    check_ok(cxai_map_draw(&image, tiny, 2, 2, cxai_map_range(tiny, 4, 0),
                           CXAI_GREY_MAP, &error),
             &error);
    check_pixel(&image, 0, 0, (uint8_t[]){ 0, 0, 0 });
    check_pixel(&image, 1, 0, (uint8_t[]){ 255, 255, 255 });
    check_pixel(&image, 0, 1, (uint8_t[]){ 128, 128, 128 });
    check_pixel(&image, 1, 1, (uint8_t[]){ 128, 128, 128 });
    cxai_image_free(&image);
    check_ok(cxai_map_draw(&image, flat, 1, 4, cxai_map_range(flat, 4, 0),
                           CXAI_GREY_MAP, &error),
             &error);
    check_pixel(&image, 3, 0, (uint8_t[]){ 0, 0, 0 });
    cxai_image_free(&image);
}

static void test_overlay(void **state)
{
    (void)state;
    cxai_image photo, image;
    cxai_error error;
    cxai_real map[256 * 2];
    check_ok(cxai_image_create(&photo, 256, 2, 3, &error), &error);
    for (int i = 0; i < 512; i++) {
        uint8_t x = (uint8_t)(i % 256);
        memcpy(photo.pixels + 3 * i, (uint8_t[]){ x, (uint8_t)(255 - x), 128 },
               3);
        map[i] = (cxai_real)((i % 256) / 255.0);
    }
    map[256 + 9] = (cxai_real)NAN;
    check_ok(cxai_overlay(&image, &photo, map, CXAI_JET, 0, CXAI_BLEND_ALPHA,
                          &error),
             &error);
    assert_memory_equal(image.pixels, photo.pixels, 256 * 2 * 3);
    cxai_image_free(&image);

    check_ok(cxai_overlay(&image, &photo, map, CXAI_VIRIDIS, 1,
                          CXAI_BLEND_ALPHA, &error),
             &error);
    check_pixel(&image, 0, 0, (uint8_t[]){ 68, 1, 84 });
    check_pixel(&image, 255, 1, (uint8_t[]){ 253, 231, 37 });
    check_pixel(&image, 9, 1, pixel(&photo, 9, 1)); /* not seen: the photo */
    cxai_image_free(&image);

    /* .75 * (0, 255, 128) + .25 * (68, 1, 84) = 17, 191.5, 117 */
    check_ok(cxai_overlay(&image, &photo, map, CXAI_VIRIDIS, 0.25,
                          CXAI_BLEND_ALPHA, &error),
             &error);
    check_pixel(&image, 0, 0, (uint8_t[]){ 17, 192, 117 });
    cxai_image_free(&image);
    check_error(cxai_overlay(&image, &photo, map, CXAI_JET, 1.5,
                             CXAI_BLEND_ALPHA, &error),
                &error, CXAI_INVALID, "1.5");
    check_error(cxai_overlay(&image, &photo, map, CXAI_JET, (double)NAN,
                             CXAI_BLEND_ALPHA, &error),
                &error, CXAI_INVALID, "opacity");
    cxai_image_free(&photo);
}

/* ---- text ---- */

static void check_glyph(const char *text, const char *const rows[9], int scale)
{
    static const uint8_t white[3] = { 255, 255, 255 };
    cxai_image image;
    cxai_error error;
    check_ok(
        cxai_image_create(&image, 6 * scale + 2, 10 * scale + 3, 3, &error),
        &error);
    cxai_text_draw(&image, 2, 3, text, white, scale);
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < image.width; x++) {
            int column = (x - 2) / scale, row = (y - 3) / scale;
            int lit = x >= 2 && y >= 3 && column < 5 && row < 9 &&
                      rows[row][column] == '#';
            if ((pixel(&image, x, y)[0] == 255) != lit)
                fail_msg("\"%s\": pixel %d, %d", text, x, y);
        }
    cxai_image_free(&image);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const p[] = { ".....", ".....", "####.",
                                     "#...#", "#...#", "#...#",
                                     "####.", "#....", "#...." };
    static const char *const question[] = { ".###.", "#...#", "....#",
                                            "...#.", "..#..", ".....",
                                            "..#..", ".....", "....." };
    check_glyph("p", p, 1);
    check_glyph("p", p, 3);
    check_glyph("?", question, 1);
    check_glyph("\xc3\xa9", question, 2);         /* e acute */
    check_glyph("\xf0\x9f\x90\x95", question, 1); /* a dog of four bytes */
    check_glyph("\n", question, 1);
    assert_int_equal(cxai_text_width("", 1), 0);
    assert_int_equal(cxai_text_width("ab\xc3\xa9", 2), 36);
}

/* Nothing is drawn outside of the picture. */
static void test_text_clipped(void **state)
{
    (void)state;
    static const uint8_t white[3] = { 255, 255, 255 };
    cxai_image image;
    cxai_error error;
    check_ok(cxai_image_create(&image, 7, 5, 4, &error), &error);
    cxai_text_draw(&image, -20, -4, "MMMMMMMMMMMMMMM", white, 2);
    cxai_text_draw(&image, 100, 100, "M", white, 1);
    cxai_text_draw(&image, 3, 2, "M", white, 1);
    assert_int_equal(pixel(&image, 3, 2)[3], 255); /* opaque where drawn */
    cxai_image_free(&image);
}

static void check_fit(const char *text, int width, const char *wanted)
{
    char out[32];
    assert_string_equal(cxai_text_fit(text, width, out, sizeof out), wanted);
}

static void test_text_fit(void **state)
{
    (void)state;
    check_fit("tiger cat", 54, "tiger cat");
    check_fit("tiger cat", 53, "tiger ..");
    check_fit("tiger cat", 12, "..");
    check_fit("tiger cat", 11, ".");
    check_fit("tiger cat", 5, "");
    check_fit("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 18, "\xc3\xa9..");
}

/* ---- grids ---- */

/* Three maps of 2x1 without labels, two columns, 3 times as large, 5 apart:
   6x3 a tile, so the tiles begin at columns 5 and 16, rows 5 and 13, and the
   picture is 27 x 21. */
static void test_tiles(void **state)
{
    (void)state;
    const cxai_real maps[] = { 0, 1, 10, 30, -4, -2 };
    cxai_tiles style = { .hide_labels = 1,
                         .columns = 2,
                         .upscale = 3,
                         .gap = 5,
                         .colormap = CXAI_GREY_MAP };
    cxai_image image;
    cxai_error error;
    check_ok(cxai_tiles_maps(&image, maps, 3, 1, 2, &style, &error), &error);
    assert_int_equal(image.width, 27);
    assert_int_equal(image.height, 21);
    static const uint8_t black[3] = { 0 }, white[3] = { 255, 255, 255 };
    const int corners[3][2] = { { 5, 5 }, { 16, 5 }, { 5, 13 } };
    for (int t = 0; t < 3; t++) { /* each its own range */
        int x = corners[t][0], y = corners[t][1];
        check_pixel(&image, x, y, black);
        check_pixel(&image, x + 2, y + 2, black);
        check_pixel(&image, x + 3, y, white);
        check_pixel(&image, x + 5, y + 2, white);
    }
    const uint8_t *ground = pixel(&image, 0, 0);
    assert_true(ground[0] > 230);
    check_pixel(&image, 4, 5, ground);
    check_pixel(&image, 11, 5, ground);
    check_pixel(&image, 16, 13, ground); /* no fourth tile */
    cxai_image_free(&image);
}

/* One range for all: 0, 1, 10, 30, -4, -2 from -4 to 30; the colour bar's ends
   are the ends of the colour map. */
static void test_shared_range(void **state)
{
    (void)state;
    const cxai_real maps[] = { 0, 1, 10, 30, -4, -2 };
    cxai_tiles style = { .hide_labels = 1,
                         .columns = 1,
                         .upscale = 40,
                         .gap = 5,
                         .shared_range = 1,
                         .colormap = CXAI_GREY_MAP };
    cxai_image image;
    cxai_error error;
    check_ok(cxai_tiles_maps(&image, maps, 3, 1, 2, &style, &error), &error);
    for (int i = 0; i < 6; i++) {
        double value = ((double)maps[i] + 4) / 34;
        uint8_t grey = (uint8_t)fmin(255, floor(value * 256));
        check_pixel(&image, 5 + i % 2 * 40, 5 + i / 2 * 45,
                    (uint8_t[]){ grey, grey, grey });
    }
    check_pixel(&image, 90, 5, (uint8_t[]){ 255, 255, 255 });
    check_pixel(&image, 90, image.height - 6, (uint8_t[]){ 0, 0, 0 });
    cxai_image_free(&image);

    style.use_range = 1;
    style.range = (cxai_range){ 0, 60 };
    check_ok(cxai_tiles_maps(&image, maps, 3, 1, 2, &style, &error), &error);
    check_pixel(&image, 5 + 40, 5 + 45, (uint8_t[]){ 128, 128, 128 });
    cxai_image_free(&image);
}

/* Labels: numbers above tiles of at least 64 pixels, or texts, or none. */
static void test_tile_labels(void **state)
{
    (void)state;
    const cxai_real maps[] = { 0, 1, 0, 1 };
    const char *const labels[] = { "0", "1" };
    cxai_tiles style = { .columns = 2 };
    cxai_image numbered, labelled, bare;
    cxai_error error;
    check_ok(cxai_tiles_maps(&numbered, maps, 2, 1, 2, &style, &error), &error);
    assert_int_equal(numbered.width, 4 + 2 * (64 + 4));
    assert_int_equal(numbered.height, 4 + 10 + 32 + 4);
    style.labels = labels;
    check_ok(cxai_tiles_maps(&labelled, maps, 2, 1, 2, &style, &error), &error);
    size_t size = (size_t)(numbered.width * numbered.height * 3);
    assert_memory_equal(numbered.pixels, labelled.pixels, size);
    style.hide_labels = 1;
    check_ok(cxai_tiles_maps(&bare, maps, 2, 1, 2, &style, &error), &error);
    assert_int_equal(bare.height, 4 + 32 + 4);
    /* the 1 above the second tile: its foot is five pixels wide */
    static const uint8_t ink[3] = { 32, 32, 32 };
    for (int x = 0; x < 5; x++)
        check_pixel(&numbered, 72 + x, 4 + 6, ink);
    cxai_image_free(&numbered);
    cxai_image_free(&labelled);
    cxai_image_free(&bare);
}

/* Labels of rows and columns: two rows of two tiles of 40 x 30. The labels take
   ten pixels at the left and at the top; "-" read upwards is five pixels of the
   fourth column of the text, in the middle of its row. */
static void test_row_labels(void **state)
{
    (void)state;
    static const char *const columns[] = { "1", "-" };
    static const char *const rows[] = { "-", "" };
    static const uint8_t ink[3] = { 32, 32, 32 };
    cxai_tiles style = { .labels = columns, .row_labels = rows, .columns = 2 };
    cxai_image images[4], image;
    cxai_error error;
    for (int i = 0; i < 4; i++)
        check_ok(cxai_image_create(&images[i], 40, 30, 3, &error), &error);
    check_ok(cxai_tiles_images(&image, images, 4, &style, &error), &error);
    assert_int_equal(image.width, 4 + 10 + 40 + 4 + 40 + 4);
    assert_int_equal(image.height, 4 + 10 + 30 + 4 + 30 + 4);
    const uint8_t *ground = pixel(&image, 0, 0);
    for (int i = 0; i < 4; i++)
        check_pixel(&image, 14 + i % 2 * 44, 14 + i / 2 * 34,
                    (uint8_t[]){ 0, 0, 0 });
    check_pixel(&image, 14, 13, ground);
    check_pixel(&image, 14, 44, ground);
    for (int i = 0; i < 5; i++) {
        check_pixel(&image, 58 + i, 4 + 3, ink); /* above the second column */
        check_pixel(&image, 4 + 3, 27 + i, ink); /* beside the first row */
    }
    check_pixel(&image, 7, 26, ground);
    check_pixel(&image, 7, 32, ground);
    for (int i = 0; i < 4; i++)
        cxai_image_free(&images[i]);
    cxai_image_free(&image);
}

/* Pictures of several sizes side by side. */
static void test_side_by_side(void **state)
{
    (void)state;
    cxai_image images[2], image;
    cxai_error error;
    cxai_tiles style = { .columns = 2, .hide_labels = 1, .gap = 3 };
    check_ok(cxai_image_create(&images[0], 4, 2, 3, &error), &error);
    check_ok(cxai_image_create(&images[1], 1, 5, 4, &error), &error);
    memset(images[1].pixels, 200, 1 * 5 * 4);
    images[1].pixels[2 * 4 + 3] = 255; /* opaque in the middle */
    check_ok(cxai_tiles_images(&image, images, 2, &style, &error), &error);
    assert_int_equal(image.width, 3 + 4 + 3 + 1 + 3);
    assert_int_equal(image.height, 3 + 5 + 3);
    check_pixel(&image, 6, 4, (uint8_t[]){ 0, 0, 0 });
    check_pixel(&image, 6, 5, pixel(&image, 0, 0));
    /* 200/255 of 200 over the ground: 209.9 */
    check_pixel(&image, 10, 7, (uint8_t[]){ 210, 210, 210 });
    check_pixel(&image, 10, 5, (uint8_t[]){ 200, 200, 200 });
    for (int i = 0; i < 2; i++)
        cxai_image_free(&images[i]);
    cxai_image_free(&image);
}

static void test_bad_tiles(void **state)
{
    (void)state;
    static const cxai_real map[1000 * 1000];
    cxai_image image;
    cxai_error error;
    cxai_tiles style = { .upscale = 1024 };
    check_error(cxai_tiles_maps(&image, map, 0, 1, 1, NULL, &error), &error,
                CXAI_INVALID, "0 tiles");
    check_error(cxai_tiles_maps(&image, map, 1, 1000, 1000, &style, &error),
                &error, CXAI_LIMIT, "too large");
    check_error(cxai_tiles_images(&image, NULL, 0, NULL, &error), &error,
                CXAI_INVALID, "0 tiles");
    assert_null(image.pixels);
}

static void test_colorbar(void **state)
{
    (void)state;
    cxai_image image;
    cxai_error error;
    check_ok(
        cxai_colorbar(&image, 101, (cxai_range){ -1, 1 }, CXAI_VIRIDIS, &error),
        &error);
    assert_int_equal(image.height, 101);
    check_pixel(&image, 0, 0, (uint8_t[]){ 253, 231, 37 });
    check_pixel(&image, 0, 100, (uint8_t[]){ 68, 1, 84 });
    /* #21918c in the middle */
    check_pixel(&image, 0, 50, (uint8_t[]){ 0x21, 0x91, 0x8c });
    cxai_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colormaps),
        cmocka_unit_test(test_colormap_ends),
        cmocka_unit_test(test_diverging),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_map_draw),
        cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_clipped),
        cmocka_unit_test(test_text_fit),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_shared_range),
        cmocka_unit_test(test_tile_labels),
        cmocka_unit_test(test_row_labels),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_bad_tiles),
        cmocka_unit_test(test_colorbar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
