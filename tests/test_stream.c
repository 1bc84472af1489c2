/*
 * Pointwise convolutions that are made inside the depthwise ones behind them
 * (kernels/stream.h), against the same network in which the value between the
 * two is watched, so that it lies in memory: the same bits, for any number of
 * threads, and one step less. (That networks in which all is watched are right
 * is shown by test_networks and test_convolution.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/fused.h"
#include "support/kernel.h"
#include "support/net.h"

/* x -> a (pointwise) -> its activation -> y (depthwise) -> its activation. */
typedef struct pair {
    const char *input, *pointwise, *bias, *depthwise, *attributes;
    const char *between, *behind; /* "", "Relu" or "Swish" */
    int steps;                    /* when nothing is watched */
} pair;

static const pair pairs[] = {
    { "1,9,61,63", "72,9,1,1", "72", "72,1,3,3", "group=72 pads=1,1,1,1",
      "Relu", "Relu", 1 },
    { "1,9,61,63", "72,9,1,1", "72", "72,1,5,5",
      "group=72 pads=2,2,2,2 strides=2,2", "Swish", "Swish", 1 },
    { "1,20,62,60", "73,20,1,1", "73", "73,1,3,3",
      "group=73 pads=0,0,1,1 strides=2,2", "", "Relu", 1 },
    { "1,5,130,40", "52,5,1,1", "52", "52,1,3,3",
      "group=52 pads=2,2,2,2 dilations=2,2", "Relu", "", 1 },
    { "3,7,40,38", "61,7,1,1", "61", "61,1,7,7", "group=61 pads=3,3,3,3",
      "Relu", "", 1 },
    { "1,3,90,50", "66,3,1,1", "66", "66,1,3,1",
      "group=66 pads=5,0,6,0 strides=3,1", "", "", 1 }, /* lines of padding */
    { "9,6,14,14", "160,6,1,1", "160", "160,1,3,3", "group=160 pads=1,1,1,1",
      "Relu", "Relu", 1 }, /* pictures that the ring holds whole */
    { "1,9,12,12", "72,9,1,1", "72", "72,1,3,3", "group=72 pads=1,1,1,1",
      "Relu", "", 2 }, /* too small to pay */
    { "1,9,61,63", "72,9,1,1", "72", "144,1,3,3", "group=72 pads=1,1,1,1",
      "Relu", "", 2 }, /* two outputs a channel */
};

static void add_numbers(net *n, const char *name, const char *shape)
{
    cxai_shape s = net_shape(shape);
    int64_t count = cxai_shape_count(&s);
    double *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)kernel_number(77 * name[0] + i);
    net_reals(n, name, shape, values);
    free(values);
}

/* An activation from one value to the next; "" copies the name. */
static const char *activate(net *n, const char *what, const char *from,
                            const char *sigmoid, const char *to)
{
    char inputs[64];
    if (strcmp(what, "") == 0)
        return from;
    if (strcmp(what, "Relu") == 0) {
        net_node(n, "Relu", from, to, "");
        return to;
    }
    net_node(n, "Sigmoid", from, sigmoid, "");
    snprintf(inputs, sizeof inputs, "%s %s", from, sigmoid);
    net_node(n, "Mul", inputs, to, "");
    return to;
}

static cxai_model *build(const pair *p, const char **between)
{
    char inputs[64];
    net n = net_begin(13);
    net_input(&n, "x", p->input);
    add_numbers(&n, "w", p->pointwise);
    add_numbers(&n, "b", p->bias);
    add_numbers(&n, "v", p->depthwise);
    net_node(&n, "Conv", "x w b", "a", "");
    *between = activate(&n, p->between, "a", "s", "c");
    snprintf(inputs, sizeof inputs, "%s v", *between);
    net_node(&n, "Conv", inputs, "d", p->attributes);
    net_output(&n, activate(&n, p->behind, "d", "t", "y"));
    return net_end(&n);
}

/* Dense, for free(); watched: a value beside the output, or -1. */
static cxai_real *answer(const cxai_model *model, const pair *p, int watched,
                         int threads, int64_t *count, int *steps)
{
    const int watch[2] = { cxai_model_output(model, 0), watched };

    return fused_answer(model, p->input, watch, watched < 0 ? 1 : 2, threads,
                        count, steps);
}

static void test_streams(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(pairs); i++) {
        const pair *p = &pairs[i];
        const char *between;
        cxai_model *model = build(p, &between);
        int64_t count, streamed_count;
        int steps;
        cxai_real *apart =
            answer(model, p, net_value(model, between), 2, &count, &steps);
        assert_int_equal(steps, 2);
        for (int threads = 1; threads <= 3; threads++) {
            cxai_real *streamed =
                answer(model, p, -1, threads, &streamed_count, &steps);
            assert_int_equal(steps, p->steps);
            assert_int_equal(streamed_count, count);
            for (int64_t k = 0; k < count; k++)
                if (memcmp(&streamed[k], &apart[k], sizeof *apart) != 0)
                    fail_msg("pair %d, %d threads: element %lld is %.9g, not "
                             "%.9g",
                             i, threads, (long long)k, (double)streamed[k],
                             (double)apart[k]);
            free(streamed);
        }
        free(apart);
        cxai_model_free(&model);
    }
}

/* Where a gradient passes, what lies between is kept or its mask is. */
static void test_gradients_keep_apart(void **state)
{
    (void)state;
    const char *between;
    cxai_model *model = build(&pairs[0], &between);
    assert_int_equal(fused_gradient_steps(model), 2);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_gradients_keep_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
