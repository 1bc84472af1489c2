/*
 * Gradients that operators add to what is there and mask where they write them
 * (cx_delivery in src/ops/operator.h), against the same shares written plainly,
 * then added and masked here; and a network in which the plan makes use of it
 * against the same one whose hooks forbid it. (That plain shares are right is
 * shown by double/test_gradients.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"
#include "support/sample.h"

/* ---- one operator -------------------------------------------------------- */

/* A session with the gradients of all real inputs, gone backwards once. */
static cxai_session *open(const sample_case *s, const cxai_model *model)
{
    cxai_error error;
    int x[SAMPLE_INPUTS], count = 0;
    for (int k = 0; k < s->input_count; k++) {
        char name[] = { 'x', (char)('0' + k), '\0' };
        if (s->inputs[k].kind == SAMPLE_REALS && k < 10)
            x[count++] = net_value(model, name);
    }
    const cxai_request request = { .input_shape = s->inputs[0].shape,
                                   .feed = x,
                                   .feed_count = count,
                                   .target = net_value(model, "y0"),
                                   .wrt = x,
                                   .wrt_count = count,
                                   .threads = 2 };
    cxai_session *session;
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    for (int i = 0; i < count; i++) {
        void *block;
        cxai_tensor view;
        check_ok(cxai_session_value(session, x[i], &view, &error), &error);
        cxai_real *data =
            kernel_numbers(cxai_shape_count(&view.shape), 70 * i, &block);
        check_ok(cxai_session_set(session, x[i], data, &error), &error);
        free(block);
    }
    cxai_shape shape;
    void *block;
    check_ok(cxai_session_shape(session, request.target, &shape, &error),
             &error);
    cxai_real *seed = kernel_numbers(cxai_shape_count(&shape), 9, &block);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    free(block);
    return session;
}

static int bit(const uint8_t *bits, int64_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* The share of input k, delivered in all ways, against `plain`. */
static void check_input(const cx_step *step, int k, const cxai_real *plain,
                        int64_t count)
{
    cx_delivery delivery[SAMPLE_INPUTS] = { { .mask = NULL } };
    cx_call call = step->call;
    cxai_real *dx = step->dx_view[k].data;
    void *block;
    cxai_real *before = kernel_numbers(count, 500, &block);
    uint8_t *mask = malloc((size_t)count / 8 + 1);
    assert_non_null(mask);
    for (int64_t i = 0; i <= count / 8; i++)
        mask[i] = (uint8_t)(i * 37 + 0x5b);
    call.delivery = delivery;
    double largest = 1;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)plain[i]));
    for (int how = 1; how < 4; how++) {
        delivery[k] = (cx_delivery){ how & 1, how & 2 ? mask : NULL };
        memcpy(dx, before, (size_t)count * sizeof *dx);
        step->op->backward(&call);
        for (int64_t i = 0; i < count; i++) {
            double want = (double)plain[i] + (how & 1 ? (double)before[i] : 0);
            if (how & 2 && !bit(mask, i))
                want = 0;
            /* the sum has another order: some roundings of its terms */
            if (!(fabs((double)dx[i] - want) <= 2e-6 * largest))
                fail_msg("%s: element %lld of gradient %d is %g, not %g (%d)",
                         step->c->label, (long long)i, k, (double)dx[i], want,
                         how);
        }
    }
    free(mask);
    free(block);
}

static void check_sample(const cx_operator *op, const cx_sample *sample)
{
    cxai_error error;
    sample_case s = sample_read(op, sample);
    cxai_model *model = sample_build(&s, SAMPLE_ALL_FED, NULL, &error);
    assert_non_null(model);
    cxai_session *session = open(&s, model);
    for (int i = 0; i < session->plan->step_count; i++) {
        const cx_step *step = session->plan->steps[i];
        if (step->op != op)
            continue;
        for (int k = 0; k < step->c->input_count; k++) {
            if (!(op->delivers >> k & 1) || step->dx_view[k].data == NULL)
                continue;
            int64_t count = cxai_shape_count(&step->dx_view[k].shape);
            size_t bytes = (size_t)count * sizeof(cxai_real);
            cxai_real *plain = malloc(bytes + 1);
            assert_non_null(plain);
            memcpy(plain, step->dx_view[k].data, bytes);
            check_input(step, k, plain, count);
            free(plain);
        }
    }
    cxai_session_free(&session);
    cxai_model_free(&model);
    sample_free(&s);
}

static void test_operators_deliver(void **state)
{
    (void)state;
    int count = 0;
    for (int f = 0; cx_operator_families[f] != NULL; f++)
        for (int i = 0; i < cx_operator_families[f]->count; i++) {
            const cx_operator *op = &cx_operator_families[f]->operators[i];
            for (int k = 0; op->delivers != 0 && k < op->sample_count; k++) {
                check_sample(op, &op->samples[k]);
                count++;
            }
        }
    assert_true(count > 30);
}

/* ---- a network ----------------------------------------------------------- */

static void convolve(net *n, const char *x, const char *y, const char *weights,
                     const char *attributes)
{
    void *block;
    char inputs[16] = "", name[8] = "w";
    cxai_shape shape = net_shape(weights);
    int64_t count = cxai_shape_count(&shape);
    cxai_real *numbers = kernel_numbers(count, 31 * y[0], &block);
    double *w = malloc((size_t)count * sizeof *w);
    assert_non_null(w);
    for (int64_t i = 0; i < count; i++)
        w[i] = (double)numbers[i] / 4;
    strcat(name, y);
    net_reals(n, name, weights, w);
    strcat(strcat(strcat(inputs, x), " "), name);
    net_node(n, "Conv", inputs, y, attributes);
    free(w);
    free(block);
}

/* Values that several nodes read, residuals that are the convolution's own
   input, a value's only one, and one that others read afterwards. */
static cxai_model *build(void)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,3,14,13");
    convolve(&n, "x", "a", "24,3,3,3", "pads=1,1,1,1");
    net_node(&n, "Relu", "a", "ra", "");
    net_node(&n, "MaxPool", "ra", "p", "kernel_shape=3,3 strides=1,1");
    convolve(&n, "p", "b", "24,24,3,3", "pads=1,1,1,1");
    net_node(&n, "Add", "b p", "bs", "");
    net_node(&n, "Relu", "bs", "rb", "");
    convolve(&n, "rb", "c", "24,24,1,1", "");
    net_node(&n, "Relu", "c", "rc", "");
    convolve(&n, "rc", "d", "24,24,3,3", "pads=1,1,1,1");
    net_node(&n, "Add", "d rb", "ds", "");
    net_node(&n, "Relu", "ds", "rd", "");
    convolve(&n, "rd", "e", "16,24,1,1", "strides=2,2");
    convolve(&n, "rd", "f", "24,1,3,3", "group=24 strides=2,2 pads=1,1,1,1");
    net_node(&n, "Relu", "f", "rf", "");
    net_node(&n, "Concat", "e rf e", "g", "axis=1");
    net_node(&n, "Relu", "g", "rg", "");
    convolve(&n, "rg", "h", "16,56,1,1", "");
    net_node(&n, "Add", "h e", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

static int do_nothing(const cxai_hook_call *call, void *payload)
{
    (void)call;
    (void)payload;
    return 0;
}

static cxai_real *find_gradient(cxai_session *s, int x, int64_t *count)
{
    cxai_error error;
    cxai_tensor view;
    void *block;
    cxai_real *seed = kernel_numbers(16 * 6 * 6, 5, &block);
    check_ok(cxai_session_forward(s, &error), &error);
    check_ok(cxai_session_backward(s, seed, &error), &error);
    check_ok(cxai_session_backward(s, seed, &error), &error); /* once more */
    check_ok(cxai_session_gradient(s, x, &view, &error), &error);
    *count = cxai_shape_count(&view.shape);
    cxai_real *dx = malloc((size_t)*count * sizeof *dx);
    assert_non_null(dx);
    cxai_tensor_read(&view, dx);
    free(block);
    return dx;
}

static void test_plan_delivers(void **state)
{
    (void)state;
    cxai_error error;
    cxai_model *model = build();
    int x = net_value(model, "x"), both[2] = { x, net_value(model, "rb") };
    void *block;
    cxai_real *picture = kernel_numbers(3 * 14 * 13, 1, &block);
    cxai_real *first = NULL;
    /* plainly; with an inner gradient asked for; with hooks */
    for (int how = 0; how < 3; how++) {
        cxai_request request = { .target = net_value(model, "y"),
                                 .wrt = both,
                                 .wrt_count = how == 1 ? 2 : 1,
                                 .threads = 2 };
        cxai_hook hook = { CXAI_AFTER_BACKWARD, -1, NULL, do_nothing, NULL };
        cxai_session *s;
        int64_t count;
        check_ok(cxai_session_create(&s, model, &request, &error), &error);
        if (how == 2)
            check_ok(cxai_session_add_hook(s, &hook, NULL, &error), &error);
        check_ok(cxai_session_set(s, x, picture, &error), &error);
        cxai_real *dx = find_gradient(s, x, &count);
        int masked = 0;
        for (int i = 0; i < s->plan->step_count; i++)
            masked += s->plan->steps[i]->arrives_masked;
        assert_true(how == 2 ? masked == 0 : masked >= 3);
        if (first != NULL) /* sums in another order */
            assert_true(relative_error(dx, first, count) < 1e-5);
        if (first == NULL)
            first = dx;
        else
            free(dx);
        cxai_session_free(&s);
    }
    free(first);
    free(block);
    cxai_model_free(&model);
}

/* ---- few gradients ------------------------------------------------------- */

/* Two 1x1 convolutions read max(p, 0); gradients come in at few places, more
   than one in 32 of a pixel's among them. Against the sum of rows of weights.
 */
static void check_few(int stride, int seeds)
{
    enum { IN = 21, OUT = 70, SIDE = 6 };
    char attributes[16] = { 0 };
    int side = (SIDE + stride - 1) / stride, pixels = side * side;
    void *block;
    cxai_error error;
    strcpy(attributes, stride == 1 ? "" : "strides=2,2");
    net n = net_begin(13);
    net_input(&n, "p", "1,21,6,6");
    convolve(&n, "p", "x", "21,1,1,1", "group=21");
    net_node(&n, "Relu", "x", "r", "");
    convolve(&n, "r", "a", "70,21,1,1", attributes);
    convolve(&n, "r", "b", "70,21,1,1", attributes);
    net_node(&n, "Add", "a b", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    int p = net_value(model, "p"), y = net_value(model, "y");
    cxai_request request = {
        .target = y, .wrt = &p, .wrt_count = 1, .threads = 2
    };
    cxai_real *picture = kernel_numbers(IN * SIDE * SIDE, 3, &block);
    cxai_real *seed = calloc((size_t)(OUT * pixels), sizeof *seed);
    double *want = calloc(IN * SIDE * SIDE, sizeof *want);
    assert_non_null(seed);
    assert_non_null(want);
    const cxai_tensor first =
        cxai_model_constant(model, net_value(model, "wx"));
    const cxai_tensor a = cxai_model_constant(model, net_value(model, "wa"));
    const cxai_tensor b = cxai_model_constant(model, net_value(model, "wb"));
    for (int i = 0; i < seeds; i++) {
        int m = 13 * i % OUT, q = 7 * i % pixels;
        int at = q / side * stride * SIDE + q % side * stride;
        cxai_real value = kernel_number(i) + 2;
        seed[m * pixels + q] += value;
        for (int c = 0; c < IN; c++) {
            cxai_real w = first.data[c];
            if (picture[c * SIDE * SIDE + at] * w > 0)
                want[c * SIDE * SIDE + at] +=
                    (double)value * (double)w *
                    ((double)a.data[m * IN + c] + (double)b.data[m * IN + c]);
        }
    }
    cxai_session *s;
    cxai_tensor view;
    check_ok(cxai_session_create(&s, model, &request, &error), &error);
    check_ok(cxai_session_set(s, p, picture, &error), &error);
    check_ok(cxai_session_forward(s, &error), &error);
    check_ok(cxai_session_backward(s, seed, &error), &error);
    check_ok(cxai_session_gradient(s, p, &view, &error), &error);
    check_view(&view, want, IN * SIDE * SIDE, 1e-6);
    cxai_session_free(&s);
    cxai_model_free(&model);
    free(want);
    free(seed);
    free(block);
}

static void test_few_gradients(void **state)
{
    (void)state;
    static const int seeds[] = { 0, 1, 2, 36, 60, 400 };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        check_few(1, seeds[i]);
        check_few(2, seeds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_deliver),
        cmocka_unit_test(test_plan_delivers),
        cmocka_unit_test(test_few_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
