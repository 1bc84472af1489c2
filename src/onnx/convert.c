/* ModelProto -> builder: what a file says of itself, its inputs, weights,
   nodes and outputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/reader.h"

static int is_default_domain(const char *domain)
{
    return *domain == '\0' || strcmp(domain, "ai.onnx") == 0;
}

static cxai_status check_versions(cx_reader *reader,
                                  const Onnx__ModelProto *model)
{
    if (model->graph == NULL)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "not an ONNX model: it holds no graph");
    if (model->ir_version < 1)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "not an ONNX model: it has no IR version");
    if (model->ir_version > CX_NEWEST_IR)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "written in IR version %lld, newer than the newest "
                         "that is known (%d); export it in an older one",
                         (long long)model->ir_version, CX_NEWEST_IR);
    int64_t opset = model->ir_version < 3 ? 1 : 0;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (is_default_domain(cx_onnx_text(model->opset_import[i]->domain)))
            opset = model->opset_import[i]->version;
    if (opset == 0)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "does not say which opset of ONNX it uses");
    if (opset < CX_OLDEST_OPSET || opset > CX_NEWEST_OPSET)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "uses opset %lld; %d to %d are supported; export it "
                         "in one of these or convert it with "
                         "onnx.version_converter",
                         (long long)opset, CX_OLDEST_OPSET, CX_NEWEST_OPSET);
    cx_builder_set_opset(reader->builder, (int)opset);
    return CXAI_OK;
}

static cxai_status convert_properties(cx_reader *reader,
                                      const Onnx__ModelProto *model)
{
    cxai_status status = cx_builder_producer_name(
        reader->builder, cx_onnx_text(model->producer_name), reader->error);
    for (size_t i = 0; status == CXAI_OK && i < model->n_metadata_props; i++)
        status = cx_builder_property(
            reader->builder, cx_onnx_text(model->metadata_props[i]->key),
            cx_onnx_text(model->metadata_props[i]->value), reader->error);
    return status;
}

static cxai_status convert_initializers(cx_reader *reader,
                                        const Onnx__GraphProto *graph)
{
    if (graph->n_sparse_initializer > 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "holds sparse weights, which are not supported");
    cxai_status status = CXAI_OK;
    for (size_t i = 0; status == CXAI_OK && i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        const char *name = cx_onnx_text(tensor->name);
        char label[300];
        const cx_literal *literal;
        snprintf(label, sizeof label, "the weight \"%.256s\"", name);
        status = cx_onnx_literal(reader, label, tensor, &literal);
        if (status == CXAI_OK)
            status = cx_builder_literal(reader->builder, name, literal,
                                        reader->error);
    }
    return status;
}

/* The declared shape of an input; free dimensions become 0. */
static cxai_status input_shape(const cx_reader *reader,
                               const Onnx__ValueInfoProto *input,
                               cxai_shape *shape)
{
    const char *name = cx_onnx_text(input->name);
    const Onnx__TypeProto__Tensor *tensor =
        input->type != NULL ? input->type->tensor_type : NULL;
    char text[24];
    if (tensor == NULL)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" is not declared as a tensor", name);
    if (!cx_onnx_is_real(tensor->elem_type))
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" has elements of type %s; only "
                         "inputs of floating-point numbers are supported",
                         name, cx_onnx_type_name(tensor->elem_type, text));
    if (tensor->shape == NULL || tensor->shape->n_dim > CXAI_MAX_RANK)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" is declared %s; export it with a "
                         "shape of at most %d dimensions",
                         name,
                         tensor->shape == NULL ? "without a shape"
                                               : "with too many dimensions",
                         CXAI_MAX_RANK);
    shape->rank = (int)tensor->shape->n_dim;
    for (int i = 0; i < shape->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[i];
        int given = dim->value_case ==
                        ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                    dim->dim_value > 0;
        shape->dim[i] = given ? dim->dim_value : 0;
    }
    return CXAI_OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files of IR 3 list their weights among the inputs, too. */
static cxai_status convert_inputs(cx_reader *reader,
                                  const Onnx__GraphProto *graph)
{
    size_t count = graph->n_initializer;
    void *block;
    cxai_status status =
        cx_reader_alloc(reader, count, sizeof(const char *), &block);
    if (status != CXAI_OK)
        return status;
    const char **weights = block;
    for (size_t i = 0; i < count; i++)
        weights[i] = cx_onnx_text(graph->initializer[i]->name);
    qsort(weights, count, sizeof *weights, compare_texts);
    int inputs = 0;
    for (size_t i = 0; status == CXAI_OK && i < graph->n_input; i++) {
        const char *name = cx_onnx_text(graph->input[i]->name);
        if (bsearch(&name, weights, count, sizeof *weights, compare_texts))
            continue;
        cxai_shape shape;
        status = input_shape(reader, graph->input[i], &shape);
        if (status == CXAI_OK)
            status =
                cx_builder_input(reader->builder, name, &shape, reader->error);
        inputs++;
    }
    if (status == CXAI_OK && inputs == 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the graph has no input");
    return status;
}

/* A literal of one number or of a list. */
static cxai_status number_literal(cx_reader *reader, cx_type type, int rank,
                                  int64_t count, cx_literal **literal)
{
    cxai_shape shape = { .rank = rank, .dim = { count } };
    reader->memory += (uint64_t)count * cx_type_size(type);
    *literal = cx_literal_create(reader->arena, type, &shape);
    if (*literal == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return CXAI_OK;
}

/* What a Constant node holds: a tensor, a number or a list of numbers. */
static cxai_status constant_literal(cx_reader *reader, const char *label,
                                    const cx_attributes *attributes,
                                    const cx_literal **out)
{
    if (attributes->count != 1 ||
        attributes->list[0].kind == CX_ATTRIBUTE_STRING)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s does not hold a tensor or numbers", label);
    const cx_attribute *value = &attributes->list[0];
    if (value->kind == CX_ATTRIBUTE_TENSOR) {
        *out = value->tensor;
        return CXAI_OK;
    }
    int is_list =
        value->kind == CX_ATTRIBUTE_FLOATS || value->kind == CX_ATTRIBUTE_INTS;
    int is_real =
        value->kind == CX_ATTRIBUTE_FLOATS || value->kind == CX_ATTRIBUTE_FLOAT;
    cx_literal *literal;
    cxai_status status =
        number_literal(reader, is_real ? CX_REAL : CX_INT64, is_list,
                       is_list ? value->count : 1, &literal);
    if (status != CXAI_OK)
        return status;
    cxai_real *reals = literal->data;
    int64_t *integers = literal->data;
    for (int64_t i = 0; i < cx_literal_count(literal); i++)
        if (is_real)
            reals[i] = (cxai_real)(is_list ? value->floats[i] : value->f);
        else
            integers[i] = is_list ? value->ints[i] : value->i;
    *out = literal;
    return CXAI_OK;
}

static cxai_status convert_constant(cx_reader *reader, const char *label,
                                    const Onnx__NodeProto *node,
                                    const cx_attributes *attributes)
{
    const cx_literal *literal = NULL;
    cxai_status status = constant_literal(reader, label, attributes, &literal);
    if (status != CXAI_OK)
        return status;
    if (node->n_output != 1)
        return cxai_fail(reader->error, CXAI_MALFORMED, "%s has %zu outputs",
                         label, node->n_output);
    return cx_builder_literal(reader->builder, node->output[0], literal,
                              reader->error);
}

static cxai_status convert_node(cx_reader *reader, const Onnx__NodeProto *node)
{
    cx_node_spec spec = {
        .name = cx_onnx_text(node->name),
        .module = cx_onnx_module(reader->arena, node),
        .type = cx_onnx_text(node->op_type),
        .domain =
            is_default_domain(cx_onnx_text(node->domain)) ? "" : node->domain,
        .inputs = (const char *const *)node->input,
        .input_count = (int)node->n_input,
        .outputs = (const char *const *)node->output,
        .output_count = (int)node->n_output,
    };
    if (spec.module == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    if (node->n_input > INT32_MAX || node->n_output > INT32_MAX)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "%s node \"%s\" has too many inputs or outputs",
                         spec.type, spec.name);
    char label[400];
    const char *name =
        *spec.name != '\0' || node->n_output == 0 ? spec.name : node->output[0];
    snprintf(label, sizeof label, "%.64s node \"%.256s\"", spec.type, name);
    cxai_status status =
        cx_onnx_attributes(reader, label, node, &spec.attributes);
    if (status != CXAI_OK)
        return status;
    if (*spec.domain == '\0' && strcmp(spec.type, "Constant") == 0)
        return convert_constant(reader, label, node, &spec.attributes);
    return cx_builder_node(reader->builder, &spec, reader->error);
}

cxai_status cx_onnx_convert(cx_reader *reader, const Onnx__ModelProto *model)
{
    cxai_status status = check_versions(reader, model);
    if (status != CXAI_OK)
        return status;
    const Onnx__GraphProto *graph = model->graph;
    status = convert_properties(reader, model);
    if (status == CXAI_OK)
        status = convert_inputs(reader, graph);
    if (status == CXAI_OK)
        status = convert_initializers(reader, graph);
    for (size_t i = 0; status == CXAI_OK && i < graph->n_node; i++)
        status = convert_node(reader, graph->node[i]);
    for (size_t i = 0; status == CXAI_OK && i < graph->n_output; i++)
        status = cx_builder_output(reader->builder,
                                   cx_onnx_text(graph->output[i]->name),
                                   reader->error);
    return status;
}
