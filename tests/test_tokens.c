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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
