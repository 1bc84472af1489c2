/* Targets: reading them, their number and their gradient. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/target.h"
#include "support/check.h"
#include "support/net.h"

/* x (1,2,4,5) -> conv "features" (1,3,4,5) -> mean -> flat (1,3) = logits,
   -> Softmax or Sigmoid */
static cxai_model *classifier(const char *last)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,2,4,5");
    net_reals(&n, "w", "3,2,1,1", (double[]){ 1, 2, 3, 4, 5, 6 });
    net_node(&n, "Conv", "x w", "features", "");
    net_node(&n, "GlobalAveragePool", "features", "pool", "");
    net_node(&n, "Flatten", "pool", "flat", "");
    net_node(&n, last, "flat", "answer", "");
    net_output(&n, "answer");
    return net_end(&n);
}

typedef struct fixture {
    cxai_model *model;
    cxai_labels *labels;
    cxai_shape *shapes;
} fixture;

static int setup(void **state)
{
    static const char names[] = "tabby cat\nelectric guitar\ndrum, snare\n";
    fixture *f = calloc(1, sizeof *f);
    cxai_shape input = net_shape("1,2,4,5");
    cxai_error error;

    f->model = classifier("Softmax");
    f->shapes =
        calloc((size_t)cxai_model_value_count(f->model), sizeof *f->shapes);
    check_ok(
        cxai_labels_parse(&f->labels, names, strlen(names), "names", &error),
        &error);
    check_ok(cxai_model_shapes(f->model, &input, f->shapes, &error), &error);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    cxai_labels_free(&f->labels);
    free(f->shapes);
    cxai_model_free(&f->model);
    free(f);
    return 0;
}

static cxai_status parse(const fixture *f, const char *text, cxai_target *out,
                         cxai_error *error)
{
    return cxai_target_parse(out, f->model, f->shapes, f->labels, text, error);
}

static void test_forms(void **state)
{
    const fixture *f = *state;
    int logits = net_value(f->model, "flat");
    int features = net_value(f->model, "features");
    const struct {
        const char *text;
        int value, top, channel, row, column;
    } forms[] = {
        { "2", logits, 0, 2, -1, -1 },
        { "tabby cat", logits, 0, 0, -1, -1 },
        { "guitar", logits, 0, 1, -1, -1 },
        { "drum, snare", logits, 0, 2, -1, -1 },
        { "top1", logits, 1, -1, -1, -1 },
        { "top3", logits, 3, -1, -1, -1 },
        { NULL, logits, 1, -1, -1, -1 },
        { "features[1]", features, 0, 1, -1, -1 },
        { "features[2,3,4]", features, 0, 2, 3, 4 },
        { "answer[0]", net_value(f->model, "answer"), 0, 0, -1, -1 },
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cxai_target t;
        cxai_error error;
        check_ok(parse(f, forms[i].text, &t, &error), &error);
        assert_int_equal(t.value, forms[i].value);
        assert_int_equal(t.top, forms[i].top);
        assert_int_equal(t.channel, forms[i].channel);
        assert_int_equal(t.row, forms[i].row);
        assert_int_equal(t.column, forms[i].column);
        assert_true(t.weight == 1);
        assert_string_equal(t.text, forms[i].text ? forms[i].text : "top1");
    }
}

static void test_refusals(void **state)
{
    const fixture *f = *state;
    const struct {
        const char *text;
        cxai_status status;
        const char *says;
    } wrong[] = {
        { "3", CXAI_INVALID, "0 to 2" },
        { "99999999999999999999", CXAI_INVALID, "0 to 2" },
        { "-1", CXAI_NOT_FOUND, "-1" },
        { "top0", CXAI_INVALID, "3 classes" },
        { "top4", CXAI_INVALID, "3 classes" },
        { "banjo", CXAI_NOT_FOUND, "banjo" },
        { "features[3]", CXAI_INVALID, "0 to 2" },
        { "features[0,4,0]", CXAI_INVALID, "1x3x4x5" },
        { "features[0,0,5]", CXAI_INVALID, "1x3x4x5" },
        { "flat[0,0,0]", CXAI_INVALID, "1x3" },
        { "features[]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "features[1,2]", CXAI_INVALID, "LAYER[CHANNEL" },
        { "features[x]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "[1]", CXAI_INVALID, "names no layer" },
        { "featurse[1]", CXAI_NOT_FOUND, "features" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cxai_target t;
        cxai_error error;
        check_error(parse(f, wrong[i].text, &t, &error), &error,
                    wrong[i].status, wrong[i].says);
    }
}

static void test_no_labels(void **state)
{
    const fixture *f = *state;
    cxai_target t;
    cxai_error error;

    check_error(cxai_target_parse(&t, f->model, f->shapes, NULL, "cat", &error),
                &error, CXAI_NOT_FOUND, "no labels");
}

static void test_list(void **state)
{
    const fixture *f = *state;
    const char *text = "guitar, features[0,1,2] ,top1..top3";
    cxai_target *t;
    cxai_error error;
    int count;

    check_ok(cxai_target_parse_list(&t, &count, f->model, f->shapes, f->labels,
                                    text, &error),
             &error);
    assert_int_equal(count, 5);
    assert_int_equal(t[0].channel, 1);
    assert_int_equal(t[1].column, 2);
    assert_int_equal(t[2].top, 1);
    assert_int_equal(t[4].top, 3);
    assert_string_equal(t[4].text, "top3");
    free(t);

    /* a label with a comma in it */
    check_ok(cxai_target_parse_list(&t, &count, f->model, f->shapes, f->labels,
                                    "drum, snare", &error),
             &error);
    assert_int_equal(count, 1);
    assert_int_equal(t[0].channel, 2);
    free(t);

    check_error(cxai_target_parse_list(&t, &count, f->model, f->shapes,
                                       f->labels, "0,,1", &error),
                &error, CXAI_INVALID, "empty target");
    assert_null(t);
    check_error(cxai_target_parse_list(&t, &count, f->model, f->shapes,
                                       f->labels, "top3..top2", &error),
                &error, CXAI_INVALID, "empty range");
}

/* Ranks of 3, NaN, 7, 3, -inf: 7, the first 3, the second, -inf, NaN. */
static void test_ranks(void **state)
{
    cxai_real logits[] = { 3, (cxai_real)NAN, 7, 3, (cxai_real)-INFINITY };
    cxai_shape shape = { 2, { 1, 5 } };
    cxai_tensor view = cxai_tensor_dense(logits, &shape);
    const int order[] = { 2, 0, 3, 4, 1 };

    (void)state;
    for (int rank = 1; rank <= 5; rank++) {
        cxai_target t = {
            .top = rank, .channel = -1, .row = -1, .column = -1, .weight = 1
        };
        cxai_error error;
        check_ok(cxai_target_resolve(&t, &view, &error), &error);
        assert_int_equal(t.channel, order[rank - 1]);
        assert_int_equal(t.top, 0);
    }
    cxai_target sixth = { .top = 6, .row = -1, .column = -1, .weight = 1 };
    cxai_error error;
    check_error(cxai_target_resolve(&sixth, &view, &error), &error,
                CXAI_INVALID, "5 classes");
}

/* A view of shape (2,3,2,2) with channels last in memory. */
static void test_score_and_seed(void **state)
{
    cxai_real memory[24], seed[24] = { 0 };
    cxai_tensor view = { memory, { 4, { 2, 3, 2, 2 } }, { 12, 1, 6, 3 } };
    cxai_target mean = { .channel = 2, .row = -1, .column = -1, .weight = 3 };
    cxai_target point = { .channel = 1, .row = 1, .column = 0, .weight = 1 };

    (void)state;
    for (int i = 0; i < 24; i++)
        memory[i] = (cxai_real)i;
    /* item 1, channel 2: 14, 17, 20, 23 */
    assert_true(fabs(cxai_target_score(&mean, &view, 1) - 3 * 18.5) < 1e-12);
    /* item 0, channel 1, row 1, column 0 */
    assert_true(cxai_target_score(&point, &view, 0) == 7);

    cxai_target_seed(&mean, &view.shape, 1, seed);
    cxai_target_seed(&point, &view.shape, 0, seed);
    cxai_target_seed(&point, &view.shape, 0, seed);
    for (int i = 0; i < 24; i++) {
        /* dense: ((item * 3 + channel) * 2 + row) * 2 + column */
        double want = i >= 20 ? 0.75 : i == 6 ? 2 : 0;
        assert_true((double)seed[i] == want);
    }
}

static void test_probabilities(void **state)
{
    const fixture *f = *state;
    cxai_real logits[] = { 1000, (cxai_real)(1000 + log(3)), 0 };
    double p[3];
    cxai_model *sigmoid = classifier("Sigmoid");

    cxai_target_probabilities(f->model, logits, 3, p);
    assert_true(fabs(p[0] - 0.25) < 1e-4);
    assert_true(fabs(p[1] - 0.75) < 1e-4);
    assert_true(p[2] == 0);

    cxai_real small[] = { 0, (cxai_real)log(3), (cxai_real)-log(3) };
    cxai_target_probabilities(sigmoid, small, 3, p);
    assert_true(fabs(p[0] - 0.5) < 1e-6);
    assert_true(fabs(p[1] - 0.75) < 1e-6);
    assert_true(fabs(p[2] - 0.25) < 1e-6);
    cxai_model_free(&sigmoid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_labels),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_score_and_seed),
        cmocka_unit_test(test_probabilities),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
