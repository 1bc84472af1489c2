/*
 * What the plan makes of networks of tokens: biases and residuals inside matrix
 * products, values that are others seen otherwise (support/planned.h).
 */
#include <math.h>
#include <stdlib.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/planned.h"

/* ---- biases and residuals ------------------------------------------------ */

#define PRODUCT                                                                \
    {                                                                          \
        "MatMul", "x w", "a", ""                                               \
    }

static const planned sums[] = {
    { .name = "few rows",
      .x = "3,9",
      .constants = { { "w", "9,21" }, { "b", "21" } },
      .lines = { PRODUCT, { "Add", "b a", "y", "" } },
      .forward_steps = 1,
      .backward_steps = 1 },
    { .name = "rows",
      .x = "2,31,9",
      .constants = { { "w", "9,21" }, { "b", "1,1,21" } },
      .lines = { PRODUCT, { "Add", "a b", "y", "" } },
      .forward_steps = 1,
      .backward_steps = 1 },
    { .name = "residual and mask",
      .x = "50,20",
      .constants = { { "w", "20,20" }, { "b", "20" } },
      .lines = { PRODUCT,
                 { "Add", "a b", "c", "" },
                 { "Add", "x c", "d", "" },
                 { "Relu", "d", "y", "" } },
      .forward_steps = 1,
      .backward_steps = 1 },
    { .name = "residual of few rows",
      .x = "2,20",
      .constants = { { "w", "20,20" }, { "b", "20" } },
      .lines = { PRODUCT,
                 { "Add", "a b", "c", "" },
                 { "Add", "c x", "y", "" } },
      .forward_steps = 1,
      .backward_steps = 1 },
    { .name = "a bias for each row stays",
      .x = "40,20",
      .constants = { { "w", "20,20" }, { "b", "40,1" } },
      .lines = { PRODUCT, { "Add", "a b", "y", "" } },
      .forward_steps = 2,
      .backward_steps = 2 },
    { .name = "a second bias stays",
      .x = "40,20",
      .constants = { { "w", "20,20" }, { "b", "20" }, { "c", "20" } },
      .lines = { PRODUCT,
                 { "Add", "a b", "d", "" },
                 { "Add", "d c", "y", "" } },
      .forward_steps = 2,
      .backward_steps = 2 },
    { .name = "heads",
      .x = "4,37,20",
      .constants = { { "b", "4,37,37" } },
      .lines = { { "Transpose", "x", "t", "perm=0,2,1" },
                 { "MatMul", "x t", "a", "" },
                 { "Add", "a b", "c", "" },
                 { "Softmax", "c", "s", "axis=-1" },
                 { "MatMul", "s x", "d", "" },
                 { "Add", "x d", "y", "" } },
      .forward_steps = 5,
      .backward_steps = 5 },
    { .name = "gemm",
      .x = "50,20",
      .constants = { { "w", "21,20" }, { "b", "21" } },
      .lines = { { "Gemm", "x w b", "a", "transB=1" },
                 { "Relu", "a", "y", "" } },
      .forward_steps = 1,
      .backward_steps = 1 },
    { .name = "scaled gemm",
      .x = "50,20",
      .constants = { { "w", "20,21" }, { "b", "21" } },
      .lines = { { "Gemm", "x w b", "y", "alpha=0.5f beta=2f" } },
      .forward_steps = 1,
      .backward_steps = 1 },
};

static void test_sums(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(sums); i++)
        planned_check(&sums[i]);
}

/* ---- views --------------------------------------------------------------- */

#define TO_LAST "perm=0,2,3,1"
#define TO_FIRST "perm=0,3,1,2"

static const planned views[] = {
    /* a block of ConvNeXt: the picture lies channels-last all the way */
    { .name = "convnext",
      .x = "1,8,7,6",
      .constants = { { "w", "8,8,3,3" },
                     { "s", "8" },
                     { "b", "8" },
                     { "m", "8,8" },
                     { "l", "8,1,1" } },
      .lines = { { "Conv", "x w", "c", "pads=1,1,1,1" },
                 { "Transpose", "c", "t", TO_LAST },
                 { "LayerNormalization", "t s b", "n", "" },
                 { "MatMul", "n m", "p", "" },
                 { "Add", "p b", "q", "" },
                 { "Transpose", "q", "u", TO_FIRST },
                 { "Mul", "l u", "v", "" },
                 { "Add", "v x", "r", "" },
                 { "Conv", "r w", "y", "pads=1,1,1,1" } },
      .forward_steps = 6,
      .backward_steps = 6 },
    /* two readers of a view and one of what it shows: shares of one gradient */
    { .name = "shared gradient",
      .x = "2,12,5",
      .constants = { { "w", "5,5" } },
      .integers = { "24,5" },
      .lines = { { "Mul", "x x", "a", "" },
                 { "Reshape", "a i0", "r", "" },
                 { "MatMul", "r w", "m", "" },
                 { "Add", "m r", "n", "" },
                 { "Transpose", "r", "t", "perm=1,0" },
                 { "Softmax", "t", "s", "axis=-1" },
                 { "ReduceSum", "a", "e", "keepdims=0" },
                 { "MatMul", "n s", "p", "" },
                 { "Add", "p e", "y", "" } },
      .forward_steps = 6,
      .backward_steps = 6 },
    /* the residual's gradient is that of a view, in the same place */
    { .name = "residual",
      .x = "40,6",
      .constants = { { "w", "6,6" } },
      .integers = { "2,20,6", "40,6" },
      .lines = { { "Exp", "x", "a", "" },
                 { "Reshape", "a i0", "r", "" },
                 { "MatMul", "r w", "m", "" },
                 { "Add", "m r", "n", "" },
                 { "Relu", "n", "z", "" },
                 { "Reshape", "z i1", "f", "" },
                 { "MatMul", "f w", "o", "" },
                 { "Add", "o a", "y", "" } },
      .forward_steps = 3,
      .backward_steps = 3 },
    /* a view of a view; an axis of one; the input itself is seen otherwise */
    { .name = "heads",
      .x = "10,1,36",
      .integers = { "10,3,12", "0" },
      .lines = { { "Squeeze", "x", "q", "" },
                 { "Reshape", "q i0", "r", "" },
                 { "Transpose", "r", "t", "perm=1,0,2" },
                 { "Unsqueeze", "t i1", "u", "" },
                 { "Transpose", "u", "k", "perm=0,1,3,2" },
                 { "MatMul", "u k", "z", "" },
                 { "Softmax", "z", "y", "axis=-1" } },
      .forward_steps = 4,
      .backward_steps = 4 },
    /* a transposition of rows cannot be flattened without a copy */
    { .name = "no view",
      .x = "4,6",
      .constants = { { "w", "24,5" } },
      .integers = { "1,24" },
      .lines = { { "Exp", "x", "a", "" },
                 { "Transpose", "a", "t", "perm=1,0" },
                 { "Reshape", "t i0", "r", "" },
                 { "MatMul", "r w", "y", "" } },
      .forward_steps = 3,
      .backward_steps = 3 },
    /* what is asked for is there itself */
    { .name = "output",
      .x = "4,6",
      .integers = { "24" },
      .lines = { { "Exp", "x", "a", "" }, { "Reshape", "a i0", "y", "" } },
      .forward_steps = 2,
      .backward_steps = 2 },
};

static void test_views(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(views); i++)
        planned_check(&views[i]);
}

/* A hooked node is run although its output could be a view, and what the hook
   writes there arrives: y = exp(2 x^2). */
static int twice(const cxai_hook_call *call, void *payload)
{
    const cxai_tensor *y = &call->outputs[0];
    ++*(int *)payload;
    for (int64_t i = 0; i < cxai_shape_count(&y->shape); i++)
        y->data[i] *= 2;
    return 0;
}

static void test_hooked_view(void **state)
{
    (void)state;
    static const planned w = {
        .x = "4,6",
        .integers = { "24" },
        .lines = { { "Mul", "x x", "a", "" },
                   { "Reshape", "a i0", "r", "" },
                   { "Exp", "r", "y", "" } },
    };
    cxai_model *model = planned_build(&w);
    int y = net_value(model, "y"), calls = 0;
    const cxai_request request = { .watch = &y, .watch_count = 1 };
    const cxai_hook hook = { CXAI_AFTER_FORWARD, -1, "Reshape", twice, &calls };
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    double want[24];
    for (int i = 0; i < 24; i++)
        want[i] = exp(2 * pow((double)kernel_number(5 + i), 2));
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    assert_int_equal(session->plan->step_count, 2);
    check_ok(cxai_session_add_hook(session, &hook, NULL, &error), &error);
    planned_set(session, net_value(model, "x"));
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, y, &view, &error), &error);
    assert_int_equal(calls, 1);
    assert_int_equal(session->plan->step_count, 3);
    check_view(&view, want, 24, 1e-5);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

/* ---- LayerNormalization -------------------------------------------------- */

#define NORM(axis, keeps)                                                      \
    {                                                                          \
        { "Exp", "x", "f", "" },                                               \
            { "ReduceMean", "f", "m", "axes=" axis ", keepdims=" keeps },      \
            { "Sub", "f m", "d", "" }, { "Pow", "d two", "p", "" },            \
            { "ReduceMean", "p", "v", "axes=" axis ", keepdims=" keeps },      \
            { "Add", "v e", "u", "" }, { "Sqrt", "u", "r", "" },               \
            { "Div", "d r", "q", "" }, { "Mul", "q s", "w", "" },              \
            { "Add", "b w", "z", "" }, { "Add", "z f", "y", "" },              \
    }

static const planned norms[] = {
    { .name = "layer norm of nine nodes",
      .x = "3,4,5",
      .constants = { { "s", "5" }, { "b", "5" } },
      .numbers = { { "two", 2 }, { "e", 0.01 } },
      .lines = NORM("-1", "1"),
      .forward_steps = 3,
      .backward_steps = 3 },
    { .name = "of the first axis",
      .x = "5,4,5",
      .constants = { { "s", "5" }, { "b", "5" } },
      .numbers = { { "two", 2 }, { "e", 0.01 } },
      .lines = NORM("0", "1"),
      .forward_steps = 11,
      .backward_steps = 11 },
    { .name = "of a fourth power",
      .x = "5,4,5",
      .constants = { { "s", "5" }, { "b", "5" } },
      .numbers = { { "two", 4 }, { "e", 0.01 } },
      .lines = NORM("-1", "1"),
      .forward_steps = 11,
      .backward_steps = 11 },
    { .name = "scaled as a whole",
      .x = "5,4,5",
      .constants = { { "s", "1" }, { "b", "5" } },
      .numbers = { { "two", 2 }, { "e", 0.01 } },
      .lines = NORM("-1", "1"),
      .forward_steps = 11,
      .backward_steps = 11 },
};

static void test_norms(void **state)
{
    (void)state;
    for (int i = 0; i < CX_COUNT(norms); i++)
        planned_check(&norms[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_hooked_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
