/*
 * ONNX's own conformance suites: Debian's libonnx-testdata (or the folder
 * ONNX_TESTDATA) and, where ONNX_NODE_TESTS names a folder, the node tests of
 * the newest onnx (tests/reference/node_tests.py). Each folder is a test, run
 * forward and compared with the tolerance of ONNX's own runner (rtol 1e-3, atol
 * 1e-7; integers exactly, even where the session gives them out as reals).
 *
 * The engine feeds real numbers only, and some operators need further inputs
 * as constants. So a test is tried with all inputs of real numbers fed, then
 * with only the first of them, then with none (all is folded); the output says
 * for each test which one ran and why an earlier one did not. What is computed
 * must be right in the first way that the engine accepts.
 *
 * Skipped, with the reason in the output: tests out of scope, which
 * support/conformance_scope.c lists, and those that use an operator or type
 * that this version does not have. Of the tests in scope, SHARE per cent have
 * to pass; any that is refused or wrong and not skipped fails.
 */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/session.h"
#include "graph/graph.h"
#include "support/check.h"
#include "support/conformance.h"

#define RTOL 1e-3
#define ATOL 1e-7
#define SHARE 95
#define DEBIAN "/usr/share/libonnx-testdata/data"

static const char *const ways[] = { "with its inputs fed",
                                    "with the first input fed",
                                    "with constants" };
enum { WAYS = 3, KINDS = 24 };

/* What became of the tests of one suite. */
static struct counts {
    int passed, failed; /* tests */
    int sets[WAYS];     /* data sets */
    struct {
        char name[32]; /* the reason up to its colon */
        int is_out_of_scope, count;
    } skipped[KINDS];
} counts;

static void count_skip(const conformance_skip *skip)
{
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(skip->reason, ":"),
             skip->reason);
    for (int i = 0; i < KINDS; i++) {
        if (counts.skipped[i].count == 0) {
            strcpy(counts.skipped[i].name, name);
            counts.skipped[i].is_out_of_scope = skip->is_out_of_scope;
        }
        if (strcmp(counts.skipped[i].name, name) == 0 &&
            counts.skipped[i].is_out_of_scope == skip->is_out_of_scope) {
            counts.skipped[i].count++;
            return;
        }
    }
}

/* ---- comparing ------------------------------------------------------------
 */

static int is_close(double got, double want)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= ATOL + RTOL * fabs(want);
}

/* Compares element by element; got or reals holds the numbers. */
static void compare(const conformance_value *want, const cxai_shape *shape,
                    const cx_literal *got, const cxai_real *reals)
{
    char a[128], b[128];
    if (!cxai_shape_equal(shape, &want->literal->shape))
        fail_msg("%s has shape %s instead of %s", want->name,
                 cxai_shape_text(shape, a, sizeof a),
                 cxai_shape_text(&want->literal->shape, b, sizeof b));
    int exact = want->literal->type != CX_REAL;
    if (got != NULL && exact != (got->type != CX_REAL))
        fail_msg("%s has elements of the wrong kind", want->name);
    for (int64_t i = 0; i < cx_literal_count(want->literal); i++) {
        double g = got != NULL ? cx_literal_number(got, i) : (double)reals[i];
        double w = cx_literal_number(want->literal, i);
        if (exact && got != NULL
                ? cx_literal_int(got, i) != cx_literal_int(want->literal, i)
            : exact ? g != w
                    : !is_close(g, w))
            fail_msg("%s at %lld is %.9g instead of %.9g", want->name,
                     (long long)i, g, w);
    }
}

/* ---- running --------------------------------------------------------------
 */

/* A model and its session, kept where a failing test cannot lose them. */
static struct run {
    conformance test;
    cxai_model *model;
    cxai_session *session; /* NULL when all outputs are constants */
    cxai_real *dense;
} run;

static void end_session(void)
{
    cxai_session_free(&run.session);
    cxai_model_free(&run.model);
    free(run.dense);
    run.dense = NULL;
}

static int end_run(void **state)
{
    (void)state;
    end_session();
    conformance_free(&run.test);
    return 0;
}

static void feed_inputs(conformance_inputs way)
{
    cxai_error error;
    for (int i = 0, fed = 0; i < run.test.input_count; i++)
        if (conformance_feeds(&run.test, way, i))
            check_ok(cxai_session_set(run.session,
                                      cxai_model_input(run.model, fed++),
                                      run.test.inputs[i].literal->data, &error),
                     &error);
}

/* Loads, plans and computes. */
static cxai_status compute(conformance_inputs way, cxai_error *error)
{
    cxai_status status = conformance_load(&run.test, way, &run.model, error);
    if (status != CXAI_OK)
        return status;
    int watch[CONFORMANCE_VALUES], watched = 0;
    for (int i = 0; i < run.test.output_count; i++) {
        int value = cxai_model_output(run.model, i);
        if (run.model->values[value].literal == NULL)
            watch[watched++] = value;
    }
    if (watched == 0)
        return CXAI_OK;
    cxai_request request = { .watch = watch,
                             .watch_count = watched,
                             .threads = 2 };
    int inputs[CONFORMANCE_VALUES];
    request.feed = inputs;
    request.feed_count = cxai_model_input_count(run.model);
    for (int i = 0; i < request.feed_count; i++)
        inputs[i] = cxai_model_input(run.model, i);
    status = cxai_session_create(&run.session, run.model, &request, error);
    if (status != CXAI_OK)
        return status;
    feed_inputs(way);
    status = cxai_session_forward(run.session, error);
    for (int i = 0; status == CXAI_OK && i < watched; i++) {
        cxai_tensor view; /* integers are not given out */
        status = cxai_session_value(run.session, watch[i], &view, error);
    }
    return status;
}

static void check_output(int i)
{
    int value = cxai_model_output(run.model, i);
    const cx_literal *literal = run.model->values[value].literal;
    if (literal != NULL) {
        compare(&run.test.outputs[i], &literal->shape, literal, NULL);
        return;
    }
    cxai_tensor view;
    cxai_error error;
    check_ok(cxai_session_value(run.session, value, &view, &error), &error);
    int64_t count = cxai_shape_count(&view.shape);
    free(run.dense);
    run.dense = calloc((size_t)count + 1, sizeof *run.dense);
    assert_non_null(run.dense);
    cxai_tensor_read(&view, run.dense);
    compare(&run.test.outputs[i], &view.shape, NULL, run.dense);
}

/* Runs a data set in the first way that the engine accepts. */
static void check_data_set(const char *name)
{
    cxai_error error = { CXAI_OK, "" };
    for (int way = 0; way < WAYS; way++) {
        cxai_status status = compute((conformance_inputs)way, &error);
        if (status == CXAI_OK) {
            for (int i = 0; i < run.test.output_count; i++)
                check_output(i);
            counts.sets[way]++;
            end_session();
            return;
        }
        end_session();
        if (way + 1 < WAYS)
            print_message("%s: not %s: %s\n", name, ways[way], error.message);
    }
    fail_msg("%s: %s", cxai_status_name(error.status), error.message);
}

static void test_folder(void **state)
{
    const char *folder = *state, *name = strrchr(folder, '/') + 1;
    conformance_skip problem = conformance_known(name);
    counts.failed++; /* until it has passed */
    if (problem.reason == NULL)
        problem = conformance_open(&run.test, folder);
    int set = 0;
    while (problem.reason == NULL &&
           conformance_read(&run.test, folder, set, &problem)) {
        if (problem.reason == NULL)
            check_data_set(name);
        set++;
    }
    counts.failed--;
    if (problem.reason != NULL) {
        print_message("%s: %s: %s\n", name,
                      problem.is_out_of_scope ? "out of scope" : "skipped",
                      problem.reason);
        count_skip(&problem);
        skip();
    }
    counts.passed++;
    assert_true(set > 0);
}

/* ---- the suites -----------------------------------------------------------
 */

static void print_kinds(int is_out_of_scope, const char *format)
{
    for (int i = 0; i < KINDS; i++)
        if (counts.skipped[i].count > 0 &&
            counts.skipped[i].is_out_of_scope == is_out_of_scope)
            printf(format, counts.skipped[i].count, counts.skipped[i].name);
}

/* Prints the share of the tests in scope that pass; 0 when that is enough. */
static int report(const char *root)
{
    int in_scope = counts.passed + counts.failed, out_of_scope = 0;
    for (int i = 0; i < KINDS; i++)
        if (counts.skipped[i].is_out_of_scope)
            out_of_scope += counts.skipped[i].count;
        else
            in_scope += counts.skipped[i].count;
    printf("conformance: %s: %d of %d tests in scope pass (%.1f %%), %d fail\n",
           root, counts.passed, in_scope, 100.0 * counts.passed / in_scope,
           counts.failed);
    print_kinds(0, "conformance:   %d skipped for their %s\n");
    printf("conformance:   %d out of scope\n", out_of_scope);
    print_kinds(1, "conformance:     %d of them: %s\n");
    for (int way = 0; way < WAYS; way++)
        printf("conformance:   %d data sets passed %s\n", counts.sets[way],
               ways[way]);
    if (100.0 * counts.passed >= SHARE * in_scope)
        return 0;
    printf("conformance:   at least %d %% have to pass\n", SHARE);
    return 1;
}

/* Runs the folders of one suite; 0 when all is well. */
static int run_suite(const char *root)
{
    static const char *const parts[] = { "node", "simple", "pytorch-operator",
                                         "pytorch-converted" };
    glob_t folders = { 0 };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char pattern[1024];
        snprintf(pattern, sizeof pattern, "%s/%s/test_*", root, parts[i]);
        glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &folders);
    }
    if (folders.gl_pathc == 0) {
        fprintf(stderr,
                "no conformance tests in %s: install the Debian package "
                "libonnx-testdata or set ONNX_TESTDATA; ONNX_NODE_TESTS is "
                "made by `make node-tests`\n",
                root);
        return 1;
    }
    struct CMUnitTest *tests = calloc(folders.gl_pathc, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < folders.gl_pathc; i++)
        tests[i] = (struct CMUnitTest){
            .name = strrchr(folders.gl_pathv[i], '/') + 1,
            .test_func = test_folder,
            .teardown_func = end_run,
            .initial_state = folders.gl_pathv[i],
        };
    memset(&counts, 0, sizeof counts);
    /* what the macro cmocka_run_group_tests_name calls, for an array whose
       size the compiler does not know */
    int failed = _cmocka_run_group_tests("conformance", tests, folders.gl_pathc,
                                         NULL, NULL);
    failed |= report(root);
    free(tests);
    globfree(&folders);
    return failed;
}

int main(void)
{
    const char *root = getenv("ONNX_TESTDATA");
    const char *newest = getenv("ONNX_NODE_TESTS");
    int failed = run_suite(root != NULL ? root : DEBIAN);
    if (newest != NULL && *newest != '\0')
        failed |= run_suite(newest);
    else
        printf("conformance: ONNX_NODE_TESTS is not set: the newest node "
               "tests are not run (make node-tests)\n");
    return failed != 0;
}
