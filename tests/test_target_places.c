/* Targets that need more than indices: parts of a photo, where a class wins,
   the sides of a single number; and what they are called. Numbers by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/net.h"

/* A model with what targets are read against. */
typedef struct fixture {
    cxai_model *model;
    cxai_shape input, *shapes;
    cxai_labels *labels;
    cxai_target_context context;
} fixture;

static fixture begin(cxai_model *model, const char *input, const char *names)
{
    fixture f = { .model = model, .input = net_shape(input) };
    cxai_error error;

    f.shapes = calloc((size_t)cxai_model_value_count(model), sizeof *f.shapes);
    check_ok(cxai_model_shapes(model, &f.input, f.shapes, &error), &error);
    if (names != NULL)
        check_ok(
            cxai_labels_parse(&f.labels, names, strlen(names), "names", &error),
            &error);
    f.context = (cxai_target_context){ model, f.shapes, f.labels, NULL };
    return f;
}

static void end(fixture *f)
{
    cxai_labels_free(&f->labels);
    free(f->shapes);
    cxai_model_free(&f->model);
}

static cxai_target parse(const fixture *f, const char *text)
{
    cxai_target t;
    cxai_error error;

    check_ok(cxai_target_parse(&t, &f->context, text, &error), &error);
    return t;
}

static void refuse(const fixture *f, const char *text, cxai_status status,
                   const char *says)
{
    cxai_target t;
    cxai_error error;

    check_error(cxai_target_parse(&t, &f->context, text, &error), &error,
                status, says);
}

static void expect_words(const fixture *f, const char *text, const char *want)
{
    cxai_target t = parse(f, text);
    char words[256];

    assert_string_equal(
        cxai_target_describe(&t, &f->context, words, sizeof words), want);
}

/* x (1,1,32,32) -> means of 4x4 -> three classes "out" (1,3,8,8) -> last */
static cxai_model *segmentation(const char *last, const char *attributes)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,1,32,32");
    net_reals(&n, "w", "3,1,1,1", (double[]){ 1, -1, 0 });
    net_node(&n, "AveragePool", "x", "means", "kernel_shape=4,4 strides=4,4");
    net_node(&n, "Conv", "means w", "out", "");
    net_node(&n, last, "out", "y", attributes);
    net_output(&n, "y");
    return net_end(&n);
}

/* A photo of 96x48 whose centre square of 48x48 became 32x32: a position of
   the map covers 6x6 pixels of it, from column 24 on. */
static void test_part_of_a_photo(void **state)
{
    const cxai_geometry photo = { .photo_width = 96,
                                  .photo_height = 48,
                                  .network_width = 32,
                                  .network_height = 32,
                                  .scale_x = 1.5,
                                  .scale_y = 1.5,
                                  .offset_x = 24,
                                  .seen_left = 24,
                                  .seen_right = 72,
                                  .seen_bottom = 48 };
    fixture f = begin(segmentation("Softmax", "axis=1"), "1,1,32,32",
                      "cat\ndog\nsky\n");

    (void)state;
    /* without a photo the network's own pixels: 4x4 a position */
    expect_words(&f, "cat@8,12,16,32", "cat in rows 3:8, columns 2:4");
    f.context.geometry = &photo;
    expect_words(&f, "cat@36,12,48,24", "cat in rows 2:4, columns 2:4");
    expect_words(&f, "1@24,0,72,48", "dog in rows 0:8, columns 0:8");
    /* partly seen; centres of positions decide: columns 27, 33, 39.. */
    expect_words(&f, "1@0,0,34,3.5", "dog in rows 0, columns 0:2");
    /* between all centres: the position that it lies in */
    expect_words(&f, "cat@40,15,41,16", "cat in rows 2, columns 2");
    expect_words(&f, "cat@24,0,30,6 - dog@66,42,72,48",
                 "cat in rows 0, columns 0 - dog in rows 7, columns 7");
    refuse(&f, "cat@0,0,20,10", CXAI_INVALID, "only 24 to 72");
    refuse(&f, "cat@0,0,97,48", CXAI_INVALID, "x 0 to 96");
    refuse(&f, "cat@0,-1,96,48", CXAI_INVALID, "y 0 to 48");
    refuse(&f, "cat@40,20,40,24", CXAI_INVALID, "x from 40 to 40");
    refuse(&f, "means[0,2]@24,0,72,48", CXAI_INVALID, "twice");
    end(&f);
}

/* Resolves a target and compares its mask with one of '1' and '0'. */
static void expect_mask(cxai_target t, cxai_tensor *view, const char *want,
                        double score)
{
    unsigned char mask[16];
    cxai_error error;
    int64_t bytes = cxai_target_mask_bytes(&t, &view->shape);

    assert_true(cxai_target_is_open(&t));
    assert_int_equal(bytes, strlen(want));
    check_ok(cxai_target_resolve(&t, view, mask, &error), &error);
    assert_false(cxai_target_is_open(&t));
    for (int64_t i = 0; i < bytes; i++)
        assert_int_equal(t.terms[0].mask[i], want[i] - '0');
    assert_true(fabs(cxai_target_score(&t, view, 0) - score) < 1e-6);
}

/* Three classes at four positions: 5 1 2 NaN, 5 3 1 0, 4 2 2 -1. */
static void test_where_a_class_wins(void **state)
{
    cxai_real map[] = { 5, 1, 2, (cxai_real)NAN, 5, 3, 1, 0, 4, 2, 2, -1 };
    cxai_shape shape = { 4, { 1, 3, 2, 2 } };
    cxai_tensor view = cxai_tensor_dense(map, &shape);
    cxai_target t = cxai_target_channel(0, 0);
    cxai_error error;
    unsigned char mask[4];

    (void)state;
    t.terms[0].wins = CXAI_WINS_LARGEST;
    t.terms[0].wins_axis = 1;
    expect_mask(t, &view, "1010", 3.5); /* of equal ones the first */
    t.terms[0].span[1].first = 1;
    expect_mask(t, &view, "0101", 1.5); /* a number against NaN */
    t.terms[0].span[1].first = 2;
    check_error(cxai_target_resolve(&t, &view, mask, &error), &error,
                CXAI_INVALID, "wins at no position");
    t.terms[0].wins = CXAI_WINS_POSITIVE;
    expect_mask(t, &view, "1110", 8. / 3);
    /* the class with the largest mean, of those: NaN ranks last */
    t.terms[0].wins = CXAI_WINS_LARGEST;
    t.terms[0].top = t.terms[0].top_axis = 1;
    t.terms[0].span[1] = (cxai_span){ 0, 0 };
    expect_mask(t, &view, "0101", 1.5);

    /* the same with channels last */
    cxai_tensor last = { map, { 4, { 1, 2, 2, 3 } }, { 12, 2, 1, 4 } };
    cxai_target u = { .term_count = 1, .terms = { { .weight = 1 } } };
    u.terms[0].span[3] = (cxai_span){ 1, 1 };
    u.terms[0].wins = CXAI_WINS_LARGEST;
    u.terms[0].wins_axis = 3;
    expect_mask(u, &last, "0101", 1.5);
}

/* Sigmoids win above 1/2; of a softmax the largest does. */
static void test_reading_wins(void **state)
{
    fixture f = begin(segmentation("Softmax", "axis=1"), "1,1,32,32", NULL);

    (void)state;
    assert_int_equal(parse(&f, "2@wins").terms[0].wins, CXAI_WINS_LARGEST);
    assert_int_equal(parse(&f, "top1@wins").terms[0].top, 1);
    assert_int_equal(parse(&f, "means[0]@wins").terms[0].wins,
                     CXAI_WINS_POSITIVE);
    end(&f);
    f = begin(segmentation("Sigmoid", ""), "1,1,32,32", NULL);
    assert_int_equal(parse(&f, "2@wins").terms[0].wins, CXAI_WINS_POSITIVE);
    end(&f);
}

/* x (1,2) -> one number "z" -> last, or nothing */
static cxai_model *one_number(const char *last)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "w", "1,2,1,1", (double[]){ 1, -3 });
    net_node(&n, "Conv", "x w", "z", "");
    if (last != NULL)
        net_node(&n, last, "z", "y", "");
    net_output(&n, last != NULL ? "y" : "z");
    return net_end(&n);
}

/* What a target explains when the number is x. */
static void expect_side(const fixture *f, const char *text, double x,
                        const char *words, double score)
{
    cxai_target t = parse(f, text);
    cxai_real number = (cxai_real)x;
    const cxai_shape *shape = &f->shapes[t.value];
    cxai_tensor view = cxai_tensor_dense(&number, shape);
    char name[64];
    cxai_error error;

    check_ok(cxai_target_resolve(&t, &view, NULL, &error), &error);
    assert_string_equal(
        cxai_target_describe(&t, &f->context, name, sizeof name), words);
    assert_true(cxai_target_score(&t, &view, 0) == score);
    cxai_classes classes = cxai_model_classes(f->model, f->shapes);
    assert_int_equal(cxai_target_class(&t, &classes), 0);
}

static void test_sides_of_a_sigmoid(void **state)
{
    fixture f = begin(one_number("Sigmoid"), "1,2,1,1", NULL);

    (void)state;
    expect_side(&f, "yes", -2, "yes", -2);
    expect_side(&f, "0", -2, "yes", -2);
    expect_side(&f, "no", -2, "no", 2);
    expect_side(&f, "-0", -2, "no", 2);
    expect_side(&f, "-no", -2, "yes", -2);
    expect_side(&f, "top1", -2, "no", 2);
    expect_side(&f, "top2", -2, "yes", -2);
    expect_side(&f, "top1", 3, "yes", 3);
    expect_side(&f, "top2", 3, "no", -3);
    expect_side(&f, "top1", 0, "yes", 0);
    refuse(&f, "1", CXAI_INVALID, "0 or yes");
    refuse(&f, "top3", CXAI_INVALID, "2 classes");
    end(&f);

    f = begin(one_number("Sigmoid"), "1,2,1,1", "cat\ndog\n");
    expect_side(&f, "dog", 3, "dog", 3);
    expect_side(&f, "cat", 3, "cat", -3);
    expect_side(&f, "-cat", 3, "dog", 3);
    expect_side(&f, "yes", 3, "dog", 3);
    expect_side(&f, "top1", -3, "cat", 3);
    refuse(&f, "0", CXAI_INVALID, "'cat' or 'dog'");
    refuse(&f, "1", CXAI_INVALID, "'cat' or 'dog'");
    refuse(&f, "2", CXAI_INVALID, "out of range");
    end(&f);

    f = begin(one_number("Sigmoid"), "1,2,1,1", "pneumonia\n");
    expect_side(&f, "pneumonia", 3, "pneumonia", 3);
    expect_side(&f, "no", 3, "not pneumonia", -3);
    end(&f);
}

/* A regression has no sides: its number is what is explained. */
static void test_regression(void **state)
{
    fixture f = begin(one_number(NULL), "1,2,1,1", NULL);

    (void)state;
    expect_side(&f, "0", -2, "0", -2);
    expect_side(&f, "top1", -2, "0", -2);
    expect_side(&f, "-0", -2, "-0", 2);
    refuse(&f, "no", CXAI_NOT_FOUND, "no labels");
    refuse(&f, "top2", CXAI_INVALID, "1 classes");
    end(&f);

    /* two labels make two sides of it */
    f = begin(one_number(NULL), "1,2,1,1", "cat\ndog\n");
    expect_side(&f, "top1", -2, "cat", 2);
    end(&f);
}

/* A number a picture, without any dimension behind the batch. */
static void test_squeezed(void **state)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,2,1,1");
    net_reals(&n, "w", "1,2,1,1", (double[]){ 1, -3 });
    net_integers(&n, "axes", "3", (int64_t[]){ 1, 2, 3 });
    net_node(&n, "Conv", "x w", "z", "");
    net_node(&n, "Squeeze", "z axes", "s", "");
    net_node(&n, "Sigmoid", "s", "y", "");
    net_output(&n, "y");
    fixture f = begin(net_end(&n), "1,2,1,1", NULL);

    (void)state;
    expect_side(&f, "top1", -2, "no", 2);
    expect_side(&f, "yes", -2, "yes", -2);
    end(&f);
}

/* Boxes of a detector are no classes. */
static void test_detector(void **state)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,6,4,2");
    net_integers(&n, "shape", "3", (int64_t[]){ 1, 6, 8 });
    net_node(&n, "Neg", "x", "a", "");
    net_node(&n, "Reshape", "a shape", "out", "");
    net_output(&n, "out");
    fixture f = begin(net_end(&n), "1,6,4,2", "cat\ndog\n");

    (void)state;
    static const char *const classes[] = { "0", "top1", "-1" };
    for (int i = 0; i < 3; i++)
        refuse(&f, classes[i], CXAI_INVALID, "out[0,0]");
    refuse(&f, "cat", CXAI_INVALID, "2 labels");
    expect_words(&f, "out[4,-1]", "out[4,7]");
    expect_words(&f, "-out[0:4,2]", "-out[0:4,2]");
    expect_words(&f, "out[5] - 2*out[4]", "out[5,:] - 2*out[4,:]");
    end(&f);
}

/* x (1,2,2,2) -> ReLU "r" -> means -> three classes, as linear as CAM wants */
static cxai_model *pooled(const char *last)
{
    net n = net_begin(13);

    net_input(&n, "x", "1,2,2,2");
    net_reals(&n, "w", "3,2", (double[]){ 4, 0, 0, 8, -4, 4 });
    net_node(&n, "Relu", "x", "r", "");
    net_node(&n, "GlobalAveragePool", "r", "pool", "");
    net_node(&n, "Flatten", "pool", "flat", "");
    net_node(&n, "Gemm", "flat w", "logits", "transB=1");
    net_node(&n, last, "logits", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* CAM's map of any linear functional of what is pooled: with channels
   A = 1 2 0 3 and B = 0 1 1 0, of "0 - 1" 4 A - 8 B, of "-2" 4 A - 4 B, of
   "pool[1]" B. What is not linear is refused. */
static void test_cam_of_other_targets(void **state)
{
    static const struct {
        const char *target;
        double map[4];
    } cases[] = {
        { "0", { 4, 8, 0, 12 } },        { "0 - 1", { 4, 0, -8, 12 } },
        { "-2", { 4, 4, -4, 12 } },      { "pool[1]", { 0, 1, 1, 0 } },
        { "2*0 + 2", { 4, 12, 4, 12 } },
    };
    const cxai_real x[] = { 1, 2, 0, 3, 0, 1, 1, -5 };
    fixture f = begin(pooled("Softmax"), "1,2,2,2", NULL);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    const cxai_heatmap_method *cam;
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    options.raw = 1;
    check_ok(cxai_heatmap_find(&cam, "cam", &error), &error);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cxai_target t = parse(&f, cases[i].target);
        check_ok(cxai_heatmap_compute(&map, cam, f.model, &f.input, x, &t, 1,
                                      &options, &error),
                 &error);
        check_close(map.data, cases[i].map, 4, 1e-5);
        cxai_heatmap_clear(&map);
    }
    cxai_target bad = parse(&f, "y[0]");
    check_error(cxai_heatmap_compute(&map, cam, f.model, &f.input, x, &bad, 1,
                                     &options, &error),
                &error, CXAI_UNSUPPORTED, "Softmax");
    bad = parse(&f, "r[0]");
    check_error(cxai_heatmap_compute(&map, cam, f.model, &f.input, x, &bad, 1,
                                     &options, &error),
                &error, CXAI_UNSUPPORTED, "Relu");
    end(&f);
}

/* Probabilities: of a class, of what speaks against it, of nothing else. The
   means of A and B are 1.5 and .5, so the logits 6, 4 and -4, and e to them
   403.429, 54.598 and .0183. */
static void test_probability(void **state)
{
    static const struct {
        const char *target;
        double softmax, sigmoid;
    } cases[] = {
        { "0", 0.8807619, 0.9975274 },
        { "-0", 0.1192381, 0.0024726 },
        { "2", 0.0000400, 0.0179862 },
        { "0 - 1", (double)NAN, (double)NAN },
        { "pool[0]", (double)NAN, (double)NAN },
    };
    const cxai_real x[] = { 1, 2, 0, 3, 0, 1, 1, -5 };
    const cxai_heatmap_method *gradcam;
    cxai_heatmap map;
    cxai_error error;

    (void)state;
    check_ok(cxai_heatmap_find(&gradcam, "gradcam", &error), &error);
    for (int sigmoid = 0; sigmoid < 2; sigmoid++) {
        fixture f =
            begin(pooled(sigmoid ? "Sigmoid" : "Softmax"), "1,2,2,2", NULL);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            double want = sigmoid ? cases[i].sigmoid : cases[i].softmax;
            cxai_target t = parse(&f, cases[i].target);
            check_ok(cxai_heatmap_compute(&map, gradcam, f.model, &f.input, x,
                                          &t, 1, NULL, &error),
                     &error);
            assert_int_equal(isnan(map.probability), isnan(want));
            if (!isnan(want))
                assert_true(fabs(map.probability - want) < 2e-6);
            cxai_heatmap_clear(&map);
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part_of_a_photo),
        cmocka_unit_test(test_where_a_class_wins),
        cmocka_unit_test(test_reading_wins),
        cmocka_unit_test(test_sides_of_a_sigmoid),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_squeezed),
        cmocka_unit_test(test_detector),
        cmocka_unit_test(test_cam_of_other_targets),
        cmocka_unit_test(test_probability),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
