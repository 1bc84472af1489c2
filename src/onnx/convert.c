/* ModelProto -> builder: what a file says of itself, its inputs, weights,
   nodes and outputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/reader.h"

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
        if (cx_is_default_domain(cx_onnx_text(model->opset_import[i]->domain)))
            opset = model->opset_import[i]->version;
    if (opset == 0)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "does not say which opset of ONNX it uses; it may be "
                         "truncated");
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

/* The dimensions of a declared shape; free ones become 0. */
static void read_dimensions(const Onnx__TensorShapeProto *from,
                            cxai_shape *shape)
{
    shape->rank = (int)from->n_dim;
    for (int i = 0; i < shape->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = from->dim[i];
        int given = dim->value_case ==
                        ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                    dim->dim_value > 0;
        shape->dim[i] = given ? dim->dim_value : 0;
    }
}

/* The declared type and shape of an input. */
static cxai_status read_input(const cx_reader *reader,
                              const Onnx__GraphProto *graph,
                              const Onnx__ValueInfoProto *input, cx_type *type,
                              cxai_shape *shape)
{
    const char *name = cx_onnx_text(input->name);
    const Onnx__TypeProto__Tensor *tensor =
        input->type != NULL ? input->type->tensor_type : NULL;
    char text[24];
    if (tensor == NULL)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" is not declared as a tensor", name);
    if (cx_onnx_type(tensor->elem_type, type) != 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" has elements of type %s, which is "
                         "not supported",
                         name, cx_onnx_type_name(tensor->elem_type, text));
    if (tensor->shape != NULL && tensor->shape->n_dim > CXAI_MAX_RANK)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" is declared with too many "
                         "dimensions; at most %d are supported",
                         name, CXAI_MAX_RANK);
    shape->rank = -1;
    if (tensor->shape != NULL)
        read_dimensions(tensor->shape, shape);
    if (cx_onnx_complete_shape(graph, name, shape) != 0 && shape->rank < 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the input \"%s\" is declared without a shape; export "
                         "it with one",
                         name);
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
        cx_type type;
        status = read_input(reader, graph, graph->input[i], &type, &shape);
        if (status == CXAI_OK)
            status = cx_builder_input(reader->builder, name, type, &shape,
                                      reader->error);
        inputs++;
    }
    if (status == CXAI_OK && inputs == 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "the graph has no input");
    return status;
}

/* Texts say again which class is the most likely; numbers must be there. */
static cxai_status convert_outputs(cx_reader *reader,
                                   const Onnx__GraphProto *graph)
{
    cxai_status status = CXAI_OK;
    size_t left_out = 0;
    for (size_t i = 0; status == CXAI_OK && i < graph->n_output; i++) {
        const char *name = cx_onnx_text(graph->output[i]->name);
        if (cx_onnx_is_text(reader, name))
            left_out++;
        else
            status = cx_builder_output(reader->builder, name, reader->error);
    }
    if (status == CXAI_OK && left_out > 0 && left_out == graph->n_output)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "all its outputs are made of texts (\"%s\"); numbers "
                         "are needed",
                         cx_onnx_text(graph->output[0]->name));
    return status;
}

cxai_status cx_onnx_convert(cx_reader *reader, const Onnx__ModelProto *model)
{
    reader->model = model;
    cxai_status status = check_versions(reader, model);
    if (status != CXAI_OK)
        return status;
    const Onnx__GraphProto *graph = model->graph;
    status = convert_properties(reader, model);
    if (status == CXAI_OK)
        status = convert_inputs(reader, graph);
    if (status == CXAI_OK)
        status = cx_onnx_find_texts(reader, graph);
    if (status == CXAI_OK)
        status = cx_onnx_weights(reader, NULL, graph);
    if (status == CXAI_OK)
        status = cx_onnx_find_functions(reader);
    for (size_t i = 0; status == CXAI_OK && i < graph->n_node; i++)
        if (!cx_onnx_handles_text(reader, graph->node[i]))
            status = cx_onnx_node(reader, NULL, graph->node[i]);
    if (status == CXAI_OK)
        status = cx_onnx_inline_ifs(reader);
    if (status == CXAI_OK)
        status = convert_outputs(reader, graph);
    cx_onnx_inline_free(reader);
    cx_names_free(&reader->texts);
    return status;
}
