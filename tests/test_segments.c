/* Regions of a picture: by hand, and against scikit-image's felzenszwalb
   (tests/reference/segments.py). */
#include "../explain/heatmap/segments.h"

#include <math.h>
#include <stdlib.h>

#include "cxai/file.h"
#include "support/check.h"
#include "support/reference.h"

#define FOLDER "tests/data/segments/"

enum { most = 16 };

static void check_line(const double *samples, int count, double scale,
                       int64_t least, const int32_t *want, int32_t want_count)
{
    const cx_segmentation how = { scale, 0, least };
    int32_t labels[most], regions;
    cxai_error error;

    check_ok(cx_segment(samples, 1, count, 1, &how, labels, &regions, &error),
             &error);
    assert_int_equal(regions, want_count);
    for (int i = 0; i < count; i++)
        assert_int_equal(labels[i], want[i]);
}

/* Three flat pieces: 0 0 0, 0.4 0.4 and 1 1 1. Flat pieces are one region each
   (weight 0). Between the first two the weight is 0.4 and k/|C| is k/3 and k/2:
   they join once k/3 >= 0.4. */
static void test_by_hand(void **state)
{
    const double line[] = { 0, 0, 0, 0.4, 0.4, 1, 1, 1 };
    const int32_t three[] = { 0, 0, 0, 1, 1, 2, 2, 2 };
    const int32_t two[] = { 0, 0, 0, 0, 0, 1, 1, 1 };
    const int32_t one[] = { 0, 0, 0, 0, 0, 0, 0, 0 };

    (void)state;
    check_line(line, 8, 255 * 1.19, 1, three, 3);
    check_line(line, 8, 255 * 1.21, 1, two, 2);
    /* then 0.6 <= min(0.4 + k/5, k/3) */
    check_line(line, 8, 255 * 1.79, 1, two, 2);
    check_line(line, 8, 255 * 1.81, 1, one, 1);
    /* what is too small joins what is most like it */
    check_line(line, 8, 255 * 1.19, 3, two, 2);
    check_line(line, 8, 255 * 1.19, 6, one, 1);
    check_line(line, 1, 255, 9, one, 1);
}

static double number(const cJSON *one, const char *key)
{
    return cJSON_GetObjectItem(one, key)->valuedouble;
}

/* picture: (H,W,3) of 0..255; want: (H,W). */
static void check_setting(const cJSON *one, const cxai_real *picture,
                          const cxai_shape *shape, const cxai_real *want)
{
    int64_t pixels = shape->dim[0] * shape->dim[1];
    int64_t channels = (int64_t)number(one, "channels");
    const cx_segmentation how = { number(one, "scale"), number(one, "sigma"),
                                  (int64_t)number(one, "least") };
    double *samples = malloc((size_t)(pixels * channels) * sizeof *samples);
    int32_t *labels = malloc((size_t)pixels * sizeof *labels);
    int32_t count;
    cxai_error error;

    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < channels; c++)
            samples[i * channels + c] =
                (double)picture[i * shape->dim[2] + c] / 255;
    check_ok(cx_segment(samples, shape->dim[0], shape->dim[1], channels, &how,
                        labels, &count, &error),
             &error);
    int64_t different = 0;
    double highest = 0;
    for (int64_t i = 0; i < pixels; i++) {
        different += labels[i] != (int32_t)want[i];
        highest = fmax(highest, (double)want[i]);
    }
    if (different || count != (int32_t)highest + 1)
        fail_msg("scale %g: %lld pixels in another region than scikit-image's",
                 how.scale, (long long)different);
    free(samples);
    free(labels);
}

static void test_against_scikit_image(void **state)
{
    cJSON *index = reference_json(FOLDER "index.json");
    const cJSON *one;
    cxai_shape shape, labels_shape;
    cxai_real *picture, *labels;
    int count = 0;
    cxai_error error;

    (void)state;
    check_ok(cxai_npy_load(FOLDER "picture.npy", 0, &picture, &shape, &error),
             &error);
    check_ok(
        cxai_npy_load(FOLDER "labels.npy", 0, &labels, &labels_shape, &error),
        &error);
    cJSON_ArrayForEach(one, index)
    {
        check_setting(one, picture, &shape,
                      labels + count * shape.dim[0] * shape.dim[1]);
        count++;
    }
    assert_int_equal(count, labels_shape.dim[0]);
    free(picture);
    free(labels);
    cJSON_Delete(index);
}

/* No sort and no smoothing that cannot cope with them. */
static void test_strange_samples(void **state)
{
    double samples[] = { 0, (double)NAN, 0, (double)INFINITY, 1, 1 };
    const cx_segmentation how = { 100, 3, 2 };
    int32_t labels[6], count;
    cxai_error error;

    (void)state;
    check_ok(cx_segment(samples, 2, 3, 1, &how, labels, &count, &error),
             &error);
    check_error(
        cx_segment(samples, 1 << 20, 1 << 20, 1, &how, labels, &count, &error),
        &error, CXAI_LIMIT, "too large for regions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_against_scikit_image),
        cmocka_unit_test(test_strange_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
