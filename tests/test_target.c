/* Targets: reading them, their number and their gradient. */
#include <math.h>
#include <stdio.h>
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
    const cxai_target_context c = { f->model, f->shapes, f->labels, NULL };

    return cxai_target_parse(out, &c, text, error);
}

/* What a target is, as "value[indices]*weight" of each term, joined by " + ".
 */
static char *form_of(const fixture *f, const cxai_target *t, char *form,
                     size_t size)
{
    char indices[128];

    form[0] = '\0';
    for (int i = 0; i < t->term_count; i++) {
        const cxai_target_term *term = &t->terms[i];
        size_t used = strlen(form);
        cxai_target_indices(term, &f->shapes[t->value], indices,
                            sizeof indices);
        snprintf(form + used, size - used, "%s%s%s*%g%s", i ? " + " : "",
                 cxai_model_value_name(f->model, t->value), indices,
                 term->weight, term->top ? "?" : "");
        assert_true(term->top == 0 || term->top_axis == 1);
    }
    return form;
}

static void test_forms(void **state)
{
    const fixture *f = *state;
    static const char *const forms[][2] = {
        { "2", "flat[2]*1" },
        { "tabby cat", "flat[0]*1" },
        { "guitar", "flat[1]*1" },
        { "drum, snare", "flat[2]*1" },
        { "top1", "flat[:]*1?" },
        { "top3", "flat[:]*1?" },
        { NULL, "flat[:]*1?" },
        { "features[1]", "features[1,:,:]*1" },
        { "features[2,3,4]", "features[2,3,4]*1" },
        { "answer[0]", "answer[0]*1" },
        /* indices as in Python */
        { "features[-1]", "features[2,:,:]*1" },
        { "features[0,1:3,-2:]", "features[0,1:3,3:5]*1" },
        { "features[:2,:,:3]", "features[0:2,:,0:3]*1" },
        { "features[...,-1]", "features[:,:,4]*1" },
        { "features[1,...]", "features[1,:,:]*1" },
        { "features[ 1 , 2 ]", "features[1,2,:]*1" },
        { "features[top2,1]", "features[:,1,:]*1?" },
        /* signs, sums, weights */
        { "-2", "flat[2]*-1" },
        { "- guitar", "flat[1]*-1" },
        { "cat - guitar", "flat[0]*1 + flat[1]*-1" },
        { "2*cat - 0.5*guitar + 2", "flat[0]*2 + flat[1]*-0.5 + flat[2]*1" },
        { "-cat + top1", "flat[0]*-1 + flat[:]*1?" },
        { "cat - drum, snare", "flat[0]*1 + flat[2]*-1" },
        { "features[1] - features[0,0,0]",
          "features[1,:,:]*1 + features[0,0,0]*-1" },
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cxai_target t;
        cxai_error error;
        char form[256];
        check_ok(parse(f, forms[i][0], &t, &error), &error);
        assert_string_equal(form_of(f, &t, form, sizeof form), forms[i][1]);
        assert_string_equal(t.text, forms[i][0] ? forms[i][0] : "top1");
        check_ok(cxai_target_check(&t, f->model, &f->shapes[t.value], &error),
                 &error);
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
        { "", CXAI_INVALID, "empty" },
        { " ", CXAI_INVALID, "empty" },
        { "3", CXAI_INVALID, "0 to 2" },
        { "99999999999999999999", CXAI_INVALID, "0 to 2" },
        { "-3", CXAI_INVALID, "0 to 2" },
        { "t", CXAI_INVALID, "fits 2 classes" },
        { "top", CXAI_NOT_FOUND, "top" },
        { "top0", CXAI_INVALID, "3 classes" },
        { "top4", CXAI_INVALID, "3 classes" },
        { "banjo", CXAI_NOT_FOUND, "banjo" },
        { "yes", CXAI_NOT_FOUND, "yes" },
        { "features[3]", CXAI_INVALID, "0 to 2" },
        { "features[-4]", CXAI_INVALID, "0 to 2" },
        { "features[9223372036854775807]", CXAI_INVALID, "0 to 2" },
        { "features[0,4,0]", CXAI_INVALID, "1x3x4x5" },
        { "features[0,0,5]", CXAI_INVALID, "1x3x4x5" },
        { "features[0,1:6]", CXAI_INVALID, "1x3x4x5" },
        { "features[0,3:3]", CXAI_INVALID, "empty" },
        { "features[0,3:1]", CXAI_INVALID, "empty" },
        { "features[top4]", CXAI_INVALID, "1x3x4x5" },
        { "features[top1,top1]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "features[...,0,...]", CXAI_INVALID, "features" },
        { "features[...,0,0,0,0]", CXAI_INVALID, "LAYER[" },
        { "flat[0,0,0]", CXAI_INVALID, "1x3" },
        { "features[]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "features[1,]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "features[1", CXAI_NOT_FOUND, "features[1" },
        { "features[x]", CXAI_INVALID, "LAYER[CHANNEL]" },
        { "[1]", CXAI_INVALID, "names no layer" },
        { "featurse[1]", CXAI_NOT_FOUND, "features" },
        { "cat - ", CXAI_INVALID, "missing" },
        { "cat - - guitar", CXAI_NOT_FOUND, "- guitar" },
        { "cat - banjo", CXAI_NOT_FOUND, "banjo" },
        { "cat-guitar", CXAI_NOT_FOUND, "cat - dog" },
        { "cat - features[0]", CXAI_INVALID, "not of one value" },
        { "0 + 1 + 2 + 0 + 1", CXAI_INVALID, "more than 4" },
        { "1e999*cat", CXAI_INVALID, "too large" },
        { "cat@wins", CXAI_INVALID, "1x3" },
        { "cat@0,0,2,2", CXAI_INVALID, "1x3" },
        { "features[0]@0,0,9,2", CXAI_INVALID, "0 to 5" },
        { "features[0]@2,0,2,2", CXAI_INVALID, "x from 2 to 2" },
        { "features[0]@0,0,2", CXAI_INVALID, "x0,y0,x1,y1" },
        { "features[0]@everywhere", CXAI_INVALID, "wins" },
        { "features[0,1]@0,0,2,2", CXAI_INVALID, "twice" },
        { "features[0:2]@wins", CXAI_INVALID, "single class" },
        { "features[0]@0,0,2,2 guitar", CXAI_INVALID, "guitar" },
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
    const cxai_target_context c = { f->model, f->shapes, NULL, NULL };
    cxai_target t;
    cxai_error error;

    check_error(cxai_target_parse(&t, &c, "cat", &error), &error,
                CXAI_NOT_FOUND, "no labels");
}

/* A list's targets, as form_of, joined by ";". */
static char *list_of(const fixture *f, const cxai_labels *labels,
                     const char *text, char *list, size_t size)
{
    const cxai_target_context c = { f->model, f->shapes, labels, NULL };
    cxai_target *t;
    cxai_error error;
    char form[256];
    int count;

    check_ok(cxai_target_parse_list(&t, &count, &c, text, &error), &error);
    list[0] = '\0';
    for (int i = 0; i < count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, size - used, "%s%s=%s", i ? ";" : "", t[i].text,
                 form_of(f, &t[i], form, sizeof form));
    }
    free(t);
    return list;
}

static void test_list(void **state)
{
    const fixture *f = *state;
    const cxai_target_context c = { f->model, f->shapes, f->labels, NULL };
    static const char *const lists[][2] = {
        { "guitar, features[0,1,2] ,top1..top2",
          "guitar=flat[1]*1;features[0,1,2]=features[0,1,2]*1;"
          "top1=flat[:]*1?;top2=flat[:]*1?" },
        /* labels with a comma in them */
        { "drum, snare", "drum, snare=flat[2]*1" },
        { "cat,drum, snare,1",
          "cat=flat[0]*1;drum, snare=flat[2]*1;1=flat[1]*1" },
        { "cat - drum, snare,cat - guitar",
          "cat - drum, snare=flat[0]*1 + flat[2]*-1;"
          "cat - guitar=flat[0]*1 + flat[1]*-1" },
        { "top1..top2 - cat,-cat",
          "top1 - cat=flat[:]*1? + flat[0]*-1;"
          "top2 - cat=flat[:]*1? + flat[0]*-1;-cat=flat[0]*-1" },
        { "features[0]@0,0,2,2,guitar",
          "features[0]@0,0,2,2=features[0,0:2,0:2]*1;guitar=flat[1]*1" },
    };
    cxai_target *t;
    cxai_error error;
    char list[512];
    int count;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        assert_string_equal(
            list_of(f, f->labels, lists[i][0], list, sizeof list), lists[i][1]);
    static const char *const wrong[][2] = {
        { "", "empty target" },          { ",", "empty target" },
        { "0,,1", "empty target" },      { "0,", "empty target" },
        { "top3..top2", "empty range" }, { "top3..top4", "3 classes" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_error(cxai_target_parse_list(&t, &count, &c, wrong[i][0], &error),
                    &error, CXAI_INVALID, wrong[i][1]);
        assert_null(t);
        assert_int_equal(count, 0);
    }
}

/* Signs in labels do not split them. */
static void test_labels_with_signs(void **state)
{
    const fixture *f = *state;
    static const char names[] = "black-and-tan - old\n-cat\n2*cat @ home\n";
    cxai_labels *labels;
    cxai_error error;
    char list[512];

    check_ok(cxai_labels_parse(&labels, names, strlen(names), "names", &error),
             &error);
    assert_string_equal(
        list_of(f, labels, "black-and-tan - old,-cat,2*cat @ home,- -cat", list,
                sizeof list),
        "black-and-tan - old=flat[0]*1;-cat=flat[1]*1;2*cat @ home=flat[2]*1;"
        "- -cat=flat[1]*-1");
    assert_string_equal(list_of(f, labels,
                                "-cat - black-and-tan - old - 2*cat @ home",
                                list, sizeof list),
                        "-cat - black-and-tan - old - 2*cat @ home="
                        "flat[1]*1 + flat[0]*-1 + flat[2]*-1");
    cxai_labels_free(&labels);
}

/* Ranks of 3, NaN, 7, 3, -inf: 7, the first 3, the second, -inf, NaN. */
static void test_ranks(void **state)
{
    cxai_real logits[] = { 3, (cxai_real)NAN, 7, 3, (cxai_real)-INFINITY };
    cxai_shape shape = { 2, { 1, 5 } };
    cxai_tensor view = cxai_tensor_dense(logits, &shape);
    const int order[] = { 2, 0, 3, 4, 1 };
    cxai_target t = cxai_target_channel(0, 0);
    cxai_error error;

    (void)state;
    t.terms[0].top_axis = 1;
    for (int rank = 1; rank <= 5; rank++) {
        cxai_target one = t;
        one.terms[0].top = rank;
        check_ok(cxai_target_resolve(&one, &view, NULL, &error), &error);
        assert_int_equal(one.terms[0].span[1].first, order[rank - 1]);
        assert_int_equal(one.terms[0].span[1].count, 1);
        assert_false(cxai_target_is_open(&one));
    }
    t.terms[0].top = 6;
    check_error(cxai_target_resolve(&t, &view, NULL, &error), &error,
                CXAI_INVALID, "5 classes");
}

/* The box with the largest number of row 1 of (1,2,4): index 2 of 1,0,5,2. */
static void test_rank_along_another_axis(void **state)
{
    cxai_real boxes[] = { 9, 8, 7, 6, 1, 0, 5, 2 };
    cxai_shape shape = { 3, { 1, 2, 4 } };
    cxai_tensor view = cxai_tensor_dense(boxes, &shape);
    cxai_target t = cxai_target_channel(0, 1);
    cxai_error error;

    (void)state;
    t.terms[0].top = 1;
    t.terms[0].top_axis = 2;
    check_ok(cxai_target_resolve(&t, &view, NULL, &error), &error);
    assert_int_equal(t.terms[0].span[2].first, 2);
    assert_true(cxai_target_score(&t, &view, 0) == 5);
}

/* A view of shape (2,3,2,2) with channels last in memory. */
static void test_score_and_seed(void **state)
{
    cxai_real memory[24], seed[24] = { 0 };
    cxai_tensor view = { memory, { 4, { 2, 3, 2, 2 } }, { 12, 1, 6, 3 } };
    cxai_target mean = cxai_target_channel(0, 2),
                point = cxai_target_channel(0, 1), sum = mean;

    (void)state;
    mean.terms[0].weight = 3;
    point.terms[0].span[2] = (cxai_span){ 1, 1 };
    point.terms[0].span[3] = (cxai_span){ 0, 1 };
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

    /* item 0: channels 1 and 2 of column 1, without the last number: the mean
       of 4, 10 and 5; less twice the number at channel 1, row 1, column 0 */
    static const unsigned char mask[] = { 1, 1, 1, 0 };
    sum.term_count = 2;
    sum.terms[0].span[1] = (cxai_span){ 1, 2 };
    sum.terms[0].span[3] = (cxai_span){ 1, 1 };
    sum.terms[0].mask = mask;
    sum.terms[1] = point.terms[0];
    sum.terms[1].weight = -2;
    assert_true(fabs(cxai_target_score(&sum, &view, 0) - (19. / 3 - 14)) <
                1e-12);
    memset(seed, 0, sizeof seed);
    cxai_target_seed(&sum, &view.shape, 0, seed);
    for (int i = 0; i < 24; i++) {
        double want = i == 5 || i == 7 || i == 9 ? 1. / 3 : i == 6 ? -2 : 0;
        assert_true(fabs((double)seed[i] - want) < 1e-7);
    }
}

static void test_check(void **state)
{
    const fixture *f = *state;
    int features = net_value(f->model, "features");
    cxai_target good = cxai_target_channel(features, 0), bad[6];
    cxai_error error;

    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].value = 99;
    bad[1].term_count = 0;
    bad[2].terms[0].span[2] = (cxai_span){ 2, 3 };
    bad[3].terms[0].span[4] = (cxai_span){ 0, 1 };
    bad[4].terms[0].weight = (double)NAN;
    bad[5].terms[0].wins = CXAI_WINS_LARGEST;
    bad[5].terms[0].wins_axis = 2;
    check_ok(cxai_target_check(&good, f->model, &f->shapes[features], &error),
             &error);
    for (int i = 0; i < 6; i++)
        check_error(
            cxai_target_check(&bad[i], f->model, &f->shapes[features], &error),
            &error, CXAI_INVALID, "target");
}

static void test_probabilities(void **state)
{
    cxai_real logits[] = { 1000, (cxai_real)(1000 + log(3)), 0 };
    cxai_real small[] = { 0, (cxai_real)log(3), (cxai_real)-log(3) };
    double p[3];

    (void)state;
    cxai_target_probabilities(CXAI_READ_SOFTMAX, logits, 3, p);
    assert_true(fabs(p[0] - 0.25) < 1e-4);
    assert_true(fabs(p[1] - 0.75) < 1e-4);
    assert_true(p[2] == 0);

    cxai_target_probabilities(CXAI_READ_SIGMOID, small, 3, p);
    assert_true(fabs(p[0] - 0.5) < 1e-6);
    assert_true(fabs(p[1] - 0.75) < 1e-6);
    assert_true(fabs(p[2] - 0.25) < 1e-6);

    cxai_target_probabilities(CXAI_READ_NUMBERS, small, 3, p);
    assert_true(isnan(p[0]) && isnan(p[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_labels),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_labels_with_signs),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_rank_along_another_axis),
        cmocka_unit_test(test_score_and_seed),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_probabilities),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
