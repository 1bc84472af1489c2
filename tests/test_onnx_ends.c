/*
 * What stands at the ends of a graph that exporters write: pictures of bytes
 * at its beginning; at its end probabilities beside names (ZipMap), and the
 * name of the most likely class.
 */
#include <math.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/net.h"

static const cxai_real x[] = { 3, 250, 0 };

/* Output number `output` and its gradient at the input, of x. */
static void check_answer(const cxai_model *model, int output,
                         const double *want, const double *gradient)
{
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    int input = cxai_model_input(model, 0);
    int value = cxai_model_output(model, output);
    const cxai_real seed[] = { 1, 1, 1 };
    const cxai_request request = { .watch = &value,
                                   .watch_count = 1,
                                   .target = value,
                                   .wrt = &input,
                                   .wrt_count = 1,
                                   .threads = 1 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, input, x, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    check_ok(cxai_session_value(session, value, &view, &error), &error);
    check_view(&view, want, 3, 1e-6);
    check_ok(cxai_session_gradient(session, input, &view, &error), &error);
    check_view(&view, gradient, 3, 1e-6);
    cxai_session_free(&session);
}

static void start(model_file *file, int32_t type)
{
    model_file_start(file, 13);
    model_file_input(file, "x", "1,3")->type->tensor_type->elem_type = type;
    model_file_raw(file, model_file_weight(file, "w", TENSOR_TYPE(FLOAT), "3"),
                   (float[]){ 1, -2, 3 }, 12);
}

/* A node of another domain. */
static void foreign(model_file *file, const char *domain, const char *type,
                    const char *inputs, const char *output)
{
    model_file_node(file, type, "", inputs, output)->domain =
        model_file_text(file, domain);
}

static void pictures_of_bytes(void **state)
{
    (void)state;
    static const int32_t types[] = { TENSOR_TYPE(UINT8), TENSOR_TYPE(INT8),
                                     TENSOR_TYPE(INT32), TENSOR_TYPE(INT64),
                                     TENSOR_TYPE(UINT16) };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        model_file file;
        start(&file, types[i]);
        Onnx__NodeProto *cast = model_file_node(&file, "Cast", "", "x", "f");
        Onnx__AttributeProto *to =
            model_file_attribute(&file, cast, "to", ATTRIBUTE_TYPE(INT));
        to->has_i = 1;
        to->i = TENSOR_TYPE(FLOAT);
        model_file_node(&file, "Mul", "", "f,w", "y");
        model_file_output(&file, "y");
        cxai_model *model = model_file_load(&file);
        assert_true(cxai_model_input_is_integer(model, 0));
        check_answer(model, 0, (double[]){ 3, -500, 0 },
                     (double[]){ 1, -2, 3 });
        cxai_model_free(&model);
    }
}

/* y, its Softmax p beside names, the name of the largest. */
static void classify(model_file *file, const char *outputs)
{
    start(file, TENSOR_TYPE(FLOAT));
    model_file_weight(file, "names", TENSOR_TYPE(STRING), "3");
    model_file_node(file, "Mul", "", "x,w", "y");
    foreign(file, "ai.onnx.ml", "ZipMap", "p", "map");
    model_file_node(file, "Reshape", "", "name,shape", "label");
    foreign(file, "ai.onnx.ml", "ArrayFeatureExtractor", "names,best", "name");
    model_file_node(file, "ArgMax", "", "p", "best");
    model_file_node(file, "Softmax", "", "y", "p");
    model_file_raw(file,
                   model_file_weight(file, "shape", TENSOR_TYPE(INT64), "1"),
                   (int64_t[]){ -1 }, 8);
    for (; *outputs != '\0'; outputs++)
        model_file_output(file, *outputs == 'l'   ? "label"
                                : *outputs == 'm' ? "map"
                                                  : "y");
}

static void names_of_classes(void **state)
{
    (void)state;
    model_file file;
    classify(&file, "lm");
    cxai_model *model = model_file_load(&file);
    assert_int_equal(cxai_model_output_count(model), 1);
    assert_int_equal(cxai_model_logits(model), net_value(model, "y"));
    const double e = exp(3); /* of y = 3, -500, 0 */
    check_answer(model, 0, (double[]){ e / (e + 1), 0, 1 / (e + 1) },
                 (double[]){ 0, 0, 0 });
    cxai_model_free(&model);
    classify(&file, "yl");
    model = model_file_load(&file);
    check_answer(model, 0, (double[]){ 3, -500, 0 }, (double[]){ 1, -2, 3 });
    cxai_model_free(&model);
}

static void nothing_but_names(void **state)
{
    (void)state;
    model_file file;
    cxai_model *model;
    cxai_error error;
    classify(&file, "l");
    check_error(model_file_try(&file, &model, &error), &error, CXAI_UNSUPPORTED,
                "made of texts (\"label\")");
}

/* Each once, with its domain, how many nodes and one of them. */
static void unsupported_operators_are_listed(void **state)
{
    (void)state;
    model_file file;
    cxai_model *model;
    cxai_error error;
    start(&file, TENSOR_TYPE(FLOAT));
    foreign(&file, "com.example", "Foo", "x", "a");
    foreign(&file, "com.example", "Foo", "a", "b");
    foreign(&file, "org.example", "Foo", "b", "c");
    model_file_node(&file, "Conv99", "nms", "c,c", "d");
    foreign(&file, "com.example", "Foo", "d", "y");
    model_file_output(&file, "y");
    check_error(
        model_file_try(&file, &model, &error), &error, CXAI_UNSUPPORTED,
        "com.example.Foo (3 nodes, first: Foo node \"a\"), org.example.Foo (1 "
        "node, first: Foo node \"c\"), Conv99 (1 node, first: "
        "Conv99 node \"nms\")");
}

/* MaxPool's indices and their like, where nothing reads them. */
static void unread_outputs_are_no_obstacle(void **state)
{
    (void)state;
    static const char *const outputs[] = { "p", "p,", "p,indices" };
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        model_file file;
        start(&file, TENSOR_TYPE(FLOAT));
        model_file_raw(
            &file, model_file_weight(&file, "axis", TENSOR_TYPE(INT64), "1"),
            (int64_t[]){ 0 }, 8);
        model_file_node(&file, "Unsqueeze", "", "x,axis", "row");
        model_file_ints(
            &file, model_file_node(&file, "MaxPool", "", "row", outputs[i]),
            "kernel_shape", "1");
        model_file_node(&file, "Mul", "", "p,w", "y");
        model_file_output(&file, "y");
        cxai_model *model = model_file_load(&file);
        check_answer(model, 0, (double[]){ 3, -500, 0 },
                     (double[]){ 1, -2, 3 });
        cxai_model_free(&model);
    }
}

/* The convolution says how many channels there are, wherever they stand. */
static void channels_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *declared; /* NULL: no shape */
        const char *perm;     /* NULL: no Transpose */
        cxai_shape want;
    } inputs[] = {
        { "N,C,H,W", NULL, { 4, { 0, 6, 0, 0 } } },
        { NULL, NULL, { 4, { 0, 6, 0, 0 } } },
        { "1,?,?,?", "0,3,1,2", { 4, { 1, 0, 0, 6 } } },
        { NULL, "0,3,1,2", { 4, { 0, 0, 0, 6 } } },
        { "1,5,4,4", NULL, { 4, { 1, 5, 4, 4 } } }, /* refused when run */
        { "N,C", NULL, { 2, { 0, 0 } } },
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        model_file file;
        float zeros[12] = { 0 };
        model_file_start(&file, 13);
        Onnx__ValueInfoProto *input = model_file_input(
            &file, "x", inputs[i].declared != NULL ? inputs[i].declared : "1");
        if (inputs[i].declared == NULL)
            input->type->tensor_type->shape = NULL;
        model_file_raw(
            &file, model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), "4,3,1,1"),
            zeros, sizeof zeros);
        model_file_node(&file, "Sub", "", "x,x", "s");
        if (inputs[i].perm != NULL)
            model_file_ints(&file,
                            model_file_node(&file, "Transpose", "", "s", "t"),
                            "perm", inputs[i].perm);
        Onnx__NodeProto *conv = model_file_node(
            &file, "Conv", "", inputs[i].perm != NULL ? "t,w" : "s,w", "y");
        Onnx__AttributeProto *group =
            model_file_attribute(&file, conv, "group", ATTRIBUTE_TYPE(INT));
        group->has_i = 1;
        group->i = 2;
        model_file_output(&file, "y");
        cxai_model *model = model_file_load(&file);
        const cxai_shape got = cxai_model_input_shape(model, 0);
        assert_true(cxai_shape_equal(&got, &inputs[i].want));
        cxai_model_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_bytes),
        cmocka_unit_test(names_of_classes),
        cmocka_unit_test(nothing_but_names),
        cmocka_unit_test(unsupported_operators_are_listed),
        cmocka_unit_test(unread_outputs_are_no_obstacle),
        cmocka_unit_test(channels_are_found),
    };
    return cmocka_run_group_tests_name("ends of graphs", tests, NULL, NULL);
}
