/* How a network's end is read: logits, classes, probabilities, the layer that
   CAM methods look at. */
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/net.h"

/* What is expected of a network that ends in these nodes. */
typedef struct ending {
    const char *type, *attributes; /* of the node that makes "y" of "z" */
    const char *logits;
    int axis;
    int64_t count;
    cxai_reading reading;
} ending;

static void check_ending(const cxai_model *model, const char *input,
                         const ending *want)
{
    cxai_shape shape = net_shape(input), *shapes;
    cxai_error error;

    shapes = calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &shape, shapes, &error), &error);
    cxai_classes c = cxai_model_classes(model, shapes);
    if (strcmp(cxai_model_value_name(model, c.value), want->logits) != 0 ||
        c.axis != want->axis || c.count != want->count ||
        c.reading != want->reading)
        fail_msg("%s(%s): '%s', axis %d, %d classes, reading %d", want->type,
                 want->attributes, cxai_model_value_name(model, c.value),
                 c.axis, (int)c.count, (int)c.reading);
    assert_int_equal(c.value, cxai_model_logits(model));
    free(shapes);
}

static void check_endings(int opset, const char *shape, const ending *endings,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        net n = net_begin(opset);
        net_input(&n, "x", shape);
        net_node(&n, "LeakyRelu", "x", "z", "");
        net_node(&n, endings[i].type, "z", "y", endings[i].attributes);
        net_output(&n, "y");
        cxai_model *model = net_end(&n);
        check_ending(model, shape, &endings[i]);
        cxai_model_free(&model);
    }
}

static void test_rows(void **state)
{
    static const ending several[] = {
        { "Softmax", "", "z", 1, 5, CXAI_READ_SOFTMAX },
        { "LogSoftmax", "axis=1", "z", 1, 5, CXAI_READ_SOFTMAX },
        { "Sigmoid", "", "z", 1, 5, CXAI_READ_SIGMOID },
        { "ArgMax", "axis=1", "z", 1, 5, CXAI_READ_SOFTMAX },
        { "Neg", "", "y", 1, 5, CXAI_READ_SOFTMAX },
        { "Tanh", "", "y", 1, 5, CXAI_READ_NUMBERS },
    };
    static const ending one[] = {
        { "Sigmoid", "", "z", 1, 1, CXAI_READ_SIGMOID },
        { "Neg", "", "y", 1, 1, CXAI_READ_NUMBERS },
    };
    static const ending squeezed[] = {
        { "Squeeze", "axes=1,", "y", 0, 1, CXAI_READ_NUMBERS },
    };
    static const ending detector[] = {
        { "Neg", "", "y", 0, 0, CXAI_READ_NUMBERS },
        { "Softmax", "axis=2", "z", 2, 7, CXAI_READ_SOFTMAX },
    };

    (void)state;
    check_endings(13, "1,5", several, sizeof several / sizeof *several);
    check_endings(11, "1,5", several, sizeof several / sizeof *several);
    check_endings(13, "1,1", one, sizeof one / sizeof *one);
    check_endings(11, "1,1", squeezed, 1);
    check_endings(13, "1,6,7", detector, 2);
}

static void test_maps(void **state)
{
    static const ending maps[] = {
        { "Softmax", "axis=1", "z", 1, 3, CXAI_READ_SOFTMAX },
        { "Softmax", "axis=-1", "z", 3, 5, CXAI_READ_SOFTMAX },
        { "ArgMax", "axis=3", "z", 3, 5, CXAI_READ_SOFTMAX },
        { "Sigmoid", "", "z", 1, 3, CXAI_READ_SIGMOID },
        { "Neg", "", "y", 1, 3, CXAI_READ_SOFTMAX },
        { "Transpose", "perm=0,2,3,1", "y", 3, 3, CXAI_READ_SOFTMAX },
    };
    static const ending last[] = {
        { "Neg", "", "y", 3, 5, CXAI_READ_SOFTMAX },
    };

    (void)state;
    check_endings(13, "1,3,4,5", maps, sizeof maps / sizeof *maps);
    check_endings(13, "1,1,1,5", last, 1);
}

/* A softmax is found behind what only lays its numbers out otherwise. */
static void test_beyond_reshapes(void **state)
{
    static const ending want = { "Softmax", "", "z", 3, 3, CXAI_READ_SOFTMAX };
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,4,5,3");
    net_node(&n, "LeakyRelu", "x", "z", "");
    net_node(&n, "Softmax", "z", "p", "axis=-1");
    net_node(&n, "Transpose", "p", "t", "perm=0,3,1,2");
    net_node(&n, "Identity", "t", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    check_ending(model, "1,4,5,3", &want);
    cxai_model_free(&model);
}

/* x -> a -> ReLU "features" -> 1x1 convolution -> enlarged: the features
   stand before the classifier, not the map of classes. */
static void test_cam_layer_of_a_segmentation(void **state)
{
    cxai_shape shape = net_shape("1,2,4,4"), *shapes;
    cxai_error error;
    int layer;
    net n = net_begin(13);

    (void)state;
    net_input(&n, "x", "1,2,4,4");
    net_reals(&n, "w", "3,2,1,1", (double[]){ 1, 2, 3, 4, 5, 6 });
    net_reals(&n, "v", "2,3,1,1", (double[]){ 1, 2, 3, 4, 5, 6 });
    net_reals(&n, "scales", "4", (double[]){ 1, 1, 2, 2 });
    net_node(&n, "Conv", "x w", "a", "");
    net_node(&n, "Relu", "a", "features", "");
    net_node(&n, "Conv", "features v", "classes", "");
    net_node(&n, "Resize", "classes - scales", "out", "mode=linear");
    net_output(&n, "out");
    cxai_model *model = net_end(&n);
    shapes = calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &shape, shapes, &error), &error);
    check_ok(cxai_model_cam_layer(model, shapes, &layer, &error), &error);
    assert_int_equal(layer, net_value(model, "features"));
    free(shapes);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_beyond_reshapes),
        cmocka_unit_test(test_cam_layer_of_a_segmentation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
