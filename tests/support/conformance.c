#include "support/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/narrow.h"
#include "cxai/file.h"
#include "graph/expand.h"
#include "support/check.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { PATH = 1024, REASON = 1200 };

static void *take(void *arena, size_t size)
{
    return cx_arena_alloc(arena, 1, size);
}

static void leave(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

static ProtobufCAllocator allocator(conformance *t)
{
    return (ProtobufCAllocator){ take, leave, &t->arena };
}

/* A file's bytes, or NULL when it does not exist. */
static void *read_file(const char *path, size_t *size)
{
    void *bytes;
    cxai_error error;
    cxai_status status = cxai_file_read(path, 0, &bytes, size, &error);
    if (status == CXAI_NOT_FOUND)
        return NULL;
    check_ok(status, &error);
    return bytes;
}

static conformance_skip skipping(conformance *t, int is_out_of_scope,
                                 const char *format, const char *text)
{
    char *copy = cx_arena_alloc(&t->arena, REASON, 1);
    assert_non_null(copy);
    snprintf(copy, REASON, format, text);
    return (conformance_skip){ copy, is_out_of_scope };
}

static const conformance_skip none = { NULL, 0 };

/* ---- the model ----------------------------------------------------------- */

/* Opsets before the first that this project reads are out of scope. */
static conformance_skip check_opset(conformance *t)
{
    for (size_t i = 0; i < t->model->n_opset_import; i++) {
        char version[24];
        int64_t opset = t->model->opset_import[i]->version;
        snprintf(version, sizeof version, "%lld", (long long)opset);
        if (cx_is_default_domain(
                cx_onnx_text(t->model->opset_import[i]->domain)) &&
            (opset < CX_OLDEST_OPSET || opset > CX_NEWEST_OPSET))
            return skipping(t, opset < CX_OLDEST_OPSET,
                            "opset: %s is not supported", version);
    }
    return none;
}

static conformance_skip check_operators(conformance *t)
{
    for (size_t i = 0; i < t->model->graph->n_node; i++) {
        const Onnx__NodeProto *node = t->model->graph->node[i];
        const char *domain = cx_onnx_text(node->domain);
        if (strcmp(node->op_type, "Constant") != 0 &&
            strcmp(node->op_type, "If") != 0 &&
            !cx_is_compound(domain, node->op_type) &&
            (!cx_is_default_domain(domain) ||
             cx_operator_find(node->op_type) == NULL))
            return skipping(t, 0, "operator: %s is not supported",
                            node->op_type);
    }
    return none;
}

static conformance_skip check_types(Onnx__ValueInfoProto *const *list,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->type == NULL || list[i]->type->tensor_type == NULL)
            return (conformance_skip){
                "sequences: lists, maps and optionals are no tensors", 1
            };
    return none;
}

conformance_skip conformance_open(conformance *t, const char *folder)
{
    char path[PATH];
    size_t size;
    memset(t, 0, sizeof *t);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    void *bytes = read_file(path, &size);
    assert_non_null(bytes);
    ProtobufCAllocator arena = allocator(t);
    t->model = onnx__model_proto__unpack(&arena, size, bytes);
    free(bytes);
    assert_non_null(t->model);
    const Onnx__GraphProto *graph = t->model->graph;
    conformance_skip problem = conformance_scope(t->model);
    if (problem.reason == NULL)
        problem = check_opset(t);
    if (problem.reason == NULL)
        problem = check_types(graph->input, graph->n_input);
    if (problem.reason == NULL)
        problem = check_types(graph->output, graph->n_output);
    return problem.reason == NULL ? check_operators(t) : problem;
}

void conformance_free(conformance *t)
{
    cx_arena_free(&t->arena);
}

/* ---- a data set -----------------------------------------------------------
 */

/* Reads one tensor with the reader of models. */
static conformance_skip read_value(conformance *t, const char *path,
                                   int32_t declared, conformance_value *value)
{
    size_t size;
    void *bytes = read_file(path, &size);
    if (bytes == NULL)
        fail_msg("%s is missing", path);
    ProtobufCAllocator arena = allocator(t);
    value->tensor = onnx__tensor_proto__unpack(&arena, size, bytes);
    free(bytes);
    assert_non_null(value->tensor);
    if (declared == TYPE(BFLOAT16) && value->tensor->data_type == TYPE(UINT16))
        value->tensor->data_type = declared; /* numpy has no bfloat16 */
    cxai_limits limits = { .file_bytes = 1 << 30,
                           .tensor_bytes = 1 << 30,
                           .memory_bytes = 1 << 30,
                           .nodes = 1 };
    uint64_t memory = 0;
    cxai_error error;
    cx_origin origin = { 0 };
    cx_reader reader = { .arena = &t->arena,
                         .origin = &origin,
                         .limits = &limits,
                         .memory = &memory,
                         .error = &error };
    cxai_status status = cx_onnx_literal(&reader, value->name, value->tensor, 0,
                                         &value->literal);
    int is_text = value->tensor->data_type == TYPE(STRING);
    if (status == CXAI_UNSUPPORTED)
        return skipping(t, is_text, is_text ? "text: %s" : "type: %s",
                        error.message);
    check_ok(status, &error);
    return none;
}

static int is_weight(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0)
            return 1;
    return 0;
}

static conformance_skip read_values(conformance *t, const char *folder, int set,
                                    const char *what,
                                    Onnx__ValueInfoProto *const *list,
                                    size_t count, conformance_value *values,
                                    int *read)
{
    *read = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_weight(t->model->graph, list[i]->name))
            continue;
        char path[PATH];
        assert_true(*read < CONFORMANCE_VALUES);
        conformance_value *value = &values[*read];
        value->name = list[i]->name;
        snprintf(path, sizeof path, "%s/test_data_set_%d/%s_%d.pb", folder, set,
                 what, *read);
        conformance_skip problem =
            read_value(t, path, list[i]->type->tensor_type->elem_type, value);
        if (problem.reason != NULL)
            return problem;
        (*read)++;
    }
    return none;
}

int conformance_read(conformance *t, const char *folder, int set,
                     conformance_skip *problem)
{
    char path[PATH];
    size_t size;
    const Onnx__GraphProto *graph = t->model->graph;
    snprintf(path, sizeof path, "%s/test_data_set_%d/output_0.pb", folder, set);
    void *bytes = read_file(path, &size);
    if (bytes == NULL)
        return 0;
    free(bytes);
    *problem = read_values(t, folder, set, "input", graph->input,
                           graph->n_input, t->inputs, &t->input_count);
    if (problem->reason == NULL)
        *problem = read_values(t, folder, set, "output", graph->output,
                               graph->n_output, t->outputs, &t->output_count);
    return 1;
}

/* ---- the model to load ----------------------------------------------------
 */

int conformance_feeds(const conformance *t, conformance_inputs kind, int i)
{
    if (kind == CONFORMANCE_NONE_FED)
        return 0;
    for (int k = 0; k <= i; k++) {
        const cx_literal *literal = t->inputs[k].literal;
        int can_be = literal->type == CX_REAL &&
                     cx_literal_count(literal) > 0 &&
                     cx_narrow_find(literal->code) == NULL;
        if (k == i)
            return can_be;
        if (can_be && kind == CONFORMANCE_FIRST_FED)
            return 0;
    }
    return 0;
}

static void *take_array(cx_arena *arena, size_t count, size_t size)
{
    void *block = cx_arena_alloc(arena, count, size);
    assert_non_null(block);
    return block;
}

/* An input of real numbers with the shape of a tensor. */
static Onnx__ValueInfoProto *declare(cx_arena *arena, const char *name,
                                     const int64_t *dims, size_t rank)
{
    Onnx__ValueInfoProto *input = take_array(arena, 1, sizeof *input);
    onnx__value_info_proto__init(input);
    input->name = (char *)name;
    input->type = take_array(arena, 1, sizeof *input->type);
    onnx__type_proto__init(input->type);
    Onnx__TypeProto__Tensor *type = take_array(arena, 1, sizeof *type);
    onnx__type_proto__tensor__init(type);
    input->type->tensor_type = type;
    type->has_elem_type = 1;
    type->elem_type = TYPE(FLOAT);
    Onnx__TensorShapeProto *shape = take_array(arena, 1, sizeof *shape);
    onnx__tensor_shape_proto__init(shape);
    type->shape = shape;
    shape->n_dim = rank;
    shape->dim = take_array(arena, rank, sizeof *shape->dim);
    for (size_t i = 0; i < rank; i++) {
        shape->dim[i] = take_array(arena, 1, sizeof **shape->dim);
        onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
        shape->dim[i]->value_case =
            ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        shape->dim[i]->dim_value = dims[i];
    }
    return input;
}

static Onnx__TensorProto *named(cx_arena *arena, const Onnx__TensorProto *from,
                                const char *name)
{
    Onnx__TensorProto *tensor = take_array(arena, 1, sizeof *tensor);
    *tensor = *from;
    tensor->name = (char *)name;
    return tensor;
}

/* Rewrites the inputs and weights of a copy of the graph. */
static void place_inputs(const conformance *t, conformance_inputs kind,
                         Onnx__GraphProto *graph, cx_arena *arena)
{
    size_t inputs = (size_t)t->input_count;
    Onnx__TensorProto **weights =
        take_array(arena, graph->n_initializer + inputs, sizeof(void *));
    Onnx__ValueInfoProto **declared =
        take_array(arena, inputs + 1, sizeof(void *));
    if (graph->n_initializer > 0)
        memcpy(weights, graph->initializer,
               graph->n_initializer * sizeof(void *));
    size_t fed = 0;
    for (int i = 0; i < t->input_count; i++) {
        const conformance_value *value = &t->inputs[i];
        if (conformance_feeds(t, kind, i))
            declared[fed++] = declare(arena, value->name, value->tensor->dims,
                                      value->tensor->n_dims);
        else
            weights[graph->n_initializer++] =
                named(arena, value->tensor, value->name);
    }
    if (fed == 0) /* the reader wants an input; this one leads nowhere */
        declared[fed++] = declare(arena, "no_input", (const int64_t[]){ 1 }, 1);
    graph->initializer = weights;
    graph->input = declared;
    graph->n_input = fed;
}

cxai_status conformance_load(const conformance *t, conformance_inputs kind,
                             cxai_model **out, cxai_error *error)
{
    cx_arena arena = { 0 };
    Onnx__ModelProto model = *t->model;
    Onnx__GraphProto graph = *t->model->graph;
    model.graph = &graph;
    place_inputs(t, kind, &graph, &arena);
    size_t size = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = take_array(&arena, 1, size);
    onnx__model_proto__pack(&model, bytes);
    cxai_status status =
        cxai_model_load_memory(out, bytes, size, NULL, NULL, error);
    cx_arena_free(&arena);
    return status;
}
