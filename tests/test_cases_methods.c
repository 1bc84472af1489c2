/*
 * What the "behave" records of tests/data/cases say of heatmaps and synthesis
 * (O27 to O34), through the command-line program: numbers, states, exit codes,
 * and whether a picture is saved.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/file.h"
#include "support/cases.h"
#include "support/check.h"
#include "support/program.h"

/* A folder to run in, with the case's input as x.npy. */
typedef struct place {
    char folder[64];
    char model[4096];
} place;

static const char *path_in(const place *p, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    return path;
}

static int is_there(const place *p, const char *name)
{
    return access(path_in(p, name), F_OK) == 0;
}

static place open_place(const char *model, const char *shape_text,
                        const cxai_real *x)
{
    place p = { .folder = "/tmp/cxai-methods-XXXXXX" };
    cxai_shape shape = { 4, { 1, 1 } };
    cxai_error error;
    long long rows, columns;
    assert_non_null(mkdtemp(p.folder));
    cases_path(p.model, model);
    assert_int_equal(sscanf(shape_text, "%lldx%lld", &rows, &columns), 2);
    shape.dim[2] = rows;
    shape.dim[3] = columns;
    check_ok(cxai_npy_save(path_in(&p, "x.npy"), x, &shape, &error), &error);
    return p;
}

static void close_place(place *p)
{
    static const char *const files[] = { "x.npy", "out.npy", "out.png",
                                         "again.png" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path_in(p, files[i]));
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was written */
}

/* Runs `cxai heatmap x.npy` on a layer for a target; extra is an option. */
static program_answer heat(const place *p, const char *layer,
                           const char *target, const char *extra)
{
    program_answer a;
    program_run(&a, p->folder,
                (const char *const[]){ "heatmap", "x.npy", "-m", p->model, "-l",
                                       layer, "-t", target, "--npy", "out.npy",
                                       "-o", "out.png", extra, NULL });
    return a;
}

static void expect_array(const place *p, const double *want, int64_t count)
{
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    check_ok(cxai_npy_load(path_in(p, "out.npy"), 0, &data, &shape, &error),
             &error);
    assert_int_equal(cxai_shape_count(&shape), count);
    check_close(data, want, count, 1e-4);
    free(data);
}

static void expect_text(const char *where, const char *text)
{
    if (strstr(where, text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, where);
}

/* The map of a target before ReLU; its report must hold each of says. */
static void expect_raw(const place *p, const char *target, const double *want,
                       int64_t count, const char *const *says)
{
    program_answer a = heat(p, "r", target, "--raw");
    assert_int_equal(a.code, 0);
    for (; *says != NULL; says++)
        expect_text(a.out, *says);
    expect_array(p, want, count);
    program_clear(&a);
}

#define SAYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* p = 1.0 exactly: the logits are explained, and the report says so; the
   probability, when somebody insists, is reported as empty. */
static void O27_certain_softmax(void **state)
{
    place p = open_place("O27/model.onnx", "2x2", (cxai_real[]){ 4, 3, -1, 2 });
    (void)state;
    static const double raw[] = { 40, 30, 0, 20 }, none[4] = { 0 };
    expect_raw(&p, "top1", raw, 4,
               SAYS("logits, before Softmax", "probability 1.0000"));
    program_answer a = heat(&p, "r", "prob[0]", "--json");
    assert_int_equal(a.code, 0);
    expect_text(a.out, "\"state\": \"empty\"");
    expect_text(a.out, "\"value\": \"prob\"");
    expect_text(a.error, "empty");
    expect_array(&p, none, 4);
    assert_false(is_there(&p, "out.png"));
    program_clear(&a);
    close_place(&p);
}

/* All weights negative: empty, said so, no NaN; the numbers before ReLU can be
   had. */
static void O28_all_negative(void **state)
{
    place p = open_place("O28/model.onnx", "2x2", (cxai_real[]){ 1, 2, 0, 3 });
    (void)state;
    static const double raw[] = { -2, -4, 0, -6 }, none[4] = { 0 };
    program_answer a = heat(&p, "r", "1", "--json");
    assert_int_equal(a.code, 0);
    expect_text(a.out, "\"state\": \"empty\"");
    expect_text(a.out, "\"raw_maximum\": 0,");
    assert_null(strstr(a.out, "nan"));
    expect_array(&p, none, 4);
    assert_false(is_there(&p, "out.png"));
    program_clear(&a);
    expect_raw(&p, "1", raw, 4, SAYS("score -12"));
    /* against a class: what is negative speaks */
    static const double against[] = { 2, 4, 0, 6 };
    expect_raw(&p, "-1", against, 4, SAYS("-1, score 12"));
    close_place(&p);
}

/* One sigmoid output, p = .0067: both sides, and the default says which. */
static void O29_yes_and_no(void **state)
{
    place p =
        open_place("O29/model.onnx", "2x2", (cxai_real[]){ 2, -1, -3, 1 });
    (void)state;
    static const double yes[] = { 2, -2, -6, 1 }, no[] = { -2, 2, 6, -1 };
    const char *const says_yes[] = { "yes, score -5", "before Sigmoid",
                                     "probability 0.0067", NULL };
    const char *const says_no[] = { "no, score 5", "before Sigmoid",
                                    "probability 0.9933", NULL };
    expect_raw(&p, "yes", yes, 4, says_yes);
    expect_raw(&p, "0", yes, 4, says_yes);
    expect_raw(&p, "top2", yes, 4, says_yes);
    expect_raw(&p, "no", no, 4, says_no);
    expect_raw(&p, "-0", no, 4, says_no);
    expect_raw(&p, "top1", no, 4, says_no);
    program_answer a = heat(&p, "r", "yes", "--against");
    expect_text(a.out, "no, score 5");
    program_clear(&a);
    a = heat(&p, "r", "1", "--json");
    assert_int_equal(a.code, 1);
    expect_text(a.error, "0 or yes");
    program_clear(&a);
    a = heat(&p, "r", "", "--json");
    assert_int_equal(a.code, 1);
    expect_text(a.error, "empty target");
    program_clear(&a);
    program_run(
        &a, p.folder,
        (const char *const[]){ "classify", "x.npy", "-m", p.model, NULL });
    expect_text(a.out, "probability 0.9933  logit   5.0000");
    program_clear(&a);
    close_place(&p);
}

/* A layer behind the pooling has no places. */
static void O31_pooled_layer(void **state)
{
    place p =
        open_place("O31/model.onnx", "2x3", (cxai_real[]){ 1, 2, 0, -1, 3, 1 });
    (void)state;
    program_answer a = heat(&p, "pool", "1", "--json");
    assert_int_equal(a.code, 1);
    expect_text(a.error, "pool");
    assert_false(is_there(&p, "out.png"));
    program_clear(&a);
    close_place(&p);
}

/* Runs `cxai synthesize` without views, on pixels; extra is an option and its
   argument. */
static program_answer climb(const place *p, const char *layer,
                            const char *channel, const char *out,
                            const char *option, const char *argument)
{
    program_answer a;
    program_run(
        &a, p->folder,
        (const char *const[]){ "synthesize", "-m",      p->model,  "-l",
                               layer,        "-c",      channel,   "--jitter",
                               "0",          "--zoom",  "0",       "--rotation",
                               "0",          "--plain", "--steps", "512",
                               "--json",     "-o",      out,       option,
                               argument,     NULL });
    return a;
}

static double number_of(const program_answer *a, const char *key)
{
    cJSON *json = cJSON_Parse(a->out);
    const cJSON *first =
        cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0);
    double number = cJSON_GetNumberValue(cJSON_GetObjectItem(first, key));
    cJSON_Delete(json);
    return number;
}

/* ReLU(sum - 100) of nine pixels in 0..1 is silent whatever is shown; before
   the ReLU, and without the threshold, there is something to climb: from
   -95.5 and 3.5 to -91 and 8, and at least 95 % of the way. */
static void O33_what_never_fires(void **state)
{
    const cxai_real none[64] = { 0 };
    place p = open_place("O33/model.onnx", "8x8", none);
    (void)state;
    program_answer a = climb(&p, "r", "0", "out.png", "--npy", "out.npy");
    assert_int_equal(a.code, 1);
    expect_text(a.out, "\"state\": \"stuck\"");
    expect_text(a.error, "never fired");
    expect_text(a.error, "'pre'");
    assert_false(is_there(&p, "out.png"));
    assert_false(is_there(&p, "out.npy"));
    program_clear(&a);

    a = climb(&p, "r", "0,1", "out.png", "--npy", "out.npy");
    assert_int_equal(a.code, 1); /* one of two: the other is done */
    assert_true(is_there(&p, "out.png"));
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    check_ok(cxai_npy_load(path_in(&p, "out.npy"), 0, &data, &shape, &error),
             &error);
    assert_int_equal(shape.dim[0], 2);
    assert_true(isnan(data[0]) && isnan(data[63]) && data[64] >= 0);
    free(data);
    program_clear(&a);

    a = climb(&p, "pre", "0", "out.png", "--seed", "0");
    assert_int_equal(a.code, 0);
    assert_true(number_of(&a, "activation_after") > -91 - .05 * 4.5);
    program_clear(&a);
    a = climb(&p, "r", "1", "out.png", "--seed", "0");
    assert_int_equal(a.code, 0);
    assert_true(number_of(&a, "activation_after") > 8 - .05 * 4.5);
    program_clear(&a);
    close_place(&p);
}

static void expect_same(const place *p, const char *a, const char *b, int same)
{
    void *x, *y;
    size_t sizes[2];
    cxai_error error;
    check_ok(cxai_file_read(path_in(p, a), 0, &x, &sizes[0], &error), &error);
    check_ok(cxai_file_read(path_in(p, b), 0, &y, &sizes[1], &error), &error);
    assert_int_equal(sizes[0] == sizes[1] && memcmp(x, y, sizes[0]) == 0, same);
    free(x);
    free(y);
}

/* A linear network: the ascent ends at 95 % of the known optimum or above; the
   seed decides every bit; channels that are not there are refused. */
static void O34_a_known_optimum(void **state)
{
    const cxai_real none[36] = { 0 };
    static const double most[] = { 1.6875, 0.6875 };
    place p = open_place("O34/model.onnx", "6x6", none);
    (void)state;
    for (int c = 0; c < 2; c++) {
        char channel[2] = { (char)('0' + c), '\0' };
        program_answer a = climb(&p, "y", channel, "out.png", "--threads", "1");
        assert_int_equal(a.code, 0);
        double after = number_of(&a, "activation_after");
        assert_true(after >= .95 * most[c] && after <= most[c] + 1e-5);
        assert_true(after >= number_of(&a, "activation_before"));
        program_clear(&a);
        a = climb(&p, "y", channel, "again.png", "--threads", "2");
        expect_same(&p, "out.png", "again.png", 1);
        program_clear(&a);
    }
    program_answer a = climb(&p, "y", "1", "again.png", "--steps", "1");
    program_clear(&a);
    a = climb(&p, "y", "1", "out.png", "--steps=1", "--seed=7");
    expect_same(&p, "out.png", "again.png", 0);
    program_clear(&a);
    static const char *const wrong[] = { "2", "-1", "99" };
    for (int i = 0; i < 3; i++) {
        a = climb(&p, "y", wrong[i], "out.png", "--seed", "0");
        assert_int_equal(a.code, 1);
        expect_text(a.error, "0 to 1");
        program_clear(&a);
    }
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(O27_certain_softmax),
        cmocka_unit_test(O28_all_negative),
        cmocka_unit_test(O29_yes_and_no),
        cmocka_unit_test(O31_pooled_layer),
        cmocka_unit_test(O33_what_never_fires),
        cmocka_unit_test(O34_a_known_optimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
