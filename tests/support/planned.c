#include "support/planned.h"

#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "run/session.h"
#include "support/check.h"
#include "support/kernel.h"

/* Sums of at most 100 products of numbers of size 1, in another order. */
static const double tolerance = 5e-6;

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

static int line_count(const planned *w)
{
    int count = 0;
    while (count < PLANNED_LINES && w->lines[count].type != NULL)
        count++;
    return count;
}

cxai_model *planned_build(const planned *w)
{
    net n = net_begin(17);
    net_input(&n, "x", w->x);
    for (int i = 0; w->constants[i][0] != NULL; i++)
        add_constant(&n, w->constants[i][0], w->constants[i][1]);
    for (int i = 0; w->numbers[i].name != NULL; i++)
        net_reals(&n, w->numbers[i].name, "", &w->numbers[i].value);
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

void planned_set(cxai_session *session, int value)
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
    planned_set(session, x);
    for (int run = 0; run < 2; run++) {
        free(a.y);
        free(a.dx);
        check_ok(cxai_session_forward(session, &error), &error);
        check_ok(cxai_session_value(session, watch[0], &view, &error), &error);
        a.y = dense_of(&view, &a.y_count);
        if (!gradient)
            continue;
        void *block;
        cxai_real *seed = kernel_numbers(a.y_count, 9, &block);
        check_ok(cxai_session_backward(session, seed, &error), &error);
        check_ok(cxai_session_gradient(session, x, &view, &error), &error);
        a.dx = dense_of(&view, &a.x_count);
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

void planned_check(const planned *w)
{
    cxai_model *model = planned_build(w);
    int watch[1 + PLANNED_LINES], lines = line_count(w);
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
