/*
 * Sessions that convolve directly: sums of products, each within the bound of
 * such a sum (support/kernel.h), so that zeros alone make a zero. Winograd's
 * transform mixes the pixels of a tile.
 */
#include <math.h>
#include <stdlib.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

enum { CHANNELS = 24, SIDE = 14, PIXELS = SIDE * SIDE, CELLS = 9 };
enum {
    LIT = 6
}; /* columns of the picture that are not 0: no tile ends there */

/* x -> y, a 3x3 convolution that Winograd's transform fits. */
static cxai_model *build(double *weights)
{
    net n = net_begin(13);
    for (int64_t i = 0; i < CHANNELS * CHANNELS * CELLS; i++)
        weights[i] = (double)kernel_number(77 + i);
    net_input(&n, "x", "1,24,14,14");
    net_reals(&n, "w", "24,24,3,3", weights);
    net_node(&n, "Conv", "x w", "y", "pads=1,1,1,1");
    net_output(&n, "y");
    return net_end(&n);
}

/* Dense, for free(). */
static cxai_real *convolve(const cxai_model *model, const cxai_real *x,
                           int direct)
{
    const int watch[] = { net_value(model, "y") };
    const cxai_request request = { .watch = watch,
                                   .watch_count = 1,
                                   .direct = direct };
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    cxai_real *y = malloc(CHANNELS * PIXELS * sizeof *y);
    assert_non_null(y);
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, net_value(model, "x"), x, &error),
             &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, watch[0], &view, &error), &error);
    cxai_tensor_read(&view, y);
    cxai_session_free(&session);
    return y;
}

static exact exact_sum(const cxai_real *x, const double *w, int channel,
                       int row, int column)
{
    exact e = { 0 };
    for (int c = 0; c < CHANNELS; c++)
        for (int k = 0; k < CELLS; k++) {
            int i = row + k / 3 - 1, j = column + k % 3 - 1;
            if (i >= 0 && i < SIDE && j >= 0 && j < SIDE)
                exact_add(&e, (double)x[c * PIXELS + i * SIDE + j],
                          w[(channel * CHANNELS + c) * CELLS + k]);
        }
    return e;
}

static void test_direct(void **state)
{
    (void)state;
    static double w[CHANNELS * CHANNELS * CELLS];
    cxai_model *model = build(w);
    void *block;
    cxai_real *x = kernel_numbers(CHANNELS * PIXELS, 5, &block);
    for (int64_t i = 0; i < CHANNELS * PIXELS; i++)
        if (i % SIDE >= LIT)
            x[i] = 0;
    cxai_real *fast = convolve(model, x, 0), *direct = convolve(model, x, 1);
    int64_t zeros = 0, fast_zeros = 0;
    for (int64_t i = 0; i < CHANNELS * PIXELS; i++) {
        exact e = exact_sum(x, w, (int)(i / PIXELS), (int)(i % PIXELS / SIDE),
                            (int)(i % SIDE));
        exact_check(&e, -HUGE_VAL, HUGE_VAL, direct[i], "direct", "3x3");
        zeros += e.magnitude == 0;
        fast_zeros += e.magnitude == 0 && fast[i] == 0;
    }
    assert_int_equal(zeros, CHANNELS * SIDE * (SIDE - LIT - 1));
    assert_true(fast_zeros < zeros); /* both ways are there, in one model */
    free(fast);
    free(direct);
    free(block);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_direct) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
