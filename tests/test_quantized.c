/*
 * Quantised networks: what rounding, saturation and the straight-through
 * gradient give by hand, and a small network in the two formats that
 * onnxruntime writes (tests/reference/quantized.py), against onnxruntime and,
 * for the gradient, torch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/session.h"
#include "support/check.h"
#include "support/net.h"

static const double exact = 0;

/* One step of the outputs' scales is 0.016; both programs round the same
   numbers unless one lies within rounding errors of a half. */
static const double close = 1e-5;

typedef struct run {
    cxai_model *model;
    cxai_session *session;
    int x, y;
} run;

static void start(run *r, cxai_model *model, const cxai_real *x)
{
    cxai_error error;
    r->model = model;
    r->x = cxai_model_input(model, 0);
    r->y = cxai_model_output(model, 0);
    const cxai_request request = { .feed = &r->x,
                                   .feed_count = 1,
                                   .watch = &r->y,
                                   .watch_count = 1,
                                   .target = r->y,
                                   .wrt = &r->x,
                                   .wrt_count = 1,
                                   .threads = 2 };
    check_ok(cxai_session_create(&r->session, model, &request, &error), &error);
    check_ok(cxai_session_set(r->session, r->x, x, &error), &error);
    check_ok(cxai_session_forward(r->session, &error), &error);
}

static void check_values(run *r, const double *want, int64_t count,
                         double tolerance)
{
    cxai_error error;
    cxai_tensor view;
    check_ok(cxai_session_value(r->session, r->y, &view, &error), &error);
    check_view(&view, want, count, tolerance);
}

static void check_gradient(run *r, const cxai_real *seed, const double *want,
                           int64_t count, double tolerance)
{
    cxai_error error;
    cxai_tensor view;
    check_ok(cxai_session_backward(r->session, seed, &error), &error);
    check_ok(cxai_session_gradient(r->session, r->x, &view, &error), &error);
    check_view(&view, want, count, tolerance);
}

static void end(run *r)
{
    cxai_session_free(&r->session);
    cxai_model_free(&r->model);
}

/* Halves go to the even number; what leaves 0..255 is held at its end and lets
   no gradient through. */
static void rounds_to_even_and_saturates(void **state)
{
    (void)state;
    static const cxai_real x[8] = { (cxai_real)0.5,
                                    (cxai_real)1.5,
                                    (cxai_real)2.5,
                                    (cxai_real)-0.5,
                                    (cxai_real)-1.5,
                                    200,
                                    255,
                                    -200 };
    static const cxai_real seed[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    net n = net_begin(21);
    net_input(&n, "x", "8");
    net_reals(&n, "scale", "", (double[]){ 1 });
    net_integers(&n, "zero", "", (int64_t[]){ 3 });
    net_node(&n, "QuantizeLinear", "x scale zero", "y", "output_dtype=2");
    net_output(&n, "y");
    run r;
    start(&r, net_end(&n), x);
    check_values(&r, (double[]){ 3, 5, 5, 3, 1, 203, 255, 0 }, 8, exact);
    check_gradient(&r, seed, (double[]){ 1, 2, 3, 4, 5, 6, 0, 0 }, 8, exact);
    end(&r);
}

/* Scale 1/2, zero point 10, uint8: -5 .. 122.5 in steps of a half. */
static void quantised_and_back(void **state)
{
    (void)state;
    static const cxai_real x[5] = { (cxai_real)1.1, -2, -6, (cxai_real)-0.8,
                                    500 };
    static const cxai_real seed[5] = { 1, 1, 1, 2, 1 };
    net n = net_begin(21);
    net_input(&n, "x", "5");
    net_reals(&n, "scale", "", (double[]){ 0.5 });
    net_integers(&n, "zero", "", (int64_t[]){ 10 });
    net_node(&n, "QuantizeLinear", "x scale zero", "q", "output_dtype=2");
    net_node(&n, "Cast", "zero", "byte", "to=2");
    net_node(&n, "DequantizeLinear", "q scale byte", "y", "");
    net_output(&n, "y");
    run r;
    start(&r, net_end(&n), x);
    check_values(&r, (double[]){ 1, -2, -5, -1, 122.5 }, 5, exact);
    check_gradient(&r, seed, (double[]){ 1, 1, 0, 2, 0 }, 5, exact);
    end(&r);
}

/* float8e4m3fn has three bits of fraction, numbers up to 448, and steps of
   2^-9 below 2^-6. */
static void eight_bit_floats_round_and_pass_gradients(void **state)
{
    (void)state;
    static const cxai_real x[5] = { (cxai_real)0.3, (cxai_real)1.06, 500,
                                    (cxai_real)-0.001, -17 };
    static const cxai_real seed[5] = { 1, 2, 3, 4, 5 };
    net n = net_begin(21);
    net_input(&n, "x", "5");
    net_node(&n, "Cast", "x", "y", "to=17");
    net_output(&n, "y");
    run r;
    start(&r, net_end(&n), x);
    check_values(&r, (double[]){ 0.3125, 1, 448, -0x1p-9, -16 }, 5, exact);
    check_gradient(&r, seed, (double[]){ 1, 2, 0, 4, 5 }, 5, exact);
    end(&r);
}

/* -1 .. 4 in 255 steps of 1/51: all four are whole steps. */
static void dynamic_quantisation_passes_gradients(void **state)
{
    (void)state;
    static const cxai_real x[4] = { -1, 0, 2, 4 };
    static const cxai_real seed[4] = { 1, -2, 3, 4 };
    net n = net_begin(21);
    net_input(&n, "x", "4");
    net_node(&n, "DynamicQuantizeLinear", "x", "q scale zero", "");
    net_node(&n, "DequantizeLinear", "q scale zero", "y", "");
    net_output(&n, "y");
    run r;
    start(&r, net_end(&n), x);
    check_values(&r, (double[]){ -1, 0, 2, 4 }, 4, close);
    check_gradient(&r, seed, (double[]){ 1, -2, 3, 4 }, 4, close);
    end(&r);
}

static double *load(const char *name, int64_t *count)
{
    char path[128] = "tests/data/quantized/";
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    check_ok(cxai_npy_load(strcat(path, name), 0, &data, &shape, &error),
             &error);
    *count = cxai_shape_count(&shape);
    double *numbers = malloc((size_t)*count * sizeof *numbers);
    assert_non_null(numbers);
    for (int64_t i = 0; i < *count; i++)
        numbers[i] = (double)data[i];
    free(data);
    return numbers;
}

static void start_file(run *r, const char *name)
{
    char path[128] = "tests/data/quantized/";
    cxai_real *x;
    cxai_shape shape;
    cxai_error error;
    cxai_model *model;
    check_ok(
        cxai_npy_load("tests/data/quantized/input.npy", 0, &x, &shape, &error),
        &error);
    check_ok(cxai_model_load(&model, strcat(path, name), NULL, &error), &error);
    start(r, model, x);
    free(x);
}

static void check_file(const char *file, const char *answer)
{
    int64_t count;
    double *want = load(answer, &count);
    run r;
    start_file(&r, file);
    check_values(&r, want, count, close);
    end(&r);
    free(want);
}

static void both_formats_answer_as_onnxruntime(void **state)
{
    (void)state;
    check_file("qoperator.onnx", "qoperator.npy");
    check_file("qdq.onnx", "qdq.npy");
}

static void gradient_is_straight_through(void **state)
{
    (void)state;
    static const cxai_real seed[5] = { 1 };
    int64_t count;
    double *want = load("gradient.npy", &count);
    run r;
    start_file(&r, "qdq.onnx");
    check_gradient(&r, seed, want, count, close);
    end(&r);
    free(want);
}

/* The other format has one scale for all channels: nearly the same numbers. */
static void operators_on_integers_have_gradients(void **state)
{
    (void)state;
    static const cxai_real seed[5] = { 1 };
    int64_t count;
    double *other = load("gradient.npy", &count), product = 0, a = 0, b = 0;
    run r;
    cxai_error error;
    cxai_tensor view;
    start_file(&r, "qoperator.onnx");
    check_ok(cxai_session_backward(r.session, seed, &error), &error);
    check_ok(cxai_session_gradient(r.session, r.x, &view, &error), &error);
    cxai_real *gradient = malloc((size_t)count * sizeof *gradient);
    assert_non_null(gradient);
    cxai_tensor_read(&view, gradient);
    for (int64_t i = 0; i < count; i++) {
        product += (double)gradient[i] * other[i];
        a += (double)gradient[i] * (double)gradient[i];
        b += other[i] * other[i];
    }
    assert_true(product / sqrt(a * b) > 0.95); /* cosine */
    free(gradient);
    free(other);
    end(&r);
}

/* The real operator of a quantised node keeps the node's name. */
static void the_real_operator_can_be_named(void **state)
{
    (void)state;
    run r;
    int value;
    cxai_error error;
    start_file(&r, "qoperator.onnx");
    check_ok(cxai_model_find(r.model, "c1_quant", &value, &error), &error);
    cxai_node node =
        cxai_model_node(r.model, cxai_model_producer(r.model, value));
    assert_string_equal(node.operator_type, "Conv");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_to_even_and_saturates),
        cmocka_unit_test(quantised_and_back),
        cmocka_unit_test(eight_bit_floats_round_and_pass_gradients),
        cmocka_unit_test(dynamic_quantisation_passes_gradients),
        cmocka_unit_test(both_formats_answer_as_onnxruntime),
        cmocka_unit_test(gradient_is_straight_through),
        cmocka_unit_test(operators_on_integers_have_gradients),
        cmocka_unit_test(the_real_operator_can_be_named),
    };
    return cmocka_run_group_tests_name("quantized", tests, NULL, NULL);
}
