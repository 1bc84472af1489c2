/*
 * ONNX's own conformance suite, from Debian's package libonnx-testdata: each
 * folder is a test, run forward and compared with the tolerance of ONNX's own
 * runner (rtol 1e-3, atol 1e-7; integers exactly, even where the session
 * gives them out as reals).
 *
 * The engine feeds real numbers only, and some operators need further inputs
 * as constants. So a test is tried with all inputs of real numbers fed, then
 * with only the first of them, then with none (all is folded); the output says
 * for each test which one ran and why an earlier one did not. What is computed
 * must be right in the first way that the engine accepts.
 *
 * Skipped, with the reason in the output: tests that use an operator, opset or
 * type that this version does not have, and the few of the list below. Any
 * other test that is refused or wrong fails.
 */
#include <fnmatch.h>
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
#define BFLOAT_REASON                                                          \
    "precision: computed numbers keep 24 bits where bfloat16 has 8"
#define BATCH_REASON "mode: training computes statistics of the batch"

#define CACHE_REASON "variant: caches of past keys and values are not supported"

/* Tests by patterns of their names. "[!e]?" at the end leaves out "_expanded",
   where the operator is written out in others. */
static const struct exception {
    const char *test, *reason;
} exceptions[] = {
    { "test_maxpool_with_argmax*",
      "output: a session gives out no integers (indices of the greatest)" },
    { "test_dropout_default_mask*",
      "output: a session gives out no integers (the mask)" },
    { "test_training_dropout*", "mode: training draws random numbers" },
    { "test_batchnorm_epsilon_training_mode*", BATCH_REASON },
    { "test_batchnorm_example_training_mode*", BATCH_REASON },
    { "test_maxpool_2d_uint8*", "type: pools take real numbers only" },
    { "test_cast_FLOAT_to_BFLOAT16*", BFLOAT_REASON },
    { "test_castlike_FLOAT_to_BFLOAT16*", BFLOAT_REASON },
    { "test_attention_*_bf16*", BFLOAT_REASON },
    { "test_attention_*past*[!e]?", CACHE_REASON },
    { "test_attention_*nonpad*[!e]?", CACHE_REASON },
    { "test_attention_*padded*[!e]?", CACHE_REASON },
    { "test_attention_*ext_cache*[!e]?", CACHE_REASON },
    { "test_attention_*wind*[!e]?",
      "variant: sliding windows of Attention are not supported" },
    { "test_attention_*qk_mat*[!e]?",
      "output: Attention gives out no inner product" },
    { "test_celu_bfloat16*", BFLOAT_REASON },
    { "test_attention_4d_gqa_with_past_and_present_fp16_expanded",
      "precision: computed numbers keep 24 bits where float16 has 11" },
    { "test_reduce_max_empty_set_bool",
      "type: truth values are integers here, whose empty maximum is not 0" },
};

static const char *const ways[] = { "with its inputs fed",
                                    "with the first input fed",
                                    "with constants" };
enum { WAYS = 3, REASONS = 16 };

static struct counts {
    int passed[WAYS], failed;
    struct {
        char kind[32]; /* the reason up to its colon */
        int count;
    } skipped[REASONS];
} counts;

static void count_skip(const char *reason)
{
    char kind[32];
    snprintf(kind, sizeof kind, "%.*s", (int)strcspn(reason, ":"), reason);
    for (int i = 0; i < REASONS; i++) {
        if (counts.skipped[i].count == 0)
            strcpy(counts.skipped[i].kind, kind);
        if (strcmp(counts.skipped[i].kind, kind) == 0) {
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
            counts.passed[way]++;
            end_session();
            return;
        }
        end_session();
        if (way + 1 < WAYS)
            print_message("%s: not %s: %s\n", name, ways[way], error.message);
    }
    fail_msg("%s: %s", cxai_status_name(error.status), error.message);
}

static const char *exception_of(const char *name)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (fnmatch(exceptions[i].test, name, 0) == 0)
            return exceptions[i].reason;
    return NULL;
}

static void test_folder(void **state)
{
    const char *folder = *state, *name = strrchr(folder, '/') + 1;
    const char *problem = exception_of(name);
    counts.failed++; /* until it has passed */
    if (problem == NULL)
        problem = conformance_open(&run.test, folder);
    int set = 0;
    while (problem == NULL &&
           conformance_read(&run.test, folder, set, &problem)) {
        if (problem == NULL)
            check_data_set(name);
        set++;
    }
    counts.failed--;
    if (problem != NULL) {
        print_message("%s: skipped: %s\n", name, problem);
        count_skip(problem);
        skip();
    }
    assert_true(set > 0);
}

/* ---- the suite ------------------------------------------------------------
 */

static void print_counts(void)
{
    for (int way = 0; way < WAYS; way++)
        printf("conformance: %d data sets passed %s\n", counts.passed[way],
               ways[way]);
    for (int i = 0; i < REASONS && counts.skipped[i].count > 0; i++)
        printf("conformance: %d skipped for their %s\n",
               counts.skipped[i].count, counts.skipped[i].kind);
    printf("conformance: %d failed\n", counts.failed);
}

int main(void)
{
    static const char *const parts[] = { "node", "simple", "pytorch-operator",
                                         "pytorch-converted" };
    const char *root = getenv("ONNX_TESTDATA");
    if (root == NULL)
        root = "/usr/share/libonnx-testdata/data";
    glob_t folders = { 0 };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char pattern[1024];
        snprintf(pattern, sizeof pattern, "%s/%s/test_*", root, parts[i]);
        glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &folders);
    }
    if (folders.gl_pathc == 0) {
        fprintf(stderr,
                "no conformance tests in %s: install the Debian package "
                "libonnx-testdata or set ONNX_TESTDATA\n",
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
    /* what the macro cmocka_run_group_tests_name calls, for an array whose
       size the compiler does not know */
    int failed = _cmocka_run_group_tests("conformance", tests, folders.gl_pathc,
                                         NULL, NULL);
    print_counts();
    free(tests);
    globfree(&folders);
    return failed;
}
