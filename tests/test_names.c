/* Names of layers, PyTorch module paths, logits and the default CAM layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/model.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/net.h"

/* ---- module paths, as PyTorch's exporters write them ---- */

/* The module of one node with this name and these name scopes. */
static void check_module(const char *name, const char *scopes,
                         const char *expected)
{
    model_file file;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1");
    Onnx__NodeProto *node = model_file_node(&file, "Relu", name, "x", "y");
    if (scopes != NULL)
        model_file_metadata(&file, node, "pkg.torch.onnx.name_scopes", scopes);
    model_file_output(&file, "y");
    size_t size;
    const void *bytes = model_file_pack(&file, &size);
    cxai_model *model;
    cxai_error error;
    check_ok(cxai_model_load_memory(&model, bytes, size, NULL, NULL, &error),
             &error);
    assert_string_equal(cxai_model_node(model, 0).module, expected);
    cxai_model_free(&model);
    model_file_end(&file);
}

/* Node names of torchvision's networks. */
static void modules_of_node_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        { "/conv1/Conv", "conv1" },
        { "/layer4/layer4.1/conv2/Conv", "layer4.1.conv2" },
        { "/layer4/layer4.0/downsample/downsample.0/Conv",
          "layer4.0.downsample.0" },
        { "/layer4/layer4.1/Add", "layer4.1" },
        { "/features/features.0/Conv", "features.0" },
        { "/features/features.1/features.1.0/block/block.0/block.0.0/Conv",
          "features.1.0.block.0.0" },
        { "/features/denseblock4/denselayer16/conv2/Conv",
          "features.denseblock4.denselayer16.conv2" },
        { "/inception5b/branch3/branch3.0/conv/Conv",
          "inception5b.branch3.0.conv" },
        { "/Flatten", "" },
        { "Identity_0", "" },
        { "", "" },
        { "/", "" },
        { "//", "" },
        /* a part that only begins like its parent is a child */
        { "/conv/conv1/Conv", "conv.conv1" },
        { "/a/a./Relu", "a." },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_module(names[i][0], NULL, names[i][1]);
}

static void modules_of_name_scopes(void **state)
{
    (void)state;
    static const char *const scopes[][2] = {
        { "['', 'layer4', 'layer4.1', 'layer4.1.conv2', 'conv2d_19']",
          "layer4.1.conv2" },
        { "['', 'layer4', 'layer4.1', 'add_7']", "layer4.1" },
        { "['', 'relu', 'relu']", "relu" },
        { "['', 'view']", "" },
        { "[\"\", \"it's\", 'conv2d']", "it's" },
        { "['view']", "" },
        { "[]", "" },
        { "", "" },
        { "['', 'layer4', 'open", "" },
        { "'", "" },
    };
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        check_module("node_7", scopes[i][0], scopes[i][1]);
    /* the newer way goes before the older */
    check_module("/a/Relu", "['', 'b', 'relu']", "b");
}

/* ---- finding ---- */

/* Two blocks as an exporter writes them, and names that get in each other's
   way: the value "stem" is not the node "stem". */
static cxai_model *blocks(void)
{
    net n = net_begin(13);
    net_input(&n, "image", "1,2,4,4");
    net_named_node(&n, "/stem/Relu", "stem", "Relu", "image", "v0", "");
    net_named_node(&n, "/layer1/layer1.0/relu/Relu", "layer1.0.relu", "Relu",
                   "v0", "v1", "");
    net_named_node(&n, "/layer1/layer1.0/Add", "layer1.0", "Add", "v1 v0", "v2",
                   "");
    net_named_node(&n, "/layer1/layer1.1/relu/Relu", "layer1.1.relu", "Relu",
                   "v2", "v3", "");
    net_named_node(&n, "/layer1/layer1.1/Add", "layer1.1", "Add", "v3 v2", "v4",
                   "");
    net_named_node(&n, "v1", "head", "Neg", "v4", "out/last.value", "");
    net_output(&n, "out/last.value");
    return net_end(&n);
}

static void check_found(const cxai_model *model, const char *name,
                        const char *value_name)
{
    int value = -7;
    cxai_error error;
    check_ok(cxai_model_find(model, name, &value, &error), &error);
    assert_string_equal(cxai_model_value_name(model, value), value_name);
}

static void exact_names(void **state)
{
    (void)state;
    cxai_model *model = blocks();
    check_found(model, "image", "image");
    check_found(model, "v3", "v3");
    check_found(model, "v1", "v1"); /* the value, not the node of that name */
    check_found(model, "out/last.value", "out/last.value");
    check_found(model, "/layer1/layer1.1/relu/Relu", "v3");
    check_found(model, "layer1.1.relu", "v3");
    check_found(model, "head", "out/last.value");
    /* a module stands for the last value made inside it */
    check_found(model, "layer1.0", "v2");
    check_found(model, "layer1", "v4");
    cxai_model_free(&model);
}

static void suffixes(void **state)
{
    (void)state;
    cxai_model *model = blocks();
    check_found(model, "last.value", "out/last.value");
    check_found(model, "value", "out/last.value");
    check_found(model, "layer1.1/Add", "v4");
    check_found(model, "1.relu", "v3");
    check_found(model, "0", "v2");
    cxai_model_free(&model);
}

static void node_numbers(void **state)
{
    (void)state;
    cxai_model *model = blocks();
    cxai_error error;
    int value;
    check_found(model, "#0", "v0");
    check_found(model, "#5", "out/last.value");
    check_error(cxai_model_find(model, "#6", &value, &error), &error,
                CXAI_NOT_FOUND, "no node #6; the model has 6 nodes");
    check_error(
        cxai_model_find(model, "#99999999999999999999999", &value, &error),
        &error, CXAI_NOT_FOUND, "6 nodes");
    check_error(cxai_model_find(model, "#", &value, &error), &error,
                CXAI_NOT_FOUND, "no layer \"#\"");
    check_error(cxai_model_find(model, "#-1", &value, &error), &error,
                CXAI_NOT_FOUND, "no layer \"#-1\"");
    cxai_model_free(&model);
}

static void ambiguous_names(void **state)
{
    (void)state;
    cxai_model *model = blocks();
    cxai_error error;
    int value;
    check_error(cxai_model_find(model, "relu", &value, &error), &error,
                CXAI_INVALID,
                "\"relu\" fits several names: \"layer1.0.relu\", "
                "\"layer1.1.relu\"");
    check_error(cxai_model_find(model, "Add", &value, &error), &error,
                CXAI_INVALID,
                "\"/layer1/layer1.0/Add\", \"/layer1/layer1.1/Add\"");
    cxai_model_free(&model);
}

static void unknown_names(void **state)
{
    (void)state;
    cxai_model *model = blocks();
    cxai_error error;
    int value;
    /* one letter from two paths, two from "layer1.0" */
    check_error(cxai_model_find(model, "layer1.2.relu", &value, &error), &error,
                CXAI_NOT_FOUND,
                "no layer \"layer1.2.relu\"; the nearest names are: "
                "\"layer1.0.relu\", \"layer1.1.relu\", ");
    check_error(cxai_model_find(model, "hed", &value, &error), &error,
                CXAI_NOT_FOUND, "are: \"head\", ");
    /* also near the end of a path */
    check_error(cxai_model_find(model, "last.valu", &value, &error), &error,
                CXAI_NOT_FOUND, "are: \"out/last.value\", ");
    /* part of a name that begins inside a word is none */
    check_error(cxai_model_find(model, "alue", &value, &error), &error,
                CXAI_NOT_FOUND, "\"out/last.value\"");
    check_error(cxai_model_find(model, "", &value, &error), &error,
                CXAI_NOT_FOUND, "no layer \"\"");
    char longest[2000];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    check_error(cxai_model_find(model, longest, &value, &error), &error,
                CXAI_NOT_FOUND, "no layer \"xxx");
    cxai_model_free(&model);
}

/* PyTorch's newer exporter folds batch norms into convolutions and records the
   batch norm's path alone; the parameters keep their names. */
static void merged_modules(void **state)
{
    (void)state;
    net n = net_begin(13);
    net_input(&n, "x", "1,1,2,2");
    net_reals(&n, "a.conv.weight", "1,1,1,1", (double[]){ 2 });
    net_reals(&n, "b.conv.weight", "1,1,1,1", (double[]){ 2 });
    net_reals(&n, "b.conv.bias", "1", (double[]){ 2 });
    net_reals(&n, "b.scale", "1", (double[]){ 3 });
    net_named_node(&n, "n1", "a.bn", "Conv", "x a.conv.weight", "v1", "");
    net_named_node(&n, "n2", "b.conv", "Conv", "v1 b.conv.weight b.conv.bias",
                   "v2", "");
    net_named_node(&n, "n3", "b.act", "Mul", "v2 b.scale", "v3", "");
    net_named_node(&n, "n4", "b.act", "Relu", "v3", "v4", "");
    net_output(&n, "v4");
    cxai_model *model = net_end(&n);
    static const char *const cases[][3] = {
        { "a.conv", "v1", "a.bn" }, /* name, value, really the output of */
        { "a.bn", "v1", NULL },
        { "b.conv", "v2", NULL },
        { "b.act", "v4", NULL },
        { "b", "v4", NULL }, /* what is recorded rules */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int value;
        cxai_error error;
        check_ok(cxai_model_find(model, cases[i][0], &value, &error), &error);
        assert_string_equal(cxai_model_value_name(model, value), cases[i][1]);
        const char *merged =
            cxai_model_merged_module(model, cases[i][0], value);
        assert_true((merged == NULL) == (cases[i][2] == NULL));
        if (merged != NULL)
            assert_string_equal(merged, cases[i][2]);
    }
    int value;
    cxai_error error;
    check_ok(cxai_model_find(model, "a", &value, &error), &error);
    assert_string_equal(cxai_model_value_name(model, value), "v1");
    cxai_model_free(&model);
}

/* One path, the files of both exporters: 4 is a BasicBlock, and all of its
   modules are there. */
static void modules_of_both_exporters(void **state)
{
    (void)state;
    static const char *const paths[] = { "0",       "1",     "4",
                                         "4.conv1", "4.bn1", "4.conv2",
                                         "4.bn2",   "5",     "8" };
    static const char *const files[] = { "tests/data/nets/basic.legacy.onnx",
                                         "tests/data/nets/basic.dynamo.onnx" };
    for (int f = 0; f < 2; f++) {
        cxai_model *model;
        cxai_error error;
        check_ok(cxai_model_load(&model, files[f], NULL, &error), &error);
        for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
            int value;
            check_ok(cxai_model_find(model, paths[i], &value, &error), &error);
        }
        int conv, norm;
        check_ok(cxai_model_find(model, "4.conv2", &conv, &error), &error);
        check_ok(cxai_model_find(model, "4.bn2", &norm, &error), &error);
        assert_int_equal(conv == norm, f); /* merged by the newer one */
        assert_int_equal(
            cxai_model_merged_module(model, "4.conv2", conv) != NULL, f);
        cxai_model_free(&model);
    }
}

/* ---- logits and the default CAM layer ---- */

static void check_ends(net *n, const char *logits, const char *layer)
{
    cxai_model *model = net_end(n);
    assert_string_equal(cxai_model_value_name(model, cxai_model_logits(model)),
                        logits);
    cxai_error error;
    int found;
    cxai_shape shape = { 4, { 1, 2, 4, 4 } };
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    check_ok(cxai_model_shapes(model, &shape, shapes, &error), &error);
    cxai_status status = cxai_model_cam_layer(model, shapes, &found, &error);
    free(shapes);
    if (layer == NULL)
        check_error(status, &error, CXAI_NOT_FOUND, "no spatial layer");
    else
        assert_string_equal(cxai_model_value_name(model, found), layer);
    cxai_model_free(&model);
}

static net spatial(void)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,2,4,4");
    net_node(&n, "Neg", "x", "deep", "");
    net_node(&n, "Relu", "deep", "relu", "");
    return n;
}

static void mean_and_softmax(void **state)
{
    (void)state;
    net n = spatial();
    net_node(&n, "ReduceMean", "relu", "mean", "axes=2,3 keepdims=0");
    net_node(&n, "Softmax", "mean", "probability", "axis=1");
    net_output(&n, "probability");
    check_ends(&n, "mean", "relu");
}

static void without_softmax(void **state)
{
    (void)state;
    net n = spatial();
    net_node(&n, "ReduceMean", "relu", "mean", "axes=2,3 keepdims=0");
    net_output(&n, "mean");
    check_ends(&n, "mean", "relu");
}

static void through_reshapes(void **state)
{
    (void)state;
    net n = spatial();
    net_node(&n, "ReduceMean", "relu", "mean", "axes=2,3");
    net_node(&n, "LogSoftmax", "mean", "log", "axis=1");
    net_node(&n, "Flatten", "log", "flat", "axis=1");
    net_node(&n, "Identity", "flat", "out", "");
    net_output(&n, "out");
    check_ends(&n, "mean", "relu");
}

static void pooled_before_flattening(void **state)
{
    (void)state;
    net n = spatial();
    net_node(&n, "MaxPool", "relu", "pool", "kernel_shape=2,2 strides=2,2");
    net_node(&n, "Flatten", "pool", "flat", "axis=1");
    net_node(&n, "Sigmoid", "flat", "out", "");
    net_output(&n, "out");
    check_ends(&n, "flat", "relu");
}

/* Rows as TensorFlow has them: what only moves, pads or pools is no layer. */
static void rearranged_before_flattening(void **state)
{
    (void)state;
    net n = spatial();
    net_integers(&n, "pads", "8", (int64_t[]){ 0, 0, 1, 1, 0, 0, 1, 1 });
    net_node(&n, "Pad", "relu pads", "padded", "");
    net_node(&n, "AveragePool", "padded", "pool", "kernel_shape=2,2");
    net_node(&n, "Dropout", "pool", "kept", "");
    net_node(&n, "Transpose", "kept", "last", "perm=0,2,3,1");
    net_node(&n, "ReduceMean", "last", "mean", "axes=1,2 keepdims=0");
    net_output(&n, "mean");
    check_ends(&n, "mean", "relu");
}

/* What does not lead to the logits is no layer of theirs. */
static void beside_the_path(void **state)
{
    (void)state;
    net n = spatial();
    net_node(&n, "ReduceMean", "deep", "mean", "axes=2,3 keepdims=0");
    net_output(&n, "mean");
    net_output(&n, "relu");
    check_ends(&n, "mean", "deep");
}

static void nothing_spatial(void **state)
{
    (void)state;
    net n = net_begin(13);
    net_input(&n, "x", "1,2,4,4");
    net_node(&n, "Flatten", "x", "flat", "axis=1");
    net_node(&n, "Relu", "flat", "relu", "");
    net_output(&n, "relu");
    check_ends(&n, "relu", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_of_node_names),
        cmocka_unit_test(modules_of_name_scopes),
        cmocka_unit_test(exact_names),
        cmocka_unit_test(suffixes),
        cmocka_unit_test(node_numbers),
        cmocka_unit_test(ambiguous_names),
        cmocka_unit_test(merged_modules),
        cmocka_unit_test(modules_of_both_exporters),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(mean_and_softmax),
        cmocka_unit_test(without_softmax),
        cmocka_unit_test(through_reshapes),
        cmocka_unit_test(pooled_before_flattening),
        cmocka_unit_test(rearranged_before_flattening),
        cmocka_unit_test(beside_the_path),
        cmocka_unit_test(nothing_spatial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
