/*
 * WebP pictures, where the library was built with libwebp, against Pillow
 * (tests/reference/webp.py); elsewhere they are named as unsupported.
 */
#include "support/check.h"
#include "support/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/image.h"

#define FOLDER "tests/data/webp/"

#ifdef CXAI_WEBP

static const cJSON *item(const cJSON *entry, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(entry, key);
    assert_non_null(found);
    return found;
}

/* Bit for bit: Pillow asks the same decoder. */
static void test_pixels(void **state)
{
    (void)state;
    cxai_error error;
    reference r;
    reference_open(&r, FOLDER, "pixels.npy", NULL);
    const cxai_real *want = r.numbers;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, r.index)
    {
        char path[128];
        cxai_image image;
        cxai_image_info info;
        snprintf(path, sizeof path, FOLDER "%s",
                 item(entry, "file")->valuestring);
        check_ok(cxai_image_load(&image, path, NULL, &info, &error), &error);
        assert_int_equal(image.width, item(entry, "width")->valueint);
        assert_int_equal(image.height, item(entry, "height")->valueint);
        assert_string_equal(info.format, "WebP");
        assert_string_equal(info.colour, item(entry, "colour")->valuestring);
        assert_int_equal(info.alpha_composited,
                         cJSON_IsTrue(item(entry, "alpha")));
        assert_int_equal(info.orientation,
                         item(entry, "orientation")->valueint);
        for (int i = 0; i < image.width * image.height * 3; i++, want++)
            if (image.pixels[i] != (int)*want)
                fail_msg("%s: sample %d is %d, not %d", path, i,
                         image.pixels[i], (int)*want);
        cxai_image_free(&image);
    }
    assert_ptr_equal(want, r.numbers + cxai_shape_count(&r.numbers_shape));
    reference_close(&r);
}

static void check_refused(const void *bytes, size_t size, cxai_status wanted,
                          const char *text)
{
    cxai_image image;
    cxai_error error;
    check_error(
        cxai_image_parse(&image, bytes, size, "w.webp", NULL, NULL, &error),
        &error, wanted, text);
    assert_null(image.pixels);
}

static void *read_file(const char *name, size_t *size)
{
    char path[128];
    void *bytes;
    cxai_error error;
    snprintf(path, sizeof path, FOLDER "%s", name);
    check_ok(cxai_file_read(path, 0, &bytes, size, &error), &error);
    return bytes;
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = { "lossy.webp", "lossless.webp",
                                         "lossy-alpha.webp" };
    size_t size;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        void *bytes = read_file(files[i], &size);
        for (size_t cut = 12; cut < size - 1; cut++) /* RFC 9649: padded */
            check_refused(bytes, cut, CXAI_MALFORMED, "WebP");
        free(bytes);
    }
    void *bytes = read_file("animated.webp", &size);
    check_refused(bytes, size, CXAI_UNSUPPORTED, "animated");
    free(bytes);
}

/* Refused by the header, before memory is taken. */
static void test_limit(void **state)
{
    (void)state;
    cxai_image image;
    cxai_error error;
    const cxai_image_options options = { .max_pixels = 116 }; /* of 13x9 */
    check_error(
        cxai_image_load(&image, FOLDER "lossy.webp", &options, NULL, &error),
        &error, CXAI_LIMIT, "13 x 9");
}

#else

static void test_named(void **state)
{
    (void)state;
    cxai_image image;
    cxai_error error;
    check_error(
        cxai_image_load(&image, FOLDER "lossy.webp", NULL, NULL, &error),
        &error, CXAI_UNSUPPORTED, "this is a WebP picture");
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef CXAI_WEBP
        cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_limit),
#else
        cmocka_unit_test(test_named),
#endif
    };
    return cmocka_run_group_tests_name("webp", tests, NULL, NULL);
}
