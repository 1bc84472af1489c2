/* What the graph of a model file says of its ends, properties and weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "cxai/model.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/net.h"

static void inputs(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    model_file_input(&file, "w", "3"); /* files of IR 3 list weights, too */
    model_file_input(&file, "second", "-1,0,5,height");
    model_file_node(&file, "Relu", "", "second", "z");
    model_file_output(&file, "z");
    cxai_model *model = model_file_load(&file);
    assert_int_equal(cxai_model_input_count(model), 2);
    assert_string_equal(
        cxai_model_value_name(model, cxai_model_input(model, 1)), "second");
    cxai_shape first = cxai_model_input_shape(model, 0);
    cxai_shape second = cxai_model_input_shape(model, 1);
    assert_true(cxai_shape_equal(&first, &(cxai_shape){ 2, { 0, 3 } }));
    assert_true(cxai_shape_equal(&second, &(cxai_shape){ 4, { 0, 0, 5, 0 } }));
    cxai_model_free(&model);
}

static void refused_inputs(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    file.graph->input[0]->type->tensor_type->elem_type = TENSOR_TYPE(STRING);
    model_file_refused(&file, CXAI_UNSUPPORTED,
                       "the input \"x\" has elements of type string");
    model_file_sum(&file, 13);
    file.graph->input[0]->type->tensor_type->shape = NULL;
    model_file_refused(&file, CXAI_UNSUPPORTED, "declared without a shape");
    model_file_sum(&file, 13);
    file.graph->input[0]->type->tensor_type = NULL;
    model_file_refused(&file, CXAI_UNSUPPORTED, "not declared as a tensor");
    model_file_sum(&file, 13);
    model_file_input(&file, "v", "1,1,1,1,1,1,1,1,1");
    model_file_refused(&file, CXAI_UNSUPPORTED, "too many dimensions");
    model_file_sum(&file, 13);
    file.graph->n_input = 0;
    model_file_refused(&file, CXAI_UNSUPPORTED, "has no input");
    model_file_sum(&file, 13);
    file.graph->n_output = 0;
    model_file_refused(&file, CXAI_MALFORMED, "no output");
}

static void refused_graphs(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    Onnx__SparseTensorProto *sparse = model_file_alloc(&file, sizeof *sparse);
    onnx__sparse_tensor_proto__init(sparse);
    file.graph->sparse_initializer = &sparse;
    file.graph->n_sparse_initializer = 1;
    model_file_refused(&file, CXAI_UNSUPPORTED, "sparse weights");
    model_file_sum(&file, 13);
    model_file_node(&file, "Relu", "again", "x", "r");
    model_file_refused(&file, CXAI_MALFORMED, "\"r\" is made twice");
    model_file_sum(&file, 13);
    model_file_node(&file, "Relu", "", "nothing", "z");
    model_file_output(&file, "z");
    model_file_refused(&file, CXAI_MALFORMED, "\"nothing\"");
    model_file_sum(&file, 13);
    Onnx__AttributeProto *attribute = model_file_attribute(
        &file, file.graph->node[0], "a", ATTRIBUTE_TYPE(INT));
    attribute->ref_attr_name = model_file_text(&file, "b");
    model_file_refused(&file, CXAI_MALFORMED,
                       "Relu node \"relu\": the attribute \"a\" refers to");
}

static void properties(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    Onnx__StringStringEntryProto entry, *entries[] = { &entry };
    onnx__string_string_entry_proto__init(&entry);
    entry.key = model_file_text(&file, "input.mean");
    entry.value = model_file_text(&file, "1 2 3");
    file.model.metadata_props = entries;
    file.model.n_metadata_props = 1;
    file.model.producer_name = model_file_text(&file, "somebody");
    cxai_model *model = model_file_load(&file);
    assert_string_equal(cxai_model_metadata(model, "input.mean"), "1 2 3");
    assert_null(cxai_model_metadata(model, "input.std"));
    assert_string_equal(cxai_model_producer_name(model), "somebody");
    cxai_model_free(&model);
}

/* Weights of more than a few kilobytes are used where they lie in the file,
   moved to be aligned: their numbers and the file's digest stay. Names of four
   lengths put them at every kind of address; small ones stand between. */
static void large_weights_stay_in_the_file(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    static const char *const names[] = { "w", "wa", "wab", "wabc" };
    static float numbers[4][COUNT];
    model_file file;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1500");
    for (int i = 0; i < 4; i++) {
        char small[16], inputs[32], outputs[16];
        for (int k = 0; k < COUNT; k++)
            numbers[i][k] = (float)(i * COUNT + k) / 8;
        snprintf(small, sizeof small, "s%d", i);
        model_file_raw(&file, model_file_weight(&file, small, 1, "1"),
                       numbers[i], 4);
        model_file_raw(&file, model_file_weight(&file, names[i], 1, "1500"),
                       numbers[i], sizeof numbers[i]);
        snprintf(inputs, sizeof inputs, "y%d,%s", i, names[i]);
        snprintf(outputs, sizeof outputs, "y%d", i + 1);
        model_file_node(&file, "Add", "", i > 0 ? inputs : "x,w", outputs);
    }
    model_file_output(&file, "y4");
    size_t size;
    const void *bytes = model_file_pack(&file, &size);
    struct sha256_ctx context;
    uint8_t sum[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof sum, sum);
    cxai_model *model = model_file_load(&file);
    for (int i = 0; i < 4; i++) {
        cxai_tensor weight =
            cxai_model_constant(model, net_value(model, names[i]));
        assert_int_equal(weight.shape.dim[0], COUNT);
        for (int k = 0; k < COUNT; k++)
            assert_true(weight.data[k] == (cxai_real)numbers[i][k]);
    }
    for (size_t i = 0; i < sizeof sum; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", sum[i]);
        assert_memory_equal(cxai_model_sha256(model) + 2 * i, digits, 2);
    }
    cxai_model_free(&model);
}

/* The digests are those of data/SOURCES.md, by sha256sum; the layers those of
   the networks' papers: what the global pooling takes. */
static void embedded_models(void **state)
{
    (void)state;
    static const struct {
        const char *path, *sha256, *layer;
        cxai_shape input;
    } models[] = {
        { "data/efficientnet-lite0.int8.onnx",
          "d52830e5837d538768dca3664745045f79f91e65420f57b02371e670dc7f9567",
          "head",
          { 4, { 1, 3, 224, 224 } } },
        { "data/squeezenet-1.1.int8.onnx",
          "8c52aa29cf0aee1b4cd5fc3b14a27806b58359ffefcaaada8559a85d6eadc11f",
          "conv10",
          { 4, { 1, 3, 227, 227 } } },
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        cxai_model *model;
        cxai_error error;
        check_ok(cxai_model_load(&model, models[i].path, NULL, &error), &error);
        assert_string_equal(cxai_model_sha256(model), models[i].sha256);
        assert_string_equal(cxai_model_producer_name(model), "cxai");
        assert_int_equal(cxai_model_opset(model), 13);
        assert_string_equal(
            cxai_model_value_name(model, cxai_model_logits(model)), "logits");
        int layer;
        cxai_shape *shapes =
            calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
        check_ok(cxai_model_shapes(model, &models[i].input, shapes, &error),
                 &error);
        check_ok(cxai_model_cam_layer(model, shapes, &layer, &error), &error);
        free(shapes);
        assert_string_equal(cxai_model_value_name(model, layer),
                            models[i].layer);
        cxai_model_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs),
        cmocka_unit_test(refused_inputs),
        cmocka_unit_test(refused_graphs),
        cmocka_unit_test(properties),
        cmocka_unit_test(large_weights_stay_in_the_file),
        cmocka_unit_test(embedded_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
