/*
 * What the "behave" records of tests/data/cases say of models, of speed and of
 * limits: what the command lists, which names it takes, what it tells.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cxai/file.h"
#include "cxai/session.h"
#include "support/cases.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/program.h"

/* The report of a command that must succeed, to be ended with cJSON_Delete. */
static cJSON *report_of(const char *const *arguments)
{
    program_answer a;
    program_run(&a, NULL, arguments);
    if (a.code != 0)
        fail_msg("the command ended with %d: %s", a.code, a.error);
    cJSON *report = cJSON_Parse(a.out);
    assert_non_null(report);
    program_clear(&a);
    return report;
}

#define REPORT(...) report_of((const char *const[]){ __VA_ARGS__, NULL })

static cJSON *summarise(const char *file)
{
    char path[4096];
    return REPORT("summary", "--json", "-m", cases_path(path, file));
}

/* A command that must fail, with one line that holds all of up to three
   texts. */
static void refuse(const char *const *arguments, const char *const *texts)
{
    program_answer a;
    program_run(&a, NULL, arguments);
    const char *end = strchr(a.error, '\n');
    assert_true(a.code > 0);
    if (end == NULL || end[1] != '\0')
        fail_msg("not one line: %s", a.error);
    for (; *texts != NULL; texts++)
        if (strstr(a.error, *texts) == NULL)
            fail_msg("\"%s\" is not said: %s", *texts, a.error);
    program_clear(&a);
}

#define WORDS(...)                                                             \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    assert_non_null(text);
    return text;
}

static void write_npy(const char *path, const cxai_shape *shape,
                      const cxai_real *data)
{
    cxai_error error;
    check_ok(cxai_npy_save(path, data, shape, &error), &error);
}

/* A file name of this run's own. */
static const char *scratch(char name[64], const char *end)
{
    snprintf(name, 64, "/tmp/cxai-cases-%ld-%s", (long)getpid(), end);
    return name;
}

/* O02: weights that are listed as inputs are none. */
static void one_input_is_listed(void **state)
{
    (void)state;
    cJSON *report = summarise("O02/model.onnx");
    const cJSON *inputs = cJSON_GetObjectItem(report, "inputs");
    assert_int_equal(cJSON_GetArraySize(inputs), 1);
    assert_string_equal(text_at(cJSON_GetArrayItem(inputs, 0), "name"), "data");
    const cJSON *shape =
        cJSON_GetObjectItem(cJSON_GetArrayItem(inputs, 0), "shape");
    const int want[] = { 1, 1, 2, 2 };
    assert_int_equal(cJSON_GetArraySize(shape), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cJSON_GetArrayItem(shape, i)->valueint, want[i]);
    cJSON_Delete(report);
}

/* O10: pictures with the channels last; a map has the rows of the picture. */
static void layout_is_recognised(void **state)
{
    (void)state;
    char model[4096], input[64], map[64], out[64];
    cxai_real picture[48], *data;
    cxai_shape shape;
    cxai_error error;
    for (int i = 0; i < 48; i++)
        picture[i] = (cxai_real)(i * 5 % 13) / 4;
    cases_path(model, "O10/model.onnx");
    write_npy(scratch(input, "nhwc.npy"), &(cxai_shape){ 4, { 1, 4, 4, 3 } },
              picture);
    cJSON_Delete(REPORT("heatmap", input, "-m", model, "-t", "0", "--json",
                        "--raw", "--npy", scratch(map, "map.npy"), "-o",
                        scratch(out, "map.png")));
    check_ok(cxai_npy_load(map, 0, &data, &shape, &error), &error);
    assert_true(cxai_shape_equal(&shape, &(cxai_shape){ 3, { 1, 4, 4 } }));
    free(data);
    remove(input);
    remove(map);
    remove(out);
    cJSON *report = summarise("O10/model.onnx");
    assert_non_null(strstr(text_at(report, "preprocessing"), "NHWC"));
    cJSON_Delete(report);
}

/* O14: whatever nodes are called, each layer has a key that selects it. */
static void check_keys(const char *file)
{
    cxai_model *model = cases_model(file);
    cJSON *report = summarise(file);
    const cJSON *layers = cJSON_GetObjectItem(report, "layers"), *layer;
    int n = 0;
    cJSON_ArrayForEach(layer, layers)
    {
        cxai_error error;
        int value;
        check_ok(cxai_model_find(model, text_at(layer, "name"), &value, &error),
                 &error);
        assert_int_equal(value, cxai_model_node(model, n++).outputs[0]);
    }
    assert_int_equal(n, cxai_model_node_count(model));
    cJSON_Delete(report);
    cxai_model_free(&model);
}

static void every_layer_has_a_key(void **state)
{
    (void)state;
    check_keys("O14/unnamed.onnx");
    check_keys("O14/reversed.onnx");
    check_keys("O14/same_name.onnx");
    check_keys("O37/model.onnx");
    cxai_model *model = cases_model("O14/same_name.onnx");
    cxai_error error;
    int value;
    check_error(cxai_model_find(model, "conv", &value, &error), &error,
                CXAI_INVALID, "\"c1\", \"c2\"");
    check_ok(cxai_model_find(model, "c2", &value, &error), &error);
    cxai_model_free(&model);
}

/* O15: all unsupported operators at once; versions with the highest known. */
static void refusals_say_all(void **state)
{
    (void)state;
    char path[4096];
    refuse(WORDS("summary", "-m", cases_path(path, "O15/unknown_ops.onnx")),
           WORDS("com.example.Foo (1 node", "\"n1\""));
    refuse(WORDS("summary", "-m", cases_path(path, "O15/opset99.onnx")),
           WORDS("99", "28"));
    refuse(WORDS("summary", "-m", cases_path(path, "O15/ir99.onnx")),
           WORDS("99", "14"));
}

/* O16: 1 within the range of QuantizeLinear, 0 outside, and the report says
   that this is no derivative. */
static void straight_through_is_said(void **state)
{
    (void)state;
    static const cxai_real x[] = { 1.25, 1.75, -1.25, -99, 999 };
    const cxai_shape shape = { 4, { 1, 1, 1, 5 } };
    const double want[] = { 1, 1, 1, 0, 0 };
    char model[4096], input[64], out[64], map[64];
    cxai_real *data;
    cxai_shape got;
    cxai_error error;
    cases_path(model, "O16/model.onnx");
    write_npy(scratch(input, "qdq.npy"), &shape, x);
    cJSON *report =
        REPORT("heatmap", input, "-m", model, "-t", "y[0]", "--method",
               "saliency", "--json", "--npy", scratch(map, "gradient.npy"),
               "-o", scratch(out, "qdq.png"));
    assert_non_null(strstr(text_at(report, "gradient"), "straight-through"));
    cJSON_Delete(report);
    check_ok(cxai_npy_load(map, 0, &data, &got, &error), &error);
    assert_int_equal(cxai_shape_count(&got), 5);
    for (int i = 0; i < 5; i++) /* the target is a mean of five */
        assert_true(fabs((double)data[i] - want[i] / 5) < 1e-6);
    free(data);
    remove(input);
    remove(map);
    remove(out);
}

/* O32: one picture for a network that was exported with a batch of four; six
   of them. */
static void batch_may_differ(void **state)
{
    (void)state;
    char model[4096], input[64];
    cxai_real pictures[6][4];
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 4; k++)
            pictures[i][k] = (cxai_real)((k + 1) * (k % 2 == 0 ? 1 : -1));
    cases_path(model, "O32/model.onnx");
    for (int rows = 1; rows <= 6; rows += 5) {
        write_npy(scratch(input, "batch.npy"),
                  &(cxai_shape){ 4, { rows, 1, 2, 2 } }, pictures[0]);
        cJSON *report = REPORT("classify", input, "-m", model, "--json");
        const cJSON *result, *results = cJSON_GetObjectItem(report, "results");
        assert_int_equal(cJSON_GetArraySize(results), rows);
        cJSON_ArrayForEach(result, results)
        {
            const cJSON *best =
                cJSON_GetArrayItem(cJSON_GetObjectItem(result, "classes"), 0);
            assert_int_equal(cJSON_GetObjectItem(best, "class")->valueint, 1);
            assert_true(cJSON_GetObjectItem(best, "logit")->valuedouble == 6);
        }
        cJSON_Delete(report);
        remove(input);
    }
}

/* ---- O35: subnormal weights ---- */

/* Seconds of processor time for a forward and backward pass, the best of
   some; output and gradient must be 0 where that is asked. */
static double time_passes(const char *file, int threads, int zero)
{
    enum { PIXELS = 32 * 56 * 56, REPEATS = 8 };
    cxai_model *model = cases_model(file);
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    cxai_real seed[32], *x = malloc(PIXELS * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < PIXELS; i++)
        x[i] = 1;
    for (int i = 0; i < 32; i++)
        seed[i] = 1;
    int input = cxai_model_input(model, 0),
        output = cxai_model_output(model, 0);
    const cxai_request request = { .watch = &output,
                                   .watch_count = 1,
                                   .target = output,
                                   .wrt = &input,
                                   .wrt_count = 1,
                                   .threads = threads };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, input, x, &error), &error);
    double best = HUGE_VAL;
    for (int i = 0; i < REPEATS; i++) {
        clock_t start = clock();
        check_ok(cxai_session_forward(session, &error), &error);
        check_ok(cxai_session_backward(session, seed, &error), &error);
        best = fmin(best, (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    check_ok(cxai_session_value(session, output, &view, &error), &error);
    double largest = 0;
    cxai_tensor_read(&view, seed);
    for (int i = 0; i < 32; i++)
        largest = fmax(largest, fabs((double)seed[i]));
    assert_true(zero ? largest <= 1e-30 : largest > 0.01);
    cxai_session_free(&session);
    cxai_model_free(&model);
    free(x);
    return best;
}

static void subnormal_weights_are_not_slower(void **state)
{
    (void)state;
    double normal = time_passes("O35/normal.onnx", 1, 0);
    double subnormal = time_passes("O35/denormal.onnx", 1, 1);
    print_message("normal %.2f ms, subnormal %.2f ms\n", normal * 1e3,
                  subnormal * 1e3);
    if (program_is_measurable())
        assert_true(subnormal <= 3 * normal);
}

/* 1 when this thread computes with subnormal numbers. */
static int keeps_subnormals(void)
{
    volatile float tiny = 1e-40f;
    volatile float half = tiny * 0.5f;
    return half > 0;
}

static void floating_point_state_is_restored(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        time_passes("O35/denormal.onnx", threads, 1);
        assert_true(keeps_subnormals());
        int kept = 0;
#pragma omp parallel num_threads(threads) reduction(+ : kept)
        kept += !keeps_subnormals();
        assert_int_equal(kept, 0);
    }
}

/* ---- limits (O36, O42, O45) ---- */

static void limits_can_be_set(void **state)
{
    (void)state;
    char big[4096], model[4096], flat[4096];
    cases_path(big, "O36/big.png"); /* 6 million pixels */
    cases_path(model, "O24/model.onnx");
    cases_path(flat, "O24/flat.png");
    refuse(WORDS("classify", big, "-m", model, "--limit", "pixels=5M"),
           WORDS("3000 x 2000", "5000000", "--limit"));
    cJSON_Delete(
        REPORT("classify", big, "-m", model, "--limit", "pixels=6M", "--json"));
    refuse(WORDS("classify", flat, "-m", model, "--limit", "file=70"),
           WORDS("70", "--limit"));
    refuse(WORDS("summary", "-m", model, "--limit", "tensor=32"),
           WORDS("\"w\"", "--limit"));
    refuse(WORDS("summary", "-m", model, "--limit", "nodes=2", "--limit",
                 "nesting=5"),
           WORDS("more than 2 nodes", "--limit"));
    refuse(WORDS("classify", flat, "-m", model, "--limit", "memory=2K"),
           WORDS("memory", "--limit"));
    refuse(WORDS("classify", flat, "--limit", "memory=0"), WORDS("memory=2G"));
    refuse(WORDS("classify", flat, "--limit", "everything=1"),
           WORDS("everything=1"));
    refuse(WORDS("classify", flat, "--limit", "file=99999999999T"),
           WORDS("99999999999T"));
}

/* ---- inputs that are no pictures of reals ---- */

/* y = relu(x), or relu(x) + z; x is a picture of bytes where that is asked. */
static void write_model(const char *path, int integer, int second)
{
    model_file file;
    cxai_error error;
    size_t size;
    model_file_start(&file, 13);
    Onnx__ValueInfoProto *x = model_file_input(&file, "x", "1,1,2,2");
    x->type->tensor_type->elem_type =
        integer ? TENSOR_TYPE(UINT8) : TENSOR_TYPE(FLOAT);
    model_file_input(&file, "z", "1");
    Onnx__NodeProto *cast = model_file_node(&file, "Cast", "", "x", "c");
    Onnx__AttributeProto *to =
        model_file_attribute(&file, cast, "to", ATTRIBUTE_TYPE(INT));
    to->has_i = 1;
    to->i = TENSOR_TYPE(FLOAT);
    model_file_node(&file, second ? "Add" : "Relu", "", second ? "c,z" : "c",
                    "y");
    model_file_output(&file, "y");
    const void *bytes = model_file_pack(&file, &size);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(&file);
}

static void several_inputs_are_refused(void **state)
{
    (void)state;
    char path[64];
    write_model(scratch(path, "two.onnx"), 0, 1);
    refuse(WORDS("summary", "-m", path),
           WORDS("takes 2 inputs (\"x\" 1x1x2x2, \"z\" 1)"));
    write_model(path, 0, 0); /* the second is read by nobody */
    cJSON_Delete(REPORT("summary", "-m", path, "--json"));
    remove(path);
}

static void bytes_are_pixels(void **state)
{
    (void)state;
    char path[64];
    write_model(scratch(path, "bytes.onnx"), 1, 0);
    cJSON *report = REPORT("summary", "-m", path, "--json");
    assert_non_null(strstr(text_at(report, "preprocessing"), "(p - 0) / 1"));
    assert_int_equal(
        cJSON_GetArraySize(cJSON_GetObjectItem(report, "warnings")), 0);
    cJSON_Delete(report);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_input_is_listed),
        cmocka_unit_test(layout_is_recognised),
        cmocka_unit_test(every_layer_has_a_key),
        cmocka_unit_test(refusals_say_all),
        cmocka_unit_test(straight_through_is_said),
        cmocka_unit_test(batch_may_differ),
        cmocka_unit_test(subnormal_weights_are_not_slower),
        cmocka_unit_test(floating_point_state_is_restored),
        cmocka_unit_test(limits_can_be_set),
        cmocka_unit_test(several_inputs_are_refused),
        cmocka_unit_test(bytes_are_pixels),
    };
    return cmocka_run_group_tests_name("cases of models", tests, NULL, NULL);
}
