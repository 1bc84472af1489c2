/*
 * A factor of each channel (squeeze and excitation) that the convolution behind
 * it takes over, against the same network in which the product is watched, so
 * that it lies in memory: the same bits, for any number of threads.
 */
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/fused.h"
#include "support/kernel.h"
#include "support/net.h"

/* x -> average -> Sigmoid -> s; x * s -> m -> y, a convolution. */
typedef struct factor {
    const char *input, *weights, *attributes;
    int taken; /* the product is no step any more */
} factor;

static const factor factors[] = {
    { "1,20,11,12", "24,20,1,1", "", 1 },
    { "3,21,11,12", "40,21,1,1", "strides=2,2", 1 },
    { "2,70,7,7", "33,70,1,1", "pads=1,0,1,2", 1 },
    { "2,3,9,9", "17,3,1,1", "", 1 }, /* few channels */
    { "2,20,11,12", "8,20,3,3", "pads=1,1,1,1 strides=2,2", 0 },
    { "1,20,11,12", "20,1,1,1", "group=20", 0 },
    { "2,20,11,12", "24,10,1,1", "group=2", 1 },
};

static cxai_model *build(const factor *f, int swapped)
{
    cxai_shape shape = net_shape(f->weights);
    int64_t count = cxai_shape_count(&shape);
    double *w = malloc((size_t)count * sizeof *w);
    assert_non_null(w);
    for (int64_t i = 0; i < count; i++)
        w[i] = (double)kernel_number(77 + i);
    net n = net_begin(13);
    net_input(&n, "x", f->input);
    net_reals(&n, "w", f->weights, w);
    net_node(&n, "GlobalAveragePool", "x", "a", "");
    net_node(&n, "Sigmoid", "a", "s", "");
    net_node(&n, "Mul", swapped ? "s x" : "x s", "m", "");
    net_node(&n, "Conv", "m w", "c", f->attributes);
    net_node(&n, "Relu", "c", "y", "");
    net_output(&n, "y");
    free(w);
    return net_end(&n);
}

/* Dense, for free(). */
static cxai_real *answer(const cxai_model *model, const factor *f, int watch_m,
                         int threads, int64_t *count, int *steps)
{
    const int watch[2] = { net_value(model, "y"), net_value(model, "m") };

    return fused_answer(model, f->input, watch, 1 + watch_m, threads, count,
                        steps);
}

static void test_factors(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(factors); i++) {
        const factor *f = &factors[i];
        cxai_model *model = build(f, i % 2);
        int64_t count, fused_count;
        int steps, fused_steps;
        cxai_real *apart = answer(model, f, 1, 2, &count, &steps);
        for (int threads = 1; threads <= 3; threads++) {
            cxai_real *fused =
                answer(model, f, 0, threads, &fused_count, &fused_steps);
            assert_int_equal(fused_steps, steps - f->taken);
            assert_int_equal(fused_count, count);
            assert_memory_equal(fused, apart, (size_t)count * sizeof *apart);
            free(fused);
        }
        free(apart);
        cxai_model_free(&model);
    }
}

/* Gradients need the product's operands each: it stays a step. */
static void test_gradients_keep_the_product(void **state)
{
    (void)state;
    cxai_model *model = build(&factors[0], 0);
    assert_int_equal(fused_gradient_steps(model), 4);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_gradients_keep_the_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
