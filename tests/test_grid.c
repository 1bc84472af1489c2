/*
 * Where the positions of a layer lie, and which layer is looked at when none
 * is asked for: maps with channels first and last, tokens. Networks are built
 * by hand, or those of tests/data/nets as torch exported them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/grid.h"
#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/net.h"

static cxai_shape *shapes_of(const cxai_model *model, const char *input)
{
    cxai_shape shape = net_shape(input);
    cxai_error error;
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &shape, shapes, &error), &error);
    return shapes;
}

static void check_grid(const cxai_model *model, const cxai_shape *shapes,
                       const char *value, const cxai_grid *want)
{
    cxai_grid got;
    cxai_error error;
    check_ok(cxai_model_grid(model, shapes, net_value(model, value),
                             CXAI_LAYER_ANY, &got, &error),
             &error);
    assert_int_equal(got.layout, want->layout);
    assert_int_equal(got.channels, want->channels);
    assert_int_equal(got.height, want->height);
    assert_int_equal(got.width, want->width);
    assert_int_equal(got.first, want->first);
    assert_int_equal(got.extra, want->extra);
}

/* conv -> relu -> channels last -> scaled -> mean -> two classes */
static cxai_model *channels_last(void)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,1,2,3");
    net_reals(&n, "w", "3,1,1,1", (double[]){ 1, 2, -1 });
    net_reals(&n, "scale", "3", (double[]){ 1, 1, 2 });
    net_reals(&n, "fc", "3,2", (double[]){ 6, 0, -6, 12, 0, 6 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Relu", "c", "r", "");
    net_node(&n, "Transpose", "r", "t", "perm=0,2,3,1");
    net_node(&n, "Mul", "t scale", "last", "");
    net_node(&n, "ReduceMean", "last", "pool", "axes=1,2 keepdims=0");
    net_node(&n, "MatMul", "pool fc", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

static void maps_with_channels_first_and_last(void **state)
{
    (void)state;
    cxai_model *model = channels_last();
    cxai_shape *shapes = shapes_of(model, "1,1,2,3");
    cxai_grid grid = { CXAI_LAYER_NCHW, 3, 2, 3, 0, 0 };
    cxai_error error;
    check_grid(model, shapes, "r", &grid);
    grid.layout = CXAI_LAYER_NHWC;
    check_grid(model, shapes, "t", &grid);
    check_grid(model, shapes, "last", &grid);
    check_error(cxai_model_grid(model, shapes, net_value(model, "pool"),
                                CXAI_LAYER_ANY, &grid, &error),
                &error, CXAI_INVALID, "'pool' of shape 1x3 cannot be seen as");
    /* what is asked for rules, where it can */
    check_ok(cxai_model_grid(model, shapes, net_value(model, "last"),
                             CXAI_LAYER_NCHW, &grid, &error),
             &error);
    assert_int_equal(grid.channels, 2);
    check_error(cxai_model_grid(model, shapes, net_value(model, "last"),
                                CXAI_LAYER_NTC, &grid, &error),
                &error, CXAI_INVALID, "another number of dimensions");
    free(shapes);
    cxai_model_free(&model);
}

/* A = relu(w x) times the scale; its gradient for class k is fc[c][k] / 6, so
   Grad-CAM's weights are 1 -1 0 and 0 2 1: by hand. */
static void gradcam_with_channels_last(void **state)
{
    (void)state;
    static const cxai_real x[] = { 1, 2, 0, -1, 3, 1 };
    static const cxai_real want[2][6] = { { -1, -2, 0, 0, -3, -1 },
                                          { 4, 8, 0, 2, 12, 4 } };
    cxai_model *model = channels_last();
    const cxai_heatmap_method *method;
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_shape shape = net_shape("1,1,2,3");
    cxai_target targets[2];
    cxai_heatmap maps[2];
    cxai_error error;
    options.layer = net_value(model, "last");
    options.raw = 1;
    for (int k = 0; k < 2; k++)
        targets[k] = cxai_target_channel(cxai_model_logits(model), k);
    check_ok(cxai_heatmap_find(&method, "gradcam", &error), &error);
    check_ok(cxai_heatmap_compute(maps, method, model, &shape, x, targets, 2,
                                  &options, &error),
             &error);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(maps[k].shape.dim[0], 2);
        assert_int_equal(maps[k].shape.dim[1], 3);
        for (int i = 0; i < 6; i++) /* float32 holds these exactly but 1/6 */
            assert_true(fabs((double)maps[k].data[i] - (double)want[k][i]) <
                        1e-5);
        cxai_heatmap_clear(&maps[k]);
    }
    cxai_model_free(&model);
}

/* Patches 2x3 as tokens, with two before them and one behind; what is one
   linear layer later still has them. */
static void tokens_among_others(void **state)
{
    (void)state;
    net n = net_begin(13);
    net_input(&n, "x", "1,1,4,6");
    net_reals(&n, "w", "2,1,2,2", (double[]){ 1, 2, 3, 4, 5, 6, 7, 8 });
    net_reals(&n, "two", "1,2,2", (double[]){ 1, 2, 3, 4 });
    net_reals(&n, "one", "1,1,2", (double[]){ 5, 6 });
    net_reals(&n, "linear", "2,4", (double[]){ 1, 2, 3, 4, 5, 6, 7, 8 });
    net_integers(&n, "flat", "3", (int64_t[]){ 1, 2, 6 });
    net_node(&n, "Conv", "x w", "c", "strides=2,2");
    net_node(&n, "Reshape", "c flat", "rows", "");
    net_node(&n, "Transpose", "rows", "tokens", "perm=0,2,1");
    net_node(&n, "Concat", "two tokens one", "all", "axis=1");
    net_node(&n, "MatMul", "all linear", "y", "");
    net_node(&n, "Flatten", "y", "out", "axis=1");
    net_output(&n, "out");
    cxai_model *model = net_end(&n);
    cxai_shape *shapes = shapes_of(model, "1,1,4,6");
    check_grid(model, shapes, "rows",
               &(cxai_grid){ CXAI_LAYER_NCT, 2, 2, 3, 0, 0 });
    check_grid(model, shapes, "tokens",
               &(cxai_grid){ CXAI_LAYER_NTC, 2, 2, 3, 0, 0 });
    cxai_grid all = { CXAI_LAYER_NTC, 2, 2, 3, 2, 3 };
    check_grid(model, shapes, "all", &all);
    all.channels = 4;
    check_grid(model, shapes, "y", &all);

    /* element (channel, row, column) is token 2 + 3 row + column */
    cxai_real data[9 * 4], dense[4 * 6];
    for (int i = 0; i < 36; i++)
        data[i] = (cxai_real)i;
    cxai_tensor tensor =
        cxai_tensor_dense(data, &shapes[net_value(model, "y")]);
    cxai_tensor view = cxai_grid_view(&tensor, &all);
    cxai_tensor_read(&view, dense);
    for (int c = 0; c < 4; c++)
        for (int k = 0; k < 6; k++)
            assert_true(dense[c * 6 + k] == (cxai_real)((2 + k) * 4 + c));
    free(shapes);
    cxai_model_free(&model);
}

/* Without a convolution the picture's proportions tell: 1 + 2 * 4 tokens. */
static void tokens_of_a_linear_embedding(void **state)
{
    (void)state;
    net n = net_begin(13);
    net_input(&n, "x", "1,3,4,8");
    net_integers(&n, "patches", "3", (int64_t[]){ 1, 8, 12 });
    net_integers(&n, "crooked", "3", (int64_t[]){ 1, 48, 2 });
    net_reals(&n, "class", "1,1,12", (double[12]){ 1 });
    net_node(&n, "Reshape", "x patches", "tokens", "");
    net_node(&n, "Concat", "class tokens", "all", "axis=1");
    net_node(&n, "Reshape", "x crooked", "other", "");
    net_output(&n, "all");
    net_output(&n, "other");
    cxai_model *model = net_end(&n);
    cxai_shape *shapes = shapes_of(model, "1,3,4,8");
    cxai_grid grid = { CXAI_LAYER_NTC, 12, 2, 4, 1, 1 };
    cxai_error error;
    check_grid(model, shapes, "all", &grid);
    check_error(cxai_model_grid(model, shapes, net_value(model, "other"),
                                CXAI_LAYER_NTC, &grid, &error),
                &error, CXAI_INVALID, "no grid of the picture's patches");
    check_error(
        cxai_model_grid(model, shapes, 99, CXAI_LAYER_ANY, &grid, &error),
        &error, CXAI_INVALID, "99 does not exist");
    free(shapes);
    cxai_model_free(&model);
}

/* pytorch-grad-cam's advice, and the last stage. */
static void default_layers(void **state)
{
    (void)state;
    static const char *const want[][3] = {
        { "tokens.legacy.onnx", "encoder.layers.encoder_layer_1.ln_1", "NTC" },
        { "tokens.dynamo.onnx", "encoder.layers.encoder_layer_1.ln_1", "NTC" },
        { "windows.legacy.onnx", "norm", "NHWC" },
        { "windows.dynamo.onnx", "norm", "NHWC" },
        { "next.legacy.onnx", "features.3", "NCHW" },
        { "next.dynamo.onnx", "features.3", "NCHW" },
    };
    static const char *const layouts[] = { "", "NCHW", "NHWC", "NTC", "NCT" };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char path[200];
        cxai_model *model;
        cxai_error error;
        cxai_grid grid;
        int layer, named;
        snprintf(path, sizeof path, "tests/data/nets/%s", want[i][0]);
        check_ok(cxai_model_load(&model, path, NULL, &error), &error);
        cxai_shape *shapes = shapes_of(model, "1,3,24,20");
        check_ok(cxai_model_cam_layer(model, shapes, &layer, &error), &error);
        check_ok(cxai_model_find(model, want[i][1], &named, &error), &error);
        assert_string_equal(cxai_model_value_name(model, layer),
                            cxai_model_value_name(model, named));
        check_ok(cxai_model_grid(model, shapes, layer, CXAI_LAYER_ANY, &grid,
                                 &error),
                 &error);
        assert_string_equal(layouts[grid.layout], want[i][2]);
        free(shapes);
        cxai_model_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_with_channels_first_and_last),
        cmocka_unit_test(gradcam_with_channels_last),
        cmocka_unit_test(tokens_among_others),
        cmocka_unit_test(tokens_of_a_linear_embedding),
        cmocka_unit_test(default_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
