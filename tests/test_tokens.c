/*
 * What the plan makes of networks of tokens: biases and residuals inside matrix
 * products, values that are others seen otherwise. Each small network is run as
 * it is planned and once more with every value watched, in which nothing is
 * taken over; both must agree. (That operators are right by themselves is shown
 * by test_conformance and test_gradients.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

/* Sums of at most 100 products of numbers of size 1, in another order. */
static const double tolerance = 5e-6;

/* A network: nodes "Type inputs outputs attributes", from x to y. */
typedef struct line {
    const char *type, *inputs, *output, *attributes;
} line;

enum { MOST_LINES = 12 };

typedef struct network {
    const char *name, *x;        /* shape */
    const char *constants[6][2]; /* name and shape of random numbers */
    const char *integers[4];     /* the same of a shape to reshape to: "i" */
    line lines[MOST_LINES];
    int forward_steps, backward_steps; /* of a plan that keeps nothing */
} network;

static void add_constant(net *n, const char *name, const char *shape)
{
    const cxai_shape s = net_shape(shape);
    int64_t count = cxai_shape_count(&s);
    double *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)kernel_number(i + 1000 * name[0]);
    net_reals(n, name, shape, values);
    free(values);
}

static void add_integers(net *n, const char *name, const char *list)
{
    const cxai_shape s = net_shape(list);
    char count[8] = { (char)('0' + s.rank), '\0' };
    net_integers(n, name, count, s.dim);
}

static int line_count(const network *w)
{
    int count = 0;
    while (count < MOST_LINES && w->lines[count].type != NULL)
        count++;
    return count;
}

static cxai_model *build(const network *w)
{
    net n = net_begin(17);
    net_input(&n, "x", w->x);
    for (int i = 0; w->constants[i][0] != NULL; i++)
        add_constant(&n, w->constants[i][0], w->constants[i][1]);
    for (int i = 0; i < CX_COUNT(w->integers) && w->integers[i] != NULL; i++)
        add_integers(&n, (char[]){ 'i', (char)('0' + i), '\0' },
                     w->integers[i]);
    for (int i = 0; i < line_count(w); i++)
        net_node(&n, w->lines[i].type, w->lines[i].inputs, w->lines[i].output,
                 w->lines[i].attributes);
    net_output(&n, "y");
    return net_end(&n);
}

typedef struct answer {
    cxai_real *y, *dx; /* dx NULL: not asked for */
    int64_t y_count, x_count;
    int steps;
} answer;

static cxai_real *read(const cxai_tensor *view, int64_t *count)
{
    *count = cxai_shape_count(&view->shape);
    cxai_real *dense = malloc((size_t)*count * sizeof *dense);
    assert_non_null(dense);
    cxai_tensor_read(view, dense);
    return dense;
}

static void set_random(cxai_session *session, int value)
{
    cxai_error error;
    cxai_shape shape;
    void *block;
    check_ok(cxai_session_shape(session, value, &shape, &error), &error);
    cxai_real *x = kernel_numbers(cxai_shape_count(&shape), 5, &block);
    check_ok(cxai_session_set(session, value, x, &error), &error);
    free(block);
}

/* count values are watched, the first of which is y. Run twice: the second
   answer must not depend on what the first left in memory. */
static answer ask(const cxai_model *model, const int *watch, int count,
                  int gradient, int threads)
{
    int x = net_value(model, "x");
    const cxai_request request = { .watch = watch,
                                   .watch_count = count,
                                   .target = watch[0],
                                   .wrt = &x,
                                   .wrt_count = gradient,
                                   .threads = threads };
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    answer a = { 0 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    a.steps = session->plan->step_count;
    set_random(session, x);
    for (int run = 0; run < 2; run++) {
        free(a.y);
        free(a.dx);
        check_ok(cxai_session_forward(session, &error), &error);
        check_ok(cxai_session_value(session, watch[0], &view, &error), &error);
        a.y = read(&view, &a.y_count);
        if (!gradient)
            continue;
        void *block;
        cxai_real *seed = kernel_numbers(a.y_count, 9, &block);
        check_ok(cxai_session_backward(session, seed, &error), &error);
        check_ok(cxai_session_gradient(session, x, &view, &error), &error);
        a.dx = read(&view, &a.x_count);
        free(block);
    }
    cxai_session_free(&session);
    return a;
}

static void free_answer(answer *a)
{
    free(a->y);
    free(a->dx);
}

static void compare(const char *name, const answer *a, const answer *b)
{
    double y = relative_error(a->y, b->y, b->y_count);
    double dx = a->dx == NULL ? 0 : relative_error(a->dx, b->dx, b->x_count);
    if (!(y <= tolerance && dx <= tolerance))
        fail_msg("%s: y differs by %g, dx by %g", name, y, dx);
}

static void check_network(const network *w)
{
    cxai_model *model = build(w);
    int watch[1 + MOST_LINES], lines = line_count(w);
    watch[0] = net_value(model, "y");
    for (int i = 0; i < lines; i++)
        watch[1 + i] = net_value(model, w->lines[i].output);
    answer whole = ask(model, watch, 1 + lines, 1, 2);
    for (int gradient = 0; gradient < 2; gradient++) {
        answer one = ask(model, watch, 1, gradient, 1);
        answer two = ask(model, watch, 1, gradient, 2);
        int steps = gradient ? w->backward_steps : w->forward_steps;
        if (one.steps != steps)
            fail_msg("%s: %d steps%s, expected %d", w->name, one.steps,
                     gradient ? " with a gradient" : "", steps);
        compare(w->name, &one, &whole);
        assert_memory_equal(one.y, two.y, (size_t)one.y_count * sizeof *one.y);
        if (gradient)
            assert_memory_equal(one.dx, two.dx,
                                (size_t)one.x_count * sizeof *one.dx);
        free_answer(&one);
        free_answer(&two);
    }
    free_answer(&whole);
    cxai_model_free(&model);
}

/* ---- biases and residuals ------------------------------------------------ */

#define PRODUCT                                                                \
    {                                                                          \
        "MatMul", "x w", "a", ""                                               \
    }

static const network sums[] = {
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
        check_network(&sums[i]);
}

/* ---- views --------------------------------------------------------------- */

#define TO_LAST "perm=0,2,3,1"
#define TO_FIRST "perm=0,3,1,2"

static const network views[] = {
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
        check_network(&views[i]);
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
    static const network w = {
        .x = "4,6",
        .integers = { "24" },
        .lines = { { "Mul", "x x", "a", "" },
                   { "Reshape", "a i0", "r", "" },
                   { "Exp", "r", "y", "" } },
    };
    cxai_model *model = build(&w);
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
    set_random(session, net_value(model, "x"));
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, y, &view, &error), &error);
    assert_int_equal(calls, 1);
    assert_int_equal(session->plan->step_count, 3);
    check_view(&view, want, 24, 1e-5);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_hooked_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
