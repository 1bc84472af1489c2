/*
 * Every registered operator's gradient against central differences, from the
 * samples that the operator declares, in the double build.
 *
 * For weights w, drawn at random, L = sum(w * outputs). dL/dx of the session
 * must agree with (4 D(h) - D(2h)) / 3, where D(h) = (L(x + h) - L(x - h)) / 2h
 * (Richardson's extrapolation: an error of h^4), to 1e-6 of the larger of the
 * two, or of a thousandth of the tensor's largest. Differences of numbers near
 * 1 with h = 1e-4 are themselves exact to about 1e-11.
 *
 * An element that disagrees is skipped, counted and printed where the function
 * has a kink or a jump, which shows in differences to the left and to the right
 * or of different steps that do not agree. A sample with nothing but kinks
 * fails.
 *
 * The same gradients must come out when the inputs after the first are
 * constants, when only the first is asked for, when the node stands between
 * convolutions, and when all outputs are used at once.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "cxai/session.h"
#include "support/check.h"
#include "support/net.h"
#include "support/sample.h"

#define STEP 1e-4
#define TOLERANCE 1e-6
#define SAME 1e-12 /* two ways of computing the same sums in double */

enum { SEED = 2, NAME = 16 };

static const char *describe(const sample_case *s)
{
    static char text[3 * SAMPLE_TEXT];
    snprintf(text, sizeof text, "%s of \"%s\" with \"%s\" (opset %d)",
             s->op->name, s->sample->inputs != NULL ? s->sample->inputs : "",
             s->sample->attributes != NULL ? s->sample->attributes : "",
             s->sample->opset);
    return text;
}

/* A session of a sample's model and the values that matter. */
typedef struct run {
    const sample_case *s;
    cxai_model *model;
    cxai_session *session;
    int x[SAMPLE_INPUTS]; /* -1: not a real */
    int target;
    int64_t target_count;
    cxai_real *weights, *output;
} run;

static void end_run(run *r)
{
    cxai_session_free(&r->session);
    cxai_model_free(&r->model);
    free(r->weights);
    free(r->output);
    memset(r, 0, sizeof *r);
}

static void set_input(run *r, int k, const double *reals)
{
    int64_t count = r->s->inputs[k].count;
    cxai_error error;
    cxai_real *copy = malloc(((size_t)count + 1) * sizeof *copy);
    assert_non_null(copy);
    for (int64_t i = 0; i < count; i++)
        copy[i] = (cxai_real)reals[i];
    check_ok(cxai_session_set(r->session, r->x[k], copy, &error), &error);
    free(copy);
}

/* How many of the node's real inputs are asked for. */
typedef enum wanted { NO_GRADIENT, FIRST_GRADIENT, ALL_GRADIENTS } wanted;

/* Fails the test when the engine refuses, except that NULL is returned for
   gradients of an operator that has none. */
static cxai_status try_run(run *r, const sample_case *s, sample_model kind,
                           const cxai_shape *y_shape, const char *target,
                           wanted want, cxai_error *error)
{
    *r = (run){ .s = s };
    r->model = sample_build(s, kind, y_shape, error);
    if (r->model == NULL)
        return error->status;
    int feed[SAMPLE_INPUTS], wrt[SAMPLE_INPUTS], fed = 0, asked = 0;
    cxai_shape input_shape = { 0 }; /* of the graph's first input */
    for (int k = 0; k < s->input_count; k++) {
        char name[NAME];
        snprintf(name, sizeof name, "x%d", k);
        r->x[k] = -1;
        if (s->inputs[k].kind != SAMPLE_REALS)
            continue;
        r->x[k] = net_value(r->model, name);
        if (cxai_model_constant(r->model, r->x[k]).data == NULL) {
            if (fed == 0)
                input_shape = s->inputs[k].shape;
            feed[fed++] = r->x[k];
        }
        if (want == ALL_GRADIENTS || (want == FIRST_GRADIENT && asked == 0))
            wrt[asked++] = r->x[k];
    }
    r->target = net_value(r->model, target);
    cxai_request request = { .input_shape = input_shape,
                             .feed = feed,
                             .feed_count = fed,
                             .watch = &r->target,
                             .watch_count = 1,
                             .target = r->target,
                             .wrt = wrt,
                             .wrt_count = asked,
                             .threads = 2 };
    cxai_status status =
        cxai_session_create(&r->session, r->model, &request, error);
    if (status != CXAI_OK)
        return status;
    cxai_shape shape;
    check_ok(cxai_session_shape(r->session, r->target, &shape, error), error);
    r->target_count = cxai_shape_count(&shape);
    size_t count = (size_t)r->target_count + 1;
    r->weights = calloc(count, sizeof *r->weights);
    r->output = calloc(count, sizeof *r->output);
    assert_true(r->weights != NULL && r->output != NULL);
    for (int64_t i = 0; i < r->target_count; i++)
        r->weights[i] =
            (cxai_real)(2 * cxai_random_uniform(SEED, 0, (uint64_t)i) - 1);
    for (int f = 0, k = 0; k < s->input_count; k++)
        if (f < fed && r->x[k] == feed[f]) {
            set_input(r, k, s->inputs[k].reals);
            f++;
        }
    return CXAI_OK;
}

static void start_run(run *r, const sample_case *s, sample_model kind,
                      const cxai_shape *y_shape, const char *target,
                      wanted want)
{
    cxai_error error = { CXAI_OK, "" };
    cxai_status status = try_run(r, s, kind, y_shape, target, want, &error);
    if (status != CXAI_OK)
        fail_msg("%s, model %d: %s", describe(s), (int)kind, error.message);
}

static double functional(run *r)
{
    cxai_error error;
    cxai_tensor view;
    check_ok(cxai_session_forward(r->session, &error), &error);
    check_ok(cxai_session_value(r->session, r->target, &view, &error), &error);
    cxai_tensor_read(&view, r->output);
    double sum = 0;
    for (int64_t i = 0; i < r->target_count; i++)
        sum += (double)r->weights[i] * (double)r->output[i];
    return sum;
}

/* Runs forward and backward; the caller frees the gradients. NULL for inputs
   that were not asked for. */
static void gradients(run *r, wanted want, cxai_real **gradient)
{
    cxai_error error;
    functional(r);
    check_ok(cxai_session_backward(r->session, r->weights, &error), &error);
    for (int k = 0, asked = 0; k < r->s->input_count; k++) {
        gradient[k] = NULL;
        if (r->x[k] < 0 || (want == FIRST_GRADIENT && asked++ > 0))
            continue;
        cxai_tensor view;
        check_ok(cxai_session_gradient(r->session, r->x[k], &view, &error),
                 &error);
        assert_true(cxai_shape_equal(&view.shape, &r->s->inputs[k].shape));
        gradient[k] =
            calloc((size_t)r->s->inputs[k].count + 1, sizeof(cxai_real));
        assert_non_null(gradient[k]);
        cxai_tensor_read(&view, gradient[k]);
    }
}

static void free_gradients(const sample_case *s, cxai_real **gradient)
{
    for (int k = 0; k < s->input_count; k++)
        free(gradient[k]);
}

/* ---- central differences ------------------------------------------------- */

typedef struct tally {
    int64_t checked, kinks; /* elements */
} tally;

typedef struct difference {
    double central;
    double kink; /* by how much differences around the element disagree */
} difference;

static double moved(run *r, int k, int64_t i, double by)
{
    double *reals = r->s->inputs[k].reals, kept = reals[i];
    reals[i] += by;
    set_input(r, k, reals);
    reals[i] = kept;
    return functional(r);
}

static difference differentiate(run *r, int k, int64_t i, double here)
{
    double up = moved(r, k, i, STEP), down = moved(r, k, i, -STEP);
    double far_up = moved(r, k, i, 2 * STEP);
    double far_down = moved(r, k, i, -2 * STEP);
    double near = (up - down) / (2 * STEP);
    double wide = (far_up - far_down) / (4 * STEP);
    double left = (here - down) / STEP, right = (up - here) / STEP;
    return (difference){ .central = (4 * near - wide) / 3,
                         .kink = fmax(fabs(right - left), fabs(near - wide)) };
}

/* The session's gradient of one input against differences. */
static void check_input(run *r, int k, const cxai_real *gradient, tally *t)
{
    int64_t count = r->s->inputs[k].count;
    double here = functional(r), largest = 0;
    difference *all = calloc((size_t)count + 1, sizeof *all);
    assert_non_null(all);
    for (int64_t i = 0; i < count; i++) {
        all[i] = differentiate(r, k, i, here);
        largest = fmax(largest, fabs(all[i].central));
    }
    set_input(r, k, r->s->inputs[k].reals);
    for (int64_t i = 0; i < count; i++) {
        double got = (double)gradient[i], want = all[i].central;
        double scale = fmax(fmax(fabs(got), fabs(want)), 1e-3 * largest);
        if (fabs(got - want) <= TOLERANCE * scale + 1e-10)
            t->checked++;
        else if (all[i].kink > 1e-2 * fmax(scale, 1e-3))
            t->kinks++;
        else
            fail_msg("%s: the gradient of input %d at %lld is %.12g, "
                     "differences give %.12g",
                     describe(r->s), k, (long long)i, got, want);
    }
    free(all);
}

/* ---- the same gradients another way -------------------------------------- */

static void compare(const sample_case *s, const char *how, cxai_real **got,
                    cxai_real **want)
{
    for (int k = 0; k < s->input_count; k++) {
        if (got[k] == NULL || want[k] == NULL)
            continue;
        double error = relative_error(got[k], want[k], s->inputs[k].count);
        if (!(error <= SAME))
            fail_msg("%s: the gradient of input %d %s differs by %g",
                     describe(s), k, how, error);
    }
}

static void check_variant(const sample_case *s, sample_model kind,
                          const cxai_shape *y_shape, wanted want,
                          const char *how, cxai_real **reference)
{
    run r;
    cxai_real *gradient[SAMPLE_INPUTS];
    start_run(&r, s, kind, y_shape, "y0", want);
    gradients(&r, want, gradient);
    compare(s, how, gradient, reference);
    free_gradients(s, gradient);
    end_run(&r);
}

static int real_inputs(const sample_case *s)
{
    int count = 0;
    for (int k = 0; k < s->input_count; k++)
        count += s->inputs[k].kind == SAMPLE_REALS;
    return count;
}

/* One target of the sample's model: gradients against differences. */
static void check_target(const sample_case *s, sample_model kind,
                         const char *target, tally *t, cxai_real **gradient)
{
    run r;
    start_run(&r, s, kind, NULL, target, ALL_GRADIENTS);
    gradients(&r, ALL_GRADIENTS, gradient);
    tally now = { 0 };
    for (int k = 0; k < s->input_count; k++)
        if (gradient[k] != NULL)
            check_input(&r, k, gradient[k], &now);
    if (now.checked == 0 && now.kinks > 0)
        fail_msg("%s: every element lies at a kink", describe(s));
    t->checked += now.checked;
    t->kinks += now.kinks;
    end_run(&r);
}

static void output_shapes(const sample_case *s, cxai_shape *y_shape)
{
    for (int k = 0; k < s->output_count; k++) {
        char name[NAME];
        run r;
        cxai_error error;
        snprintf(name, sizeof name, "y%d", k);
        start_run(&r, s, SAMPLE_ALL_FED, NULL, name, NO_GRADIENT);
        check_ok(cxai_session_shape(r.session, r.target, &y_shape[k], &error),
                 &error);
        end_run(&r);
    }
}

static void check_differentiable(const sample_case *s, tally *t)
{
    cxai_real *gradient[SAMPLE_INPUTS], *other[SAMPLE_INPUTS];
    cxai_shape y_shape[SAMPLE_OUTPUTS];
    output_shapes(s, y_shape);
    check_target(s, SAMPLE_ALL_FED, "y0", t, gradient);
    check_variant(s, SAMPLE_ALL_FED, NULL, FIRST_GRADIENT, "alone", gradient);
    check_variant(s, SAMPLE_FIRST_FED, NULL, FIRST_GRADIENT, "beside constants",
                  gradient);
    check_variant(s, SAMPLE_FIRST_FED, NULL, ALL_GRADIENTS, "as a parameter",
                  gradient);
    check_variant(s, SAMPLE_NEIGHBOURS, y_shape, ALL_GRADIENTS,
                  "between convolutions", gradient);
    free_gradients(s, gradient);
    for (int k = 1; k < s->output_count; k++) {
        char name[NAME];
        snprintf(name, sizeof name, "y%d", k);
        check_target(s, SAMPLE_ALL_FED, name, t, other);
        free_gradients(s, other);
    }
    if (s->output_count > 1) {
        check_target(s, SAMPLE_JOINT, "joint", t, other);
        free_gradients(s, other);
    }
}

/* A sample of integers, or of nothing, is a constant: the engine folds it. */
static void check_folding(const sample_case *s)
{
    cxai_error error = { CXAI_OK, "" };
    cxai_model *model = sample_build(s, SAMPLE_ALL_FED, NULL, &error);
    if (model == NULL)
        fail_msg("%s: %s", describe(s), error.message);
    assert_int_equal(cxai_model_node_count(model), 0);
    cxai_model_free(&model);
}

/* An operator that says it has no gradient: the engine must say so too. */
static void check_refusal(const sample_case *s)
{
    run r;
    cxai_error error = { CXAI_OK, "" };
    cxai_status status =
        try_run(&r, s, SAMPLE_ALL_FED, NULL, "y0", ALL_GRADIENTS, &error);
    end_run(&r);
    if (s->op->shape_only)
        check_error(status, &error, CXAI_INVALID, "does not depend");
    else
        check_error(status, &error, CXAI_UNSUPPORTED,
                    s->op->not_differentiable);
}

/* ---- one test for each operator ------------------------------------------ */

static void check_registration(const cx_operator *op)
{
    int found = 0;
    for (int f = 0; cx_operator_families[f] != NULL; f++)
        for (int i = 0; i < cx_operator_families[f]->count; i++)
            found += strcmp(cx_operator_families[f]->operators[i].name,
                            op->name) == 0;
    if (found != 1)
        fail_msg("%s is registered %d times", op->name, found);
    if ((op->backward != NULL) == (op->not_differentiable != NULL))
        fail_msg("%s must have either a backward or a reason why not",
                 op->name);
    if (op->sample_count == 0)
        fail_msg("%s declares no samples", op->name);
}

/* Operators whose every value is a step, however small their numbers are: no
   difference sees the slope of their straight-through gradient, which
   tests/test_quantized.c checks by hand. */
static int is_all_steps(const cx_operator *op)
{
    return strcmp(op->name, "DynamicQuantizeLinear") == 0;
}

static void test_operator(void **state)
{
    const cx_operator *op = *state;
    tally t = { 0 };
    check_registration(op);
    for (int i = 0; i < op->sample_count; i++) {
        sample_case s = sample_read(op, &op->samples[i]);
        if (real_inputs(&s) == 0)
            check_folding(&s);
        else if (op->backward != NULL)
            check_differentiable(&s, &t);
        else
            check_refusal(&s);
        sample_free(&s);
    }
    if (op->backward != NULL && t.checked == 0 && !is_all_steps(op))
        fail_msg("no sample of %s has real inputs", op->name);
    if (op->backward == NULL)
        print_message("%s: not differentiable: %s\n", op->name,
                      op->not_differentiable);
    else
        print_message("%s: %lld elements agree, %lld at kinks skipped\n",
                      op->name, (long long)t.checked, (long long)t.kinks);
}

int main(void)
{
    size_t count = 0, at = 0;
    for (int f = 0; cx_operator_families[f] != NULL; f++)
        count += (size_t)cx_operator_families[f]->count;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (tests == NULL || count == 0)
        return 1;
    for (int f = 0; cx_operator_families[f] != NULL; f++)
        for (int i = 0; i < cx_operator_families[f]->count; i++) {
            const cx_operator *op = &cx_operator_families[f]->operators[i];
            tests[at++] = (struct CMUnitTest){ .name = op->name,
                                               .test_func = test_operator,
                                               .initial_state = (void *)op };
        }
    /* what the macro cmocka_run_group_tests_name calls, for an array whose
       size the compiler does not know */
    int failed = _cmocka_run_group_tests("gradients", tests, count, NULL, NULL);
    free(tests);
    return failed;
}
