/*
 * Every allocation may fail: each piece of work is run with its first
 * allocation failing, then its second, and so on until it succeeds. It must
 * end with CXAI_NO_MEMORY and leave nothing allocated. tests/memory/failing.h
 * says what can fail; test_memory_commands.c does the same to the commands.
 *
 * The same counters show that forward and backward allocate nothing.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/cxai.h"
#include "memory/failing.h"
#include "support/check.h"

/* One piece of work, from nothing to nothing. */
typedef cxai_status work(cxai_error *error);

/* Fails every allocation of the work in turn; libjpeg may try a failed one
   again with less, which does not help it when all later ones fail as well.
   Leaks are found by the sanitizer and by valgrind, under which this program
   runs as well. */
static void exhaust_retrying(work *function, int retries)
{
    cxai_error error = { CXAI_OK, "" };
    for (long n = 1;; n++) {
        failing_start(n, 1);
        cxai_status status = function(&error);
        failing_stop();
        if (!failing_has_failed()) {
            check_ok(status, &error);
            assert_true(n > 3);
            return;
        }
        if (status == CXAI_OK && retries) {
            failing_start(n, 0);
            status = function(&error);
            failing_stop();
        }
        if (status != CXAI_NO_MEMORY &&
            !(status == CXAI_MALFORMED && failing_was_json()))
            fail_msg("allocation %ld failed, and the answer was %s: %s", n,
                     cxai_status_name(status), error.message);
        assert_int_not_equal(error.message[0], '\0');
    }
}

static void exhaust(work *function)
{
    exhaust_retrying(function, 0);
}

/* ---- pieces of work ------------------------------------------------------ */

static const char model_path[] = "tests/data/nets/mobile2.legacy.onnx";
static const char small_path[] = "tests/data/nets/fire.legacy.onnx";
static const char large_path[] = "data/efficientnet-lite0.int8.onnx";
static const char int8_path[] = "tests/data/nets/int8.onnx";
static const char external_path[] = "tests/data/nets/dense.dynamo.onnx";

static cxai_status load_path(const char *path, cxai_error *error)
{
    cxai_model *model;
    cxai_status status = cxai_model_load(&model, path, NULL, error);
    if (status != CXAI_OK)
        assert_null(model);
    cxai_model_free(&model);
    return status;
}

static cxai_status load_plain(cxai_error *error)
{
    return load_path(model_path, error);
}

static cxai_status load_int8(cxai_error *error)
{
    return load_path(int8_path, error);
}

static cxai_status load_external(cxai_error *error)
{
    return load_path(external_path, error);
}

static cxai_status load_function(cxai_error *error)
{
    return load_path("tests/fuzz/corpus/fuzz_model/function.onnx", error);
}

static cxai_status load_branches(cxai_error *error)
{
    return load_path("tests/fuzz/corpus/fuzz_model/branches.onnx", error);
}

/* Loaded before the counting starts, for the work below. */
static cxai_model *model;
static cxai_model *transformer; /* of the same input */
static int input;
static cxai_shape input_shape;
static cxai_real *tensor;
static int layer;

static int pass(const cxai_hook_call *call, void *payload)
{
    (void)call;
    (void)payload;
    return 0;
}

static cxai_status run_session(cxai_error *error)
{
    cxai_session *session;
    cxai_hook hook = { CXAI_AFTER_FORWARD, -1, "Conv", pass, NULL };
    cxai_request request = { .input_shape = input_shape,
                             .target = cxai_model_logits(model),
                             .wrt = &input,
                             .wrt_count = 1,
                             .threads = 1 };
    cxai_real seed[64] = { 1 };
    cxai_status status = cxai_session_create(&session, model, &request, error);
    if (status != CXAI_OK) {
        assert_null(session);
        return status;
    }
    status = cxai_session_set(session, input, tensor, error);
    if (status == CXAI_OK)
        status = cxai_session_forward(session, error);
    if (status == CXAI_OK)
        status = cxai_session_add_hook(session, &hook, NULL, error);
    if (status == CXAI_OK)
        status = cxai_session_forward(session, error);
    if (status == CXAI_OK)
        status = cxai_session_backward(session, seed, error);
    cxai_session_free(&session);
    return status;
}

/* Leaves a plan in a model of its own, and takes it. */
static cxai_status keep_plan(cxai_error *error)
{
    cxai_model *own;
    cxai_status status = cxai_model_load(&own, small_path, NULL, error);
    for (int i = 0; status == CXAI_OK && i < 2; i++) {
        cxai_session *session;
        int logits = cxai_model_logits(own);
        cxai_hook hook = { CXAI_AFTER_FORWARD, -1, "Conv", pass, NULL };
        cxai_request request = { .watch = &logits,
                                 .watch_count = 1,
                                 .hooks = &hook,
                                 .hook_count = 1,
                                 .keep = 1,
                                 .threads = 1 };
        status = cxai_session_create(&session, own, &request, error);
        cxai_session_free(&session);
    }
    cxai_model_free(&own);
    return status;
}

static const cxai_heatmap_method *method; /* the one under test */

static cxai_status run_method(cxai_error *error)
{
    const cxai_model *explained =
        method->needs & CXAI_NEEDS_ATTENTION ? transformer : model;
    cxai_heatmap maps[2];
    cxai_target targets[2];
    for (int i = 0; i < 2; i++) {
        targets[i] = cxai_target_channel(cxai_model_logits(explained), 0);
        targets[i].terms[0].top = 1 + i;
        targets[i].terms[0].top_axis = 1;
    }
    cxai_heatmap_options options = cxai_heatmap_defaults();
    options.steps = 3;
    options.samples = 3;
    options.batch = 1; /* a larger one shrinks when memory is short */
    options.threads = 1;
    cxai_status status =
        cxai_heatmap_compute(maps, method, explained, &input_shape, tensor,
                             targets, 2, &options, error);
    for (int i = 0; i < 2; i++) {
        if (status != CXAI_OK)
            assert_null(maps[i].data);
        cxai_heatmap_clear(&maps[i]);
    }
    return status;
}

static cxai_status synthesize(cxai_error *error)
{
    cxai_synthesis made;
    cxai_target target = cxai_target_channel(cxai_model_logits(model), 0);
    cxai_objective objective = { &target, 1 };
    cxai_synthesis_options options = cxai_synthesis_defaults();
    options.steps = 1;
    options.threads = 1;
    options.height = (int)input_shape.dim[2];
    options.width = (int)input_shape.dim[3];
    cxai_status status =
        cxai_synthesize(&made, model, NULL, &objective, 1, &options, error);
    cxai_synthesis_free(&made);
    return status;
}

static cxai_status draw_activations(cxai_error *error)
{
    cxai_activations activations;
    cxai_image picture = { 0 };
    cxai_status status = cxai_activations_compute(
        &activations, model, layer, tensor, &input_shape, 1, 0, error);
    if (status == CXAI_OK)
        status =
            cxai_activations_draw(&picture, &activations, 0, NULL, NULL, error);
    cxai_image_free(&picture);
    cxai_activations_free(&activations);
    return status;
}

static char scratch[] = "/tmp/cxai-memory-XXXXXX";

static cxai_status handle_picture(cxai_error *error)
{
    cxai_image photo, small = { 0 };
    char path[64];
    snprintf(path, sizeof path, "%s/small.png", scratch);
    cxai_status status =
        cxai_image_load(&photo, "data/cat.jpg", NULL, NULL, error);
    if (status == CXAI_OK)
        status = cxai_image_resize(&small, &photo, 40, 30, CXAI_BICUBIC, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&small, path, error);
    cxai_image_free(&photo);
    cxai_image_free(&small);
    if (status == CXAI_OK)
        status = cxai_image_load(&photo, path, NULL, NULL, error);
    cxai_image_free(&photo);
    return status;
}

static cxai_status prepare_picture(cxai_error *error)
{
    cxai_preprocess preprocess;
    cxai_image photo = { 0 };
    cxai_shape shape = { 4, { 1, 3, 32, 32 } };
    cxai_real prepared[3 * 32 * 32];
    cxai_status status = cxai_preprocess_defaults(&preprocess, &shape, error);
    if (status == CXAI_OK)
        status = cxai_image_create(&photo, 60, 50, 3, error);
    if (status == CXAI_OK)
        status =
            cxai_preprocess_apply(&preprocess, &photo, prepared, NULL, error);
    cxai_image_free(&photo);
    return status;
}

static cxai_status read_labels_and_arrays(cxai_error *error)
{
    cxai_labels *labels;
    cxai_real *data = NULL;
    cxai_shape shape;
    cxai_status status = cxai_labels_load(&labels, "data/labels.txt", error);
    cxai_labels_free(&labels);
    if (status == CXAI_OK)
        status =
            cxai_npy_load("tests/data/nets/input.npy", 0, &data, &shape, error);
    free(data);
    return status;
}

/* ---- tests --------------------------------------------------------------- */

static void test_loading(void **state)
{
    (void)state;
    exhaust(load_plain);
    exhaust(load_int8);
    exhaust(load_external);
    exhaust(load_function);
    exhaust(load_branches);
}

/* The models of the open cases, those that are refused as well. */
static void test_loading_cases(void **state)
{
    glob_t found;
    cxai_error error;
    (void)state;
    assert_int_equal(glob("tests/data/cases/*/*.onnx", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        cxai_status whole = load_path(path, &error), status;
        for (long n = 1;; n++) {
            failing_start(n, 1);
            status = load_path(path, &error);
            failing_stop();
            if (!failing_has_failed())
                break;
            if (status != CXAI_NO_MEMORY)
                fail_msg("allocation %ld failed, and the answer was %s: %s", n,
                         cxai_status_name(status), error.message);
        }
        assert_int_equal(status, whole);
    }
    globfree(&found);
}

static void test_sessions(void **state)
{
    (void)state;
    exhaust(run_session);
    exhaust(keep_plan);
}

static void test_methods(void **state)
{
    (void)state;
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        method = cxai_heatmap_table[i];
        exhaust(run_method);
    }
}

static void test_synthesis(void **state)
{
    (void)state;
    exhaust(synthesize);
}

static void test_activations(void **state)
{
    (void)state;
    exhaust(draw_activations);
}

static void test_pictures(void **state)
{
    (void)state;
    exhaust_retrying(handle_picture, 1);
    exhaust(prepare_picture);
}

static void test_labels_and_arrays(void **state)
{
    (void)state;
    exhaust(read_labels_and_arrays);
}

static void test_running_allocates_nothing(void **state)
{
    (void)state;
    cxai_error error;
    cxai_session *session;
    cxai_request request = { .input_shape = input_shape,
                             .target = cxai_model_logits(model),
                             .wrt = &input,
                             .wrt_count = 1 };
    cxai_real seed[64] = { 1 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, input, tensor, &error), &error);
    failing_start(0, 0);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    assert_int_equal(failing_stop(), 0);
    cxai_session_free(&session);
}

/* Bytes asked for when a session is made; it is left open. */
static size_t bytes_of_session(cxai_session **session, const cxai_model *m,
                               int wrt_count, int keep)
{
    cxai_error error;
    int logits = cxai_model_logits(m), picture = cxai_model_input(m, 0);
    const cxai_request request = { .watch = &logits,
                                   .watch_count = 1,
                                   .target = logits,
                                   .wrt = &picture,
                                   .wrt_count = wrt_count,
                                   .keep = keep,
                                   .threads = 1 };
    failing_start(0, 0);
    check_ok(cxai_session_create(session, m, &request, &error), &error);
    failing_stop();
    return failing_bytes();
}

static size_t weight_bytes(const cxai_model *m)
{
    size_t bytes = 0;
    for (int n = 0; n < cxai_model_node_count(m); n++) {
        const cxai_node node = cxai_model_node(m, n);
        if (strcmp(node.operator_type, "Conv") != 0)
            continue;
        const cxai_tensor w = cxai_model_constant(m, node.inputs[1]);
        bytes += (size_t)cxai_shape_count(&w.shape) * sizeof *w.data;
    }
    return bytes;
}

/* Packed weights are no smaller than those of the file. The first session packs
   those of forward; the first with a gradient those of backward; none packs
   them again, be the others open or not. */
static void test_sessions_share_weights(void **state)
{
    (void)state;
    cxai_error error;
    cxai_model *m;
    cxai_session *first, *again, *gradient, *another;
    check_ok(cxai_model_load(&m, large_path, NULL, &error), &error);
    size_t weights = weight_bytes(m);
    size_t packing = bytes_of_session(&first, m, 0, 0);
    size_t plain = bytes_of_session(&again, m, 0, 0);
    assert_true(weights > 10000000);
    assert_true(packing >= plain + weights);
    cxai_session_free(&first);
    cxai_session_free(&again);
    assert_int_equal(bytes_of_session(&again, m, 0, 0), plain);
    size_t turning = bytes_of_session(&gradient, m, 1, 0);
    size_t both = bytes_of_session(&another, m, 1, 0);
    assert_true(turning > both);
    cxai_session_free(&another);
    cxai_session_free(&gradient);
    cxai_session_free(&again);
    cxai_model_free(&m);
}

static void test_a_kept_plan_is_not_made_again(void **state)
{
    (void)state;
    cxai_error error;
    cxai_model *m;
    cxai_session *session;
    check_ok(cxai_model_load(&m, large_path, NULL, &error), &error);
    bytes_of_session(&session, m, 1, 0);
    cxai_session_free(&session);
    size_t made = bytes_of_session(&session, m, 1, 1);
    cxai_session_free(&session);
    size_t taken = bytes_of_session(&session, m, 1, 1);
    assert_true(taken < made / 50);
    cxai_session_free(&session);
    cxai_model_free(&m);
}

/* Asked for again, the shapes of the last picture are there. */
static void test_shapes_are_remembered(void **state)
{
    (void)state;
    cxai_error error;
    size_t count = (size_t)cxai_model_value_count(model);
    cxai_shape *first = calloc(count, sizeof *first);
    cxai_shape *again = calloc(count, sizeof *again);
    cxai_shape two = input_shape;
    two.dim[0] = 2;
    check_ok(cxai_model_shapes(model, &input_shape, first, &error), &error);
    failing_start(0, 0);
    check_ok(cxai_model_shapes(model, &input_shape, again, &error), &error);
    assert_int_equal(failing_stop(), 0);
    assert_memory_equal(first, again, count * sizeof *first);
    check_ok(cxai_model_shapes(model, &two, again, &error), &error);
    assert_int_equal(again[cxai_model_logits(model)].dim[0], 2);
    check_ok(cxai_model_shapes(model, &input_shape, again, &error), &error);
    assert_memory_equal(first, again, count * sizeof *first);
    free(first);
    free(again);
}

static int set_up(void **state)
{
    (void)state;
    cxai_error error;
    check_ok(cxai_model_load(&model, model_path, NULL, &error), &error);
    check_ok(cxai_model_load(&transformer, "tests/data/nets/tokens.dynamo.onnx",
                             NULL, &error),
             &error);
    input = cxai_model_input(model, 0);
    input_shape = cxai_model_input_shape(model, 0);
    input_shape.dim[0] = 1;
    int64_t count = cxai_shape_count(&input_shape);
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &input_shape, shapes, &error), &error);
    check_ok(cxai_model_cam_layer(model, shapes, &layer, &error), &error);
    free(shapes);
    tensor = calloc((size_t)count, sizeof *tensor);
    for (int64_t i = 0; i < count; i++)
        tensor[i] = (cxai_real)cxai_random_normal(1, 0, (uint64_t)i);
    return mkdtemp(scratch) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char path[64];
    free(tensor);
    cxai_model_free(&model);
    cxai_model_free(&transformer);
    snprintf(path, sizeof path, "%s/small.png", scratch);
    unlink(path);
    return rmdir(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_loading_cases),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_synthesis),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_labels_and_arrays),
        cmocka_unit_test(test_running_allocates_nothing),
        cmocka_unit_test(test_sessions_share_weights),
        cmocka_unit_test(test_a_kept_plan_is_not_made_again),
        cmocka_unit_test(test_shapes_are_remembered),
    };
    return cmocka_run_group_tests_name("memory", tests, set_up, tear_down);
}
