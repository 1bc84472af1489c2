/*
 * Pictures in and out, against pixels from the PNG specification's arithmetic,
 * Pillow and OpenCV (tests/reference/pictures.py), and against damage.
 */
#include "support/check.h"
#include "support/reference.h"

#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "cxai/file.h"
#include "cxai/image.h"

#define FOLDER "tests/data/pictures/"

static int set_up(void **state)
{
    static reference r;
    reference_open(&r, FOLDER, "pixels.npy", NULL);
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    reference_close(*state);
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

static const char *path_of(const char *file)
{
    static char path[256];
    snprintf(path, sizeof path, FOLDER "%s", file);
    return path;
}

static void *read_bytes(const char *file, size_t *size)
{
    cxai_error error;
    void *bytes;
    check_ok(cxai_file_read(path_of(file), 0, &bytes, size, &error), &error);
    return bytes;
}

/* ---- every kind of picture ---- */

static void check_pixels(const cxai_image *image, const cxai_real *want,
                         const char *file)
{
    size_t count = (size_t)image->width * (size_t)image->height * 3;
    for (size_t i = 0; i < count; i++)
        if (image->pixels[i] != (int)want[i])
            fail_msg("%s: sample %zu is %d, not %d", file, i, image->pixels[i],
                     (int)want[i]);
}

/* Bit for bit: PNG is exact, and JPEG is decoded by the same library. */
static void test_kinds(void **state)
{
    reference *f = *state;
    int count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(f->index, "files"))
    {
        const char *file = text(entry, "file");
        cxai_image image;
        cxai_image_info info;
        cxai_error error;
        check_ok(cxai_image_load(&image, path_of(file), NULL, &info, &error),
                 &error);
        assert_int_equal(image.channels, 3);
        assert_int_equal(image.width, number(entry, "width"));
        assert_int_equal(image.height, number(entry, "height"));
        check_pixels(&image, f->numbers + number(entry, "offset"), file);
        assert_string_equal(info.format, text(entry, "format"));
        assert_int_equal(info.alpha_composited, number(entry, "alpha"));
        assert_int_equal(info.orientation, number(entry, "orientation"));
        assert_int_equal(info.orientation_applied, info.orientation != 1);
        cxai_image_free(&image);
        count++;
    }
    assert_int_equal(count, 65);
}

/* What was stored is reported: colours, depth, size before turning. */
static void test_info(void **state)
{
    (void)state;
    static const struct {
        const char *file, *colour;
        int bits;
    } known[] = {
        { "grey1.png", "grey", 1 },         { "rgb16.png", "RGB", 16 },
        { "palette4.png", "palette", 4 },   { "rgba8.png", "RGB", 8 },
        { "grey-alpha16.png", "grey", 16 }, { "grey.jpg", "grey", 8 },
        { "420.jpg", "YCbCr", 8 },          { "rgb.jpg", "RGB", 8 },
        { "cmyk.jpg", "CMYK", 8 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        cxai_image image;
        cxai_image_info info;
        cxai_error error;
        check_ok(cxai_image_load(&image, path_of(known[i].file), NULL, &info,
                                 &error),
                 &error);
        assert_string_equal(info.colour, known[i].colour);
        assert_int_equal(info.bits, known[i].bits);
        cxai_image_free(&image);
    }
}

/* A picture lying on its side stays so when that is asked for. */
static void test_keep_orientation(void **state)
{
    (void)state;
    cxai_image_options options = { .keep_orientation = 1 };
    cxai_image kept, turned;
    cxai_image_info info;
    cxai_error error;
    const char *path = path_of("orientation6.jpg");
    check_ok(cxai_image_load(&kept, path, &options, &info, &error), &error);
    assert_int_equal(info.orientation, 6);
    assert_int_equal(info.orientation_applied, 0);
    check_ok(cxai_image_load(&turned, path, NULL, &info, &error), &error);
    assert_int_equal(info.stored_width, kept.width);
    assert_int_equal(info.stored_height, kept.height);
    assert_int_equal(kept.width, 19);
    assert_int_equal(turned.width, 13);
    /* turned clockwise: the lower left corner comes to the upper left */
    assert_memory_equal(turned.pixels, kept.pixels + 12 * 19 * 3, 3);
    cxai_image_free(&kept);
    cxai_image_free(&turned);
}

/* ---- JPEG files that Pillow cannot write ---- */

typedef struct written {
    unsigned char *bytes;
    unsigned long size;
} written;

/* An 8x8 CMYK picture of one colour, stored inverted, in a colour space. */
static written flat_cmyk(J_COLOR_SPACE space, const uint8_t stored[4])
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    written w = { NULL, 0 };
    uint8_t row[8 * 4];
    JSAMPROW rows[1] = { row };
    for (int i = 0; i < 8; i++)
        memcpy(row + 4 * i, stored, 4);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &w.bytes, &w.size);
    jpeg.image_width = jpeg.image_height = 8;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, space);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 8; y++)
        jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return w;
}

/* Half cyan ink, no magenta, all yellow, a fifth of black: red is
   (1 - .5)(1 - .2), green 1 - .2, blue 0. Within 2 of 255: the colour
   transform rounds twice. */
static void test_cmyk(void **state)
{
    (void)state;
    static const uint8_t stored[4] = { 128, 255, 0, 204 };
    static const int want[3] = { 102, 204, 0 };
    static const J_COLOR_SPACE spaces[] = { JCS_CMYK, JCS_YCCK };
    for (int s = 0; s < 2; s++) {
        written w = flat_cmyk(spaces[s], stored);
        cxai_image image;
        cxai_image_info info;
        cxai_error error;
        check_ok(
            cxai_image_parse(&image, w.bytes, w.size, "x", NULL, &info, &error),
            &error);
        assert_string_equal(info.colour, s == 0 ? "CMYK" : "YCCK");
        for (int i = 0; i < 8 * 8 * 3; i++)
            assert_in_range(image.pixels[i] + 2, want[i % 3], want[i % 3] + 4);
        cxai_image_free(&image);
        free(w.bytes);
    }
}

/* ---- refusals ---- */

static void test_refused(void **state)
{
    reference *f = *state;
    int count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(f->index, "refused"))
    {
        const char *file = text(entry, "file");
        cxai_image image;
        cxai_error error = { 0 };
        count++;
#ifdef CXAI_WEBP
        if (strcmp(text(entry, "word"), "WebP") == 0)
            continue; /* this build reads it */
#endif
        cxai_status status =
            cxai_image_load(&image, path_of(file), NULL, NULL, &error);
        check_error(status, &error, status, text(entry, "word"));
        assert_int_not_equal(status, CXAI_OK);
        assert_non_null(strstr(error.message, file));
        assert_null(image.pixels);
    }
    assert_int_equal(count, 11);
}

static void check_refused(const void *bytes, size_t size, cxai_status wanted,
                          const char *word)
{
    cxai_image image;
    cxai_error error = { 0 };
    cxai_status status =
        cxai_image_parse(&image, bytes, size, "x.png", NULL, NULL, &error);
    check_error(status, &error, wanted, word);
    assert_null(image.pixels);
}

static void test_no_picture(void **state)
{
    (void)state;
    check_refused("", 0, CXAI_MALFORMED, "x.png: the file is empty");
    check_refused("hello, not a picture\n", 21, CXAI_MALFORMED,
                  "not a picture");
    check_refused("\xff\xd8\xff", 3, CXAI_MALFORMED, "truncated");
    check_refused("\x89PNG\r\n\x1a\n", 8, CXAI_MALFORMED, "truncated");
    cxai_image image;
    cxai_error error;
    check_error(
        cxai_image_load(&image, FOLDER "missing.png", NULL, NULL, &error),
        &error, CXAI_NOT_FOUND, "missing.png");
}

static void each_beginning_is_refused(const char *file)
{
    size_t size;
    uint8_t *bytes = read_bytes(file, &size);
    for (size_t cut = 0; cut < size; cut++) {
        /* a block of its own, so that a sanitizer sees what is read beyond */
        uint8_t *copy = malloc(cut > 0 ? cut : 1);
        cxai_image image;
        cxai_error error = { 0 };
        memcpy(copy, bytes, cut);
        if (cxai_image_parse(&image, copy, cut, file, NULL, NULL, &error) ==
            CXAI_OK)
            fail_msg("%s is accepted when cut after %zu of %zu bytes", file,
                     cut, size);
        assert_true(error.message[0] != '\0');
        free(copy);
    }
    free(bytes);
}

static void test_truncated(void **state)
{
    (void)state;
    each_beginning_is_refused("rgb8.png");
    each_beginning_is_refused("palette4-adam7.png");
    each_beginning_is_refused("420.jpg");
    each_beginning_is_refused("progressive.jpg");
    each_beginning_is_refused("restart.jpg");
}

/* Any single damaged byte: refused, or a whole picture; never a crash. PNG has
   checksums: only signature-like changes of an unused kind could pass. */
static void each_damage_is_survived(const char *file, int always_refused)
{
    size_t size;
    uint8_t *bytes = read_bytes(file, &size);
    for (size_t at = 0; at < size; at++) {
        for (int flip = 1; flip < 256; flip = flip * 5 + 2) {
            cxai_image image;
            cxai_image_options options = { .max_pixels = 1000000 };
            cxai_error error = { 0 };
            bytes[at] ^= (uint8_t)flip;
            cxai_status status = cxai_image_parse(&image, bytes, size, file,
                                                  &options, NULL, &error);
            if (status == CXAI_OK && always_refused)
                fail_msg("%s is accepted with byte %zu changed", file, at);
            assert_true((status == CXAI_OK) == (image.pixels != NULL));
            cxai_image_free(&image);
            bytes[at] ^= (uint8_t)flip;
        }
    }
    free(bytes);
}

static void test_damaged(void **state)
{
    (void)state;
    each_damage_is_survived("rgb8.png", 1);
    each_damage_is_survived("palette8-trns.png", 1);
    each_damage_is_survived("420.jpg", 0);
    each_damage_is_survived("progressive.jpg", 0);
    each_damage_is_survived("orientation5.jpg", 0);
    each_damage_is_survived("cmyk.jpg", 0);
}

/* The size in the header decides, before memory is taken: 65500 x 65500 in a
   file of 1 kB. */
static void test_limit(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = read_bytes("444.jpg", &size);
    size_t at = 0;
    while (bytes[at] != 0xff || bytes[at + 1] != 0xc0)
        at++; /* start of frame: length, precision, height, width */
    memcpy(bytes + at + 5, "\xff\xdc\xff\xdc", 4);
    check_refused(bytes, size, CXAI_LIMIT, "65500 x 65500");
    free(bytes);

    cxai_image image;
    cxai_error error;
    cxai_image_options options = { .max_pixels = 11 * 7 - 1 };
    check_error(
        cxai_image_load(&image, path_of("rgb8.png"), &options, NULL, &error),
        &error, CXAI_LIMIT, "limit of 76");
    options.max_pixels = 11 * 7;
    check_ok(
        cxai_image_load(&image, path_of("rgb8.png"), &options, NULL, &error),
        &error);
    cxai_image_free(&image);
    options = (cxai_image_options){ .max_bytes = 10 };
    check_error(
        cxai_image_load(&image, path_of("rgb8.png"), &options, NULL, &error),
        &error, CXAI_LIMIT, "rgb8.png");
}

/* ---- writing ---- */

/* libpng's own simplified reader gives back what was written. */
static void check_round_trip(int channels)
{
    cxai_image image;
    cxai_error error;
    void *bytes;
    size_t size;
    check_ok(cxai_image_create(&image, 37, 23, channels, &error), &error);
    size_t count = 37u * 23u * (size_t)channels;
    for (size_t i = 0; i < count; i++)
        image.pixels[i] = (uint8_t)(i * 7919 >> 3);
    check_ok(cxai_image_encode(&image, &bytes, &size, &error), &error);

    png_image png = { .version = PNG_IMAGE_VERSION };
    assert_int_not_equal(png_image_begin_read_from_memory(&png, bytes, size),
                         0);
    assert_int_equal(png.width, 37);
    assert_int_equal(png.height, 23);
    png.format = channels == 4 ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
    uint8_t *back = malloc(PNG_IMAGE_SIZE(png));
    assert_int_not_equal(png_image_finish_read(&png, NULL, back, 0, NULL), 0);
    assert_memory_equal(back, image.pixels, count);
    free(back);
    free(bytes);
    cxai_image_free(&image);
}

static void test_encode(void **state)
{
    (void)state;
    check_round_trip(3);
    check_round_trip(4);
}

static void test_save(void **state)
{
    (void)state;
    char path[] = "/tmp/cxai-test-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    cxai_image image, back;
    cxai_error error;
    check_ok(cxai_image_load(&image, path_of("444.jpg"), NULL, NULL, &error),
             &error);
    check_ok(cxai_image_save(&image, path, &error), &error);
    check_ok(cxai_image_load(&back, path, NULL, NULL, &error), &error);
    assert_int_equal(back.width, image.width);
    assert_memory_equal(back.pixels, image.pixels,
                        (size_t)(image.width * image.height * 3));
    unlink(path);
    check_error(cxai_image_save(&image, "/nowhere/x.png", &error), &error,
                CXAI_IO, "/nowhere/x.png");
    cxai_image_free(&image);
    cxai_image_free(&back);
}

static void test_create(void **state)
{
    (void)state;
    cxai_image image;
    cxai_error error;
    check_error(cxai_image_create(&image, 0, 5, 3, &error), &error,
                CXAI_INVALID, "0 x 5");
    check_error(cxai_image_create(&image, 5, 5, 2, &error), &error,
                CXAI_INVALID, "2 channels");
    assert_null(image.pixels);
    cxai_image_free(&image);
    cxai_image_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_keep_orientation),
        cmocka_unit_test(test_cmyk),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_picture),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
