/*
 * Concatenations whose parts are written where they are read (plan/join.c):
 * networks against themselves with every value watched (support/planned.h), and
 * how much of them is moved.
 */
#include <stdlib.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/planned.h"

#define SAME "pads=1,1,1,1"

static const planned networks[] = {
    /* SqueezeNet's fire: masks of rows with gaps, of whole bytes and not */
    { .name = "fire",
      .x = "2,6,5,7",
      .constants = { { "s", "8,6,1,1" },
                     { "e", "16,8,1,1" },
                     { "t", "9,8,3,3" },
                     { "o", "4,25,1,1" } },
      .lines = { { "Conv", "x s", "a", "" },
                 { "Relu", "a", "b", "" },
                 { "Conv", "b e", "c", "" },
                 { "Relu", "c", "d", "" },
                 { "Conv", "b t", "f", SAME },
                 { "Relu", "f", "g", "" },
                 { "Concat", "d g", "h", "axis=1" },
                 { "Conv", "h o", "y", "" } },
      .forward_steps = 5,
      .backward_steps = 5 },
    /* DenseNet: a whole is the beginning of the next */
    { .name = "dense",
      .x = "1,8,6,6",
      .constants = { { "a", "8,8,3,3" },
                     { "b", "8,16,3,3" },
                     { "c", "8,24,1,1" },
                     { "d", "5,32,3,3" } },
      .lines = { { "Conv", "x a", "k", SAME },
                 { "Relu", "k", "l", "" },
                 { "Conv", "l a", "m", SAME },
                 { "Concat", "l m", "n", "axis=1" },
                 { "Relu", "n", "o", "" },
                 { "Conv", "o b", "p", SAME },
                 { "Concat", "l m p", "q", "axis=1" },
                 { "Conv", "q c", "r", "" },
                 { "Concat", "l m p r", "s", "axis=-3" },
                 { "Conv", "s d", "y", SAME } },
      .forward_steps = 9,
      .backward_steps = 9 },
    { .name = "whole in a whole",
      .x = "1,8,6,6",
      .constants = { { "a", "8,8,3,3" },
                     { "b", "4,8,1,1" },
                     { "d", "5,20,3,3" } },
      .lines = { { "Conv", "x a", "k", SAME },
                 { "Conv", "x b", "l", "" },
                 { "Concat", "k l", "m", "axis=1" },
                 { "MaxPool", "x", "n", "kernel_shape=3,3 " SAME },
                 { "Concat", "m n", "o", "axis=1" },
                 { "AveragePool", "o", "p", "kernel_shape=2,2 strides=2,2" },
                 { "Conv", "p d", "y", "" } },
      .forward_steps = 7,
      .backward_steps = 7 },
    /* the input, a part that is there twice, a residual */
    { .name = "what stays",
      .x = "1,8,6,6",
      .constants = { { "a", "8,8,3,3" }, { "d", "5,40,1,1" } },
      .lines = { { "Conv", "x a", "k", SAME },
                 { "Conv", "k a", "l", SAME },
                 { "Add", "l k", "m", "" },
                 { "Conv", "m a", "n", SAME },
                 { "Concat", "n x n m k", "o", "axis=1" },
                 { "Conv", "o d", "y", "" } },
      .forward_steps = 5,
      .backward_steps = 5 },
    /* depthwise, Winograd and strided convolutions read and write gaps */
    { .name = "ways",
      .x = "1,16,12,12",
      .constants = { { "a", "16,1,3,3" },
                     { "b", "16,16,3,3" },
                     { "c", "16,1,5,5" },
                     { "d", "32,32,3,3" } },
      .lines = { { "Conv", "x a", "k", "group=16 " SAME },
                 { "Conv", "x b", "l", SAME },
                 { "Concat", "k l", "m", "axis=1" },
                 { "Conv", "k c", "n", "group=16 pads=2,2,2,2 strides=2,2" },
                 { "Conv", "l b", "o", SAME " strides=2,2" },
                 { "Concat", "n o", "p", "axis=1" },
                 { "Conv", "m d", "q", SAME " strides=2,2" },
                 { "Add", "q p", "y", "" } },
      .forward_steps = 7,
      .backward_steps = 7 },
    { .name = "batch norm",
      .x = "2,8,3,4",
      .constants = { { "w", "8,8,1,1" }, { "s", "16" }, { "d", "3,16,1,1" } },
      .lines = { { "Conv", "x w", "k", "" },
                 { "Conv", "k w", "l", "" },
                 { "Concat", "k l", "m", "axis=1" },
                 { "GlobalAveragePool", "l", "g", "" },
                 { "Exp", "s", "e", "" },
                 { "BatchNormalization", "m s s s e", "n", "" },
                 { "Relu", "n", "o", "" },
                 { "Conv", "o d", "p", "" },
                 { "ReduceMean", "g", "h", "keepdims=0" },
                 { "Add", "p h", "y", "" } },
      .forward_steps = 8,
      .backward_steps = 8 },
};

static void test_networks(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(networks); i++)
        planned_check(&networks[i]);
}

/* How many values lie within another one in a plan that keeps nothing. */
static int count_within(const planned *p)
{
    cxai_model *model = planned_build(p);
    int y = net_value(model, "y"), count = 0;
    const cxai_request request = { .watch = &y, .watch_count = 1 };
    cxai_session *session;
    cxai_error error;
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    const cx_plan *plan = session->plan;
    for (int v = 0; v < plan->value_count; v++)
        count += plan->values[v].within >= 0;
    cxai_session_free(&session);
    cxai_model_free(&model);
    return count;
}

static void test_parts(void **state)
{
    (void)state;
    static const int expected[CX_COUNT(networks)] = {
        2, /* d, g */
        5, /* l, m, p, r and q; not n, which a Relu reads */
        4, /* k, l, m, n */
        1, /* n, once */
        4, /* k, l, n, o */
        2, /* k, l */
    };
    for (int i = 0; i < CX_COUNT(networks); i++)
        if (count_within(&networks[i]) != expected[i])
            fail_msg("%s: %d values lie within others, expected %d",
                     networks[i].name, count_within(&networks[i]), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
