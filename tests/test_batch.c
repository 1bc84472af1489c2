/*
 * Networks whose file fixes the batch. The graph follows another batch where
 * only shapes were written down for it; where it cannot, the answer is an
 * error that names the batch, never numbers of another picture.
 */
#include <stdlib.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/net.h"

enum { OPSET = 13, CLASSES = 2, PICTURE = 4 };

/* Of a picture p: 4 * mean(relu(p)), 4 * mean(relu(-p)). */
static const cxai_real pictures[][PICTURE] = {
    { 1, -2, 3, -4 }, { 0, 1, 1, 0 }, { -1, -1, -1, -1 }, { 8, 0, 0, -2 }
};
static const double answers[][CLASSES] = {
    { 4, 6 }, { 2, 0 }, { 0, 4 }, { 8, 2 }
};

/* The features r: the positive and the negative part of the picture. */
static net begin(const char *input)
{
    net n = net_begin(OPSET);
    net_input(&n, "x", input);
    net_reals(&n, "w", "2,1,1,1", (double[]){ 1, -1 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Relu", "c", "r", "");
    return n;
}

/* Flattens by a constant shape, then sums each feature's four numbers. */
static cxai_model *reshaped(const char *input, const int64_t shape[2])
{
    net n = begin(input);
    net_integers(&n, "shape", "2", shape);
    net_reals(&n, "sum", "8,2",
              (double[]){ 1, 0, 1, 0, 1, 0, 1, 0, //
                          0, 1, 0, 1, 0, 1, 0, 1 });
    net_node(&n, "Reshape", "r shape", "flat", "");
    net_node(&n, "MatMul", "flat sum", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* Averages, spreads the average again by an Expand, enlarges by a Resize; the
   average of it all is the same. */
static cxai_model *spread(const char *input, int64_t batch)
{
    net n = begin(input);
    net_integers(&n, "expanded", "4", (int64_t[]){ batch, 2, 2, 2 });
    net_integers(&n, "resized", "4", (int64_t[]){ batch, 2, 4, 4 });
    net_reals(&n, "four", "", (double[]){ 4 });
    net_node(&n, "GlobalAveragePool", "r", "mean", "");
    net_node(&n, "Expand", "mean expanded", "e", "");
    net_node(&n, "Resize", "e - - resized", "z", "mode=linear");
    net_node(&n, "GlobalAveragePool", "z", "again", "");
    net_node(&n, "Mul", "again four", "scaled", "");
    net_node(&n, "Flatten", "scaled", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* The first `batch` pictures, through a session of that batch. */
static void check_answers(const cxai_model *model, int64_t batch)
{
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    int output = cxai_model_output(model, 0);
    const cxai_request request = { .input_shape = { 4, { batch, 1, 2, 2 } },
                                   .watch = &output,
                                   .watch_count = 1,
                                   .target = -1,
                                   .threads = 1 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, cxai_model_input(model, 0), pictures[0],
                              &error),
             &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, output, &view, &error), &error);
    assert_int_equal(view.shape.dim[0], batch);
    check_view(&view, answers[0], batch * CLASSES, 1e-6);
    cxai_session_free(&session);
}

static void shapes_follow_the_batch(void **state)
{
    (void)state;
    cxai_model *const models[] = {
        reshaped("4,1,2,2", (int64_t[]){ 4, -1 }),
        reshaped("4,1,2,2", (int64_t[]){ 4, 8 }),
        reshaped("4,1,2,2", (int64_t[]){ -1, 8 }),
        reshaped("1,1,2,2", (int64_t[]){ 1, -1 }),
        reshaped("1,1,2,2", (int64_t[]){ 1, 8 }),
        reshaped("0,1,2,2", (int64_t[]){ -1, 8 }),
        spread("4,1,2,2", 4),
        spread("2,1,2,2", 2),
        spread("1,1,2,2", 1),
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        cxai_model *model = models[i];
        for (int64_t batch = 1; batch <= 4; batch++)
            check_answers(model, batch);
        cxai_model_free(&model);
    }
}

/* A shape that begins with the batch's number for another reason stays. */
static void other_shapes_stay(void **state)
{
    (void)state;
    net n = begin("1,1,2,2");
    net_integers(&n, "axes", "1", (int64_t[]){ 0 });
    net_integers(&n, "shape", "4", (int64_t[]){ 1, 2, 1, 1 });
    net_node(&n, "ReduceMean", "r", "level", "axes=0,2,3 keepdims=0");
    net_node(&n, "Reshape", "level shape", "s", "");
    net_node(&n, "Sub", "r s", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_error error;
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    assert_non_null(shapes);
    const cxai_shape given = { 4, { 2, 1, 2, 2 } },
                     same = { 4, { 2, 2, 2, 2 } };
    check_ok(cxai_model_shapes(model, &given, shapes, &error), &error);
    assert_true(cxai_shape_equal(&shapes[net_value(model, "y")], &same));
    free(shapes);
    cxai_model_free(&model);
}

static void refuse(cxai_model *model, int64_t batch, const char *cause)
{
    cxai_error error = { CXAI_OK, "" };
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    const cxai_shape given = { 4, { batch, 1, 2, 2 } };
    assert_non_null(shapes);
    cxai_status status = cxai_model_shapes(model, &given, shapes, &error);
    assert_int_not_equal(status, CXAI_OK);
    check_error(status, &error, status, cause);
    free(shapes);
    cxai_model_free(&model);
}

static void what_cannot_follow_is_refused(void **state)
{
    (void)state;
    double zeros[8] = { 0 };
    net joined = begin("4,1,2,2"); /* a token for each picture */
    net_reals(&joined, "token", "4,2,1,1", zeros);
    net_node(&joined, "GlobalAveragePool", "r", "mean", "");
    net_node(&joined, "Concat", "token mean", "y", "axis=1");
    net_output(&joined, "y");
    refuse(net_end(&joined), 1, "written for a batch of 4");

    net turned = begin("2,1,2,2"); /* rows of several pictures */
    net_integers(&turned, "flat", "2", (int64_t[]){ 2, 8 });
    net_integers(&turned, "rows", "2", (int64_t[]){ 2, -1 });
    net_node(&turned, "Reshape", "r flat", "f", "");
    net_node(&turned, "Transpose", "f", "t", "");
    net_node(&turned, "Reshape", "t rows", "y", "");
    net_output(&turned, "y");
    refuse(net_end(&turned), 1, "the model's output has 2 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_follow_the_batch),
        cmocka_unit_test(other_shapes_stay),
        cmocka_unit_test(what_cannot_follow_is_refused),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
