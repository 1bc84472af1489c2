/*
 * Small networks in the idioms of many exporters
 * (tests/reference/exporters.py): forwards as onnxruntime, backwards as
 * differences of its answers.
 *
 * Answers agree to 1e-5 of the largest. Of the gradient one number is known,
 * the derivative along a direction, to 1 % (float32 differences; of no less
 * than 0.1): it tells a wrong factor, sign or place. Each operator's gradient
 * is checked to 1e-6 elsewhere (tests/double).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cxai/cxai.h"
#include "support/check.h"

#define CLOSE 1e-5
#define SLOPE 2e-2

static cxai_real *allocate(int64_t count)
{
    cxai_real *numbers = calloc((size_t)count + 1, sizeof *numbers);
    assert_non_null(numbers);
    return numbers;
}

/* What the script saved: the answers, then the derivative. */
static cxai_real *load_expected(const char *name, int64_t *answers)
{
    char path[128];
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    snprintf(path, sizeof path, "tests/data/exporters/%s.npy", name);
    check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
    *answers = cxai_shape_count(&shape) - 1;
    return data;
}

static cxai_session *start(const cxai_model *model, int input, int output)
{
    cxai_error error;
    cxai_session *session;
    cxai_shape shape;
    const cxai_request request = { .watch = &output,
                                   .watch_count = 1,
                                   .target = output,
                                   .wrt = &input,
                                   .wrt_count = 1,
                                   .threads = 1 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_shape(session, input, &shape, &error), &error);
    int64_t count = cxai_shape_count(&shape);
    cxai_real *x = allocate(count);
    for (int64_t i = 0; i < count; i++)
        x[i] = (cxai_real)sin(1.7 * (double)i + 0.3);
    check_ok(cxai_session_set(session, input, x, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    free(x);
    return session;
}

static void check_answers(const cxai_session *session, int output,
                          const cxai_real *want, int64_t count)
{
    cxai_tensor view;
    cxai_error error;
    double largest = 0;
    check_ok(cxai_session_value(session, output, &view, &error), &error);
    assert_int_equal(cxai_shape_count(&view.shape), count);
    cxai_real *got = allocate(count);
    cxai_tensor_read(&view, got);
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)want[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= CLOSE * largest))
            fail_msg("answer %lld is %.8g instead of %.8g", (long long)i,
                     (double)got[i], (double)want[i]);
    free(got);
}

static void check_slope(cxai_session *session, int input, int64_t answers,
                        double want)
{
    cxai_tensor view;
    cxai_error error;
    cxai_real *seed = allocate(answers);
    for (int64_t i = 0; i < answers; i++)
        seed[i] = (cxai_real)cos(0.9 * (double)i);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    check_ok(cxai_session_gradient(session, input, &view, &error), &error);
    int64_t count = cxai_shape_count(&view.shape);
    cxai_real *gradient = allocate(count);
    cxai_tensor_read(&view, gradient);
    double slope = 0;
    for (int64_t i = 0; i < count; i++)
        slope += (double)gradient[i] * cos(2.3 * (double)i);
    if (!(fabs(slope - want) <= SLOPE * fmax(fabs(want), 0.1)))
        fail_msg("the slope is %.6g instead of %.6g", slope, want);
    free(gradient);
    free(seed);
}

static void runs_both_ways(void **state)
{
    char path[128];
    int64_t answers;
    cxai_error error;
    cxai_model *model;
    cxai_real *expected = load_expected(*state, &answers);
    snprintf(path, sizeof path, "tests/data/exporters/%s.onnx",
             (const char *)*state);
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    int input = cxai_model_input(model, 0),
        output = cxai_model_output(model, 0);
    cxai_session *session = start(model, input, output);
    check_answers(session, output, expected, answers);
    check_slope(session, input, answers, (double)expected[answers]);
    cxai_session_free(&session);
    cxai_model_free(&model);
    free(expected);
}

#define EXPORTER(exporter)                                                     \
    {                                                                          \
        .name = exporter, .test_func = runs_both_ways,                         \
        .initial_state = exporter                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER("caffe2"),  EXPORTER("cntk"),         EXPORTER("coreml"),
        EXPORTER("darknet"), EXPORTER("keras2onnx"),   EXPORTER("matlab"),
        EXPORTER("mxnet"),   EXPORTER("paddle2onnx"),  EXPORTER("tf2onnx"),
        EXPORTER("fused"),   EXPORTER("fused_tokens"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
