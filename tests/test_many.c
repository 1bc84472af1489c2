/*
 * Sessions for many pictures, which convolve maps of 7x7 by Winograd's
 * transform and pack weights for both directions: logits and gradients are
 * those of direct sums (test_direct.c), up to the transform's rounding, and a
 * picture has the same bits alone and in a batch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

enum { CHANNELS = 24, SIDE = 7, MAP = CHANNELS * SIDE * SIDE, BATCH = 3 };
enum { WEIGHTS = CHANNELS * CHANNELS * 9 };

/* Of the largest number: the transform's error is about 4e-6 of it in each of
   two layers. */
static const double tolerance = sizeof(cxai_real) == 4 ? 2e-5 : 1e-12;

/* x -> y, two 3x3 convolutions with a ReLU between. */
static cxai_model *build(void)
{
    static double w[WEIGHTS];
    net n = net_begin(13);
    for (int64_t i = 0; i < WEIGHTS; i++)
        w[i] = (double)kernel_number(77 + i);
    net_input(&n, "x", "1,24,7,7");
    net_reals(&n, "w", "24,24,3,3", w);
    net_node(&n, "Conv", "x w", "a", "pads=1,1,1,1");
    net_node(&n, "Relu", "a", "r", "");
    net_node(&n, "Conv", "r w", "y", "pads=1,1,1,1");
    net_output(&n, "y");
    return net_end(&n);
}

/* numbers: y, then the gradient at x of the sum of seed * y; of each picture.
 */
static void run(const cxai_model *model, cxai_request request, int64_t batch,
                const cxai_real *x, const cxai_real *seed, cxai_real *numbers)
{
    const int y = net_value(model, "y"), in = net_value(model, "x");
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;

    request.input_shape = (cxai_shape){ 4, { batch, CHANNELS, SIDE, SIDE } };
    request.watch = &y;
    request.wrt = &in;
    request.watch_count = request.wrt_count = 1;
    request.target = y;
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, in, x, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, y, &view, &error), &error);
    cxai_tensor_read(&view, numbers);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    check_ok(cxai_session_gradient(session, in, &view, &error), &error);
    cxai_tensor_read(&view, numbers + batch * MAP);
    cxai_session_free(&session);
}

static void assert_close(const cxai_real *a, const cxai_real *b, int64_t count)
{
    double largest = 0;

    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)b[i]));
    for (int64_t i = 0; i < count; i++)
        assert_true(fabs((double)a[i] - (double)b[i]) <= tolerance * largest);
}

static void test_many(void **state)
{
    static cxai_real many[2 * BATCH * MAP], direct[2 * BATCH * MAP],
        alone[2 * MAP];
    cxai_model *model = build();
    void *block[2];
    cxai_real *x = kernel_numbers(BATCH * MAP, 5, &block[0]);
    cxai_real *seed = kernel_numbers(BATCH * MAP, 6, &block[1]);
    const cxai_request for_many = { .many = 1 }, by_sums = { .direct = 1 };

    (void)state;
    run(model, for_many, BATCH, x, seed, many);
    run(model, by_sums, BATCH, x, seed, direct);
    assert_close(many, direct, BATCH * MAP);
    assert_close(many + BATCH * MAP, direct + BATCH * MAP, BATCH * MAP);
    assert_memory_not_equal(many, direct, BATCH * MAP * sizeof *many);
    for (int64_t n = 0; n < BATCH; n++) {
        run(model, for_many, 1, x + n * MAP, seed + n * MAP, alone);
        assert_memory_equal(alone, many + n * MAP, MAP * sizeof *alone);
        assert_memory_equal(alone + MAP, many + (BATCH + n) * MAP,
                            MAP * sizeof *alone);
    }
    free(block[0]);
    free(block[1]);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_many) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
