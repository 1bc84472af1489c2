#include "support/model_file.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

void *model_file_alloc(model_file *file, size_t size)
{
    void **blocks =
        realloc(file->blocks, (file->block_count + 1) * sizeof *blocks);
    assert_non_null(blocks);
    file->blocks = blocks;
    blocks[file->block_count] = calloc(1, size + 1);
    assert_non_null(blocks[file->block_count]);
    return blocks[file->block_count++];
}

char *model_file_text(model_file *file, const char *text)
{
    char *copy = model_file_alloc(file, strlen(text));
    memcpy(copy, text, strlen(text));
    return copy;
}

/* Appends an item to a list of pointers. */
static void append(model_file *file, void *list, size_t *count, void *item)
{
    void **longer = model_file_alloc(file, (*count + 1) * sizeof *longer);
    void **old;
    memcpy(&old, list, sizeof old);
    if (*count > 0)
        memcpy(longer, old, *count * sizeof *longer);
    longer[(*count)++] = item;
    memcpy(list, &longer, sizeof longer);
}

void model_file_start(model_file *file, int64_t opset)
{
    memset(file, 0, sizeof *file);
    onnx__model_proto__init(&file->model);
    file->model.has_ir_version = 1;
    file->model.ir_version = 8;
    Onnx__OperatorSetIdProto *import = model_file_alloc(file, sizeof *import);
    onnx__operator_set_id_proto__init(import);
    import->has_version = 1;
    import->version = opset;
    append(file, &file->model.opset_import, &file->model.n_opset_import,
           import);
    file->graph = model_file_alloc(file, sizeof *file->graph);
    onnx__graph_proto__init(file->graph);
    file->model.graph = file->graph;
}

void model_file_end(model_file *file)
{
    for (size_t i = 0; i < file->block_count; i++)
        free(file->blocks[i]);
    free(file->blocks);
    memset(file, 0, sizeof *file);
}

/* Splits text at commas; "" has no part. */
static char **split(model_file *file, const char *text, size_t *count)
{
    char **parts = NULL;
    *count = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        char *part = model_file_alloc(file, length);
        memcpy(part, text, length);
        append(file, &parts, count, part);
        text += length;
        if (*text == ',' && *++text == '\0')
            append(file, &parts, count, model_file_text(file, ""));
    }
    return parts;
}

static int64_t *numbers_of(model_file *file, const char *text, size_t *count)
{
    char **parts = split(file, text, count);
    int64_t *numbers = model_file_alloc(file, *count * sizeof *numbers);
    for (size_t i = 0; i < *count; i++)
        numbers[i] = strtoll(parts[i], NULL, 10);
    return numbers;
}

static Onnx__TensorShapeProto *shape_of(model_file *file, const char *dims)
{
    Onnx__TensorShapeProto *shape = model_file_alloc(file, sizeof *shape);
    onnx__tensor_shape_proto__init(shape);
    size_t count;
    char **parts = split(file, dims, &count);
    for (size_t i = 0; i < count; i++) {
        Onnx__TensorShapeProto__Dimension *dim =
            model_file_alloc(file, sizeof *dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        char *end;
        long long number = strtoll(parts[i], &end, 10);
        if (end != parts[i]) {
            dim->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = number;
        } else {
            dim->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = parts[i];
        }
        append(file, &shape->dim, &shape->n_dim, dim);
    }
    return shape;
}

static Onnx__ValueInfoProto *value_info(model_file *file, const char *name)
{
    Onnx__ValueInfoProto *value = model_file_alloc(file, sizeof *value);
    onnx__value_info_proto__init(value);
    value->name = model_file_text(file, name);
    return value;
}

Onnx__ValueInfoProto *model_file_input(model_file *file, const char *name,
                                       const char *dims)
{
    Onnx__ValueInfoProto *value = value_info(file, name);
    value->type = model_file_alloc(file, sizeof *value->type);
    onnx__type_proto__init(value->type);
    Onnx__TypeProto__Tensor *tensor = model_file_alloc(file, sizeof *tensor);
    onnx__type_proto__tensor__init(tensor);
    value->type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = TENSOR_TYPE(FLOAT);
    tensor->shape = shape_of(file, dims);
    append(file, &file->graph->input, &file->graph->n_input, value);
    return value;
}

void model_file_output(model_file *file, const char *name)
{
    append(file, &file->graph->output, &file->graph->n_output,
           value_info(file, name));
}

Onnx__TensorProto *model_file_tensor(model_file *file, const char *name,
                                     int32_t data_type, const char *dims)
{
    Onnx__TensorProto *tensor = model_file_alloc(file, sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = model_file_text(file, name);
    tensor->has_data_type = 1;
    tensor->data_type = data_type;
    tensor->dims = numbers_of(file, dims, &tensor->n_dims);
    return tensor;
}

Onnx__TensorProto *model_file_weight(model_file *file, const char *name,
                                     int32_t data_type, const char *dims)
{
    Onnx__TensorProto *tensor = model_file_tensor(file, name, data_type, dims);
    append(file, &file->graph->initializer, &file->graph->n_initializer,
           tensor);
    return tensor;
}

void model_file_raw(model_file *file, Onnx__TensorProto *tensor,
                    const void *bytes, size_t size)
{
    tensor->has_raw_data = 1;
    tensor->raw_data.len = size;
    tensor->raw_data.data = model_file_alloc(file, size);
    memcpy(tensor->raw_data.data, bytes, size);
}

static Onnx__StringStringEntryProto *entry(model_file *file, const char *key,
                                           const char *value)
{
    Onnx__StringStringEntryProto *made = model_file_alloc(file, sizeof *made);
    onnx__string_string_entry_proto__init(made);
    made->key = model_file_text(file, key);
    made->value = model_file_text(file, value);
    return made;
}

void model_file_external(model_file *file, Onnx__TensorProto *tensor,
                         const char *location, const char *offset,
                         const char *length)
{
    const char *keys[] = { "location", "offset", "length" };
    const char *values[] = { location, offset, length };
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    for (int i = 0; i < 3; i++)
        if (values[i] != NULL)
            append(file, &tensor->external_data, &tensor->n_external_data,
                   entry(file, keys[i], values[i]));
}

Onnx__NodeProto *model_file_node(model_file *file, const char *type,
                                 const char *name, const char *inputs,
                                 const char *outputs)
{
    Onnx__NodeProto *node = model_file_alloc(file, sizeof *node);
    onnx__node_proto__init(node);
    node->op_type = model_file_text(file, type);
    node->name = model_file_text(file, name);
    node->input = split(file, inputs, &node->n_input);
    node->output = split(file, outputs, &node->n_output);
    append(file, &file->graph->node, &file->graph->n_node, node);
    return node;
}

Onnx__AttributeProto *
model_file_attribute(model_file *file, Onnx__NodeProto *node, const char *name,
                     Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = model_file_alloc(file, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = model_file_text(file, name);
    attribute->has_type = 1;
    attribute->type = type;
    append(file, &node->attribute, &node->n_attribute, attribute);
    return attribute;
}

void model_file_ints(model_file *file, Onnx__NodeProto *node, const char *name,
                     const char *numbers)
{
    Onnx__AttributeProto *attribute =
        model_file_attribute(file, node, name, ATTRIBUTE_TYPE(INTS));
    attribute->ints = numbers_of(file, numbers, &attribute->n_ints);
}

void model_file_metadata(model_file *file, Onnx__NodeProto *node,
                         const char *key, const char *value)
{
    append(file, &node->metadata_props, &node->n_metadata_props,
           entry(file, key, value));
}

Onnx__FunctionProto *model_file_function(model_file *file, const char *domain,
                                         const char *name, const char *inputs,
                                         const char *outputs, model_file *body)
{
    Onnx__FunctionProto *function = model_file_alloc(file, sizeof *function);
    onnx__function_proto__init(function);
    function->domain = model_file_text(file, domain);
    function->name = model_file_text(file, name);
    function->input = split(file, inputs, &function->n_input);
    function->output = split(file, outputs, &function->n_output);
    function->node = body->graph->node;
    function->n_node = body->graph->n_node;
    append(file, &file->model.functions, &file->model.n_functions, function);
    return function;
}

void model_file_branch(model_file *file, Onnx__NodeProto *node,
                       const char *name, model_file *branch)
{
    Onnx__AttributeProto *attribute =
        model_file_attribute(file, node, name, ATTRIBUTE_TYPE(GRAPH));
    attribute->has_g = 1;
    attribute->g.len = onnx__graph_proto__get_packed_size(branch->graph);
    attribute->g.data = model_file_alloc(file, attribute->g.len);
    onnx__graph_proto__pack(branch->graph, attribute->g.data);
}

const void *model_file_pack(model_file *file, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(&file->model);
    uint8_t *bytes = model_file_alloc(file, *size);
    onnx__model_proto__pack(&file->model, bytes);
    return bytes;
}

cxai_status model_file_try(model_file *file, cxai_model **model,
                           cxai_error *error)
{
    size_t size;
    const void *bytes = model_file_pack(file, &size);
    error->message[0] = '\0';
    cxai_status status =
        cxai_model_load_memory(model, bytes, size, NULL, NULL, error);
    model_file_end(file);
    return status;
}

cxai_model *model_file_load(model_file *file)
{
    cxai_model *model;
    cxai_error error;
    check_ok(model_file_try(file, &model, &error), &error);
    return model;
}

void model_file_refused(model_file *file, cxai_status wanted, const char *cause)
{
    cxai_model *model;
    cxai_error error;
    cxai_status status = model_file_try(file, &model, &error);
    check_error(status, &error, wanted, cause);
    assert_null(model);
}

void model_file_sum(model_file *file, int64_t opset)
{
    model_file_start(file, opset);
    model_file_input(file, "x", "N,3");
    model_file_raw(file, model_file_weight(file, "w", TENSOR_TYPE(FLOAT), "3"),
                   (float[]){ 1, 2, 3 }, 12);
    model_file_node(file, "Relu", "relu", "x", "r");
    model_file_node(file, "Add", "add", "r,w", "y");
    model_file_output(file, "y");
}
