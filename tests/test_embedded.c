/*
 * The models in data/ on the photos in data/, against onnxruntime with Pillow
 * and torchvision in front of it (tests/reference/embedded.py).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/labels.h"
#include "cxai/preprocess.h"
#include "cxai/session.h"
#include "support/check.h"
#include "support/effort.h"

#define CLASSES 1000
#define TOP 5

/* Relative to the largest logit. onnxruntime with and without its graph
   optimisations differs by 4e-7; one grey level in one pixel inside moves the
   logits by 5e-5, so that preparation has to be exact too. */
#define TOLERANCE 1e-5

/* The rows of the golden logits, with what the pictures show. */
static const struct photo {
    const char *name;
    const char *subject;
} photos[] = {
    { "band", "electric guitar" },
    { "bee", "bee" },
    { "cameraman", "tripod" },
    { "castle", "castle" },
    { "cat", "tiger cat" },
    { "coffee", "espresso" },
    { "dog", "German Shepherd Dog" },
    { "jaguars", "jaguar" },
    { "macaw", "macaw" },
    { "red_panda", "red panda" },
    { "spaniels", "Sussex Spaniel" },
};
#define PHOTOS ((int64_t)(sizeof photos / sizeof photos[0]))

/* A model of data/, its preprocessing, a session, and golden logits. */
typedef struct embedded {
    const char *name;
    cxai_model *model;
    cxai_preprocess preprocess;
    cxai_session *session;
    cxai_real *input;
    int photos;        /* how many are run: all PHOTOS, or the first few */
    cxai_real *logits; /* photos x CLASSES */
    cxai_real *wanted; /* PHOTOS x CLASSES from onnxruntime */
} embedded;

static cxai_real *load(const char *name, const char *what, cxai_shape *shape)
{
    char path[256];
    cxai_error error;
    cxai_real *data;
    snprintf(path, sizeof path, "tests/data/embedded/%s.%s.npy", name, what);
    check_ok(cxai_npy_load(path, 0, &data, shape, &error), &error);
    return data;
}

/* The logits of e->input. */
static void run(const embedded *e, cxai_real logits[CLASSES])
{
    cxai_error error;
    cxai_tensor view;
    check_ok(cxai_session_set(e->session, cxai_model_input(e->model, 0),
                              e->input, &error),
             &error);
    check_ok(cxai_session_forward(e->session, &error), &error);
    check_ok(cxai_session_value(e->session, cxai_model_logits(e->model), &view,
                                &error),
             &error);
    assert_int_equal(cxai_shape_count(&view.shape), CLASSES);
    cxai_tensor_read(&view, logits);
}

static void run_photo(const embedded *e, const char *name,
                      cxai_real logits[CLASSES])
{
    char path[256];
    cxai_error error;
    cxai_image photo;
    snprintf(path, sizeof path, "data/%s.jpg", name);
    check_ok(cxai_image_load(&photo, path, NULL, NULL, &error), &error);
    check_ok(
        cxai_preprocess_apply(&e->preprocess, &photo, e->input, NULL, &error),
        &error);
    cxai_image_free(&photo);
    run(e, logits);
}

/* One run for each photo, which all tests below look at. */
static void run_photos(embedded *e)
{
    e->photos = effort((int)PHOTOS, 2, "photos");
    e->logits = calloc((size_t)e->photos * CLASSES, sizeof *e->logits);
    assert_non_null(e->logits);
    for (int64_t i = 0; i < e->photos; i++)
        run_photo(e, photos[i].name, e->logits + i * CLASSES);
}

static int setup(void **state, const char *name)
{
    static embedded e;
    char path[256];
    cxai_error error;
    cxai_shape shape;
    e = (embedded){ .name = name };
    snprintf(path, sizeof path, "data/%s.onnx", name);
    check_ok(cxai_model_load(&e.model, path, NULL, &error), &error);
    check_ok(cxai_preprocess_for_model(&e.preprocess, e.model, path, &error),
             &error);
    int logits = cxai_model_logits(e.model);
    cxai_request request = { .input_shape =
                                 cxai_preprocess_shape(&e.preprocess, 1),
                             .watch = &logits,
                             .watch_count = 1 };
    check_ok(cxai_session_create(&e.session, e.model, &request, &error),
             &error);
    e.input =
        calloc((size_t)cxai_shape_count(&request.input_shape), sizeof *e.input);
    e.wanted = load(name, "logits", &shape);
    assert_non_null(e.input);
    assert_int_equal(shape.dim[0], PHOTOS);
    assert_int_equal(shape.dim[1], CLASSES);
    run_photos(&e);
    *state = &e;
    return 0;
}

static int setup_lite(void **state)
{
    return setup(state, "efficientnet-lite0.int8");
}

static int setup_squeeze(void **state)
{
    return setup(state, "squeezenet-1.1.int8");
}

static int teardown(void **state)
{
    embedded *e = *state;
    cxai_session_free(&e->session);
    cxai_model_free(&e->model);
    free(e->input);
    free(e->logits);
    free(e->wanted);
    return 0;
}

static void compare(const embedded *e, int64_t photo, const cxai_real *logits)
{
    double far = relative_error(logits, e->wanted + photo * CLASSES, CLASSES);
    if (!(far <= TOLERANCE))
        fail_msg("%s on %s: logits are %.2g of the largest from onnxruntime's",
                 e->name, photos[photo].name, far);
}

/* The TOP classes of the largest logits, largest first, and their softmax. */
static void rank(const cxai_real *logits, int classes[TOP],
                 double probabilities[TOP])
{
    double sum = 0;
    for (int t = 0; t < TOP; t++) {
        classes[t] = -1;
        for (int i = 0; i < CLASSES; i++) {
            int taken = 0;
            for (int u = 0; u < t; u++)
                taken |= classes[u] == i;
            if (!taken && (classes[t] < 0 || logits[i] > logits[classes[t]]))
                classes[t] = i;
        }
    }
    for (int i = 0; i < CLASSES; i++)
        sum += exp((double)logits[i] - (double)logits[classes[0]]);
    for (int t = 0; t < TOP; t++)
        probabilities[t] =
            exp((double)logits[classes[t]] - (double)logits[classes[0]]) / sum;
}

/* ---- tests ---- */

/* The very pixels that Pillow made; the rest is the network. */
static void answers_as_onnxruntime_for_given_pixels(void **state)
{
    const embedded *e = *state;
    cxai_shape shape;
    cxai_real logits[CLASSES];
    cxai_real *pixels = load(e->name, "band", &shape);
    assert_int_equal(shape.dim[1], e->preprocess.height);
    assert_int_equal(shape.dim[2], e->preprocess.width);
    int64_t area = shape.dim[1] * shape.dim[2];
    for (int64_t i = 0; i < 3 * area; i++)
        e->input[i] =
            (cxai_real)(((double)pixels[i] - e->preprocess.mean[i / area]) /
                        e->preprocess.std[i / area]);
    free(pixels);
    run(e, logits);
    compare(e, 0, logits);
}

static void answers_as_onnxruntime_for_photos(void **state)
{
    const embedded *e = *state;
    for (int64_t i = 0; i < e->photos; i++)
        compare(e, i, e->logits + i * CLASSES);
}

/* A probability changes by at most the change of its logit, 1e-5 of a largest
   logit of 44. */
static void ranks_classes_as_onnxruntime(void **state)
{
    const embedded *e = *state;
    for (int64_t i = 0; i < e->photos; i++) {
        int got[TOP], wanted[TOP];
        double got_p[TOP], wanted_p[TOP];
        rank(e->logits + i * CLASSES, got, got_p);
        rank(e->wanted + i * CLASSES, wanted, wanted_p);
        for (int t = 0; t < TOP; t++) {
            assert_int_equal(got[t], wanted[t]);
            assert_true(fabs(got_p[t] - wanted_p[t]) <= 44 * TOLERANCE);
        }
    }
}

static void names_what_the_photos_show(void **state)
{
    const embedded *e = *state;
    cxai_error error;
    cxai_labels *labels;
    check_ok(cxai_labels_load(&labels, e->preprocess.labels, &error), &error);
    assert_int_equal(cxai_labels_count(labels), CLASSES);
    for (int64_t i = 0; i < e->photos; i++) {
        int classes[TOP];
        double probabilities[TOP];
        rank(e->logits + i * CLASSES, classes, probabilities);
        assert_string_equal(cxai_labels_name(labels, classes[0]),
                            photos[i].subject);
    }
    cxai_labels_free(&labels);
}

int main(void)
{
    const struct CMUnitTest lite[] = {
        cmocka_unit_test(answers_as_onnxruntime_for_given_pixels),
        cmocka_unit_test(answers_as_onnxruntime_for_photos),
        cmocka_unit_test(ranks_classes_as_onnxruntime),
        cmocka_unit_test(names_what_the_photos_show),
    };
    const struct CMUnitTest squeeze[] = {
        cmocka_unit_test(answers_as_onnxruntime_for_given_pixels),
        cmocka_unit_test(answers_as_onnxruntime_for_photos),
        cmocka_unit_test(ranks_classes_as_onnxruntime),
    };
    return cmocka_run_group_tests_name("efficientnet-lite0", lite, setup_lite,
                                       teardown) +
           cmocka_run_group_tests_name("squeezenet-1.1", squeeze, setup_squeeze,
                                       teardown);
}
