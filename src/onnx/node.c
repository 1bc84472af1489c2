/* NodeProto and TensorProto -> builder: weights, constants, nodes. */
#include <stdio.h>
#include <string.h>

#include "onnx/scope.h"

static cxai_status add_literal(cx_reader *reader, const cx_scope *scope,
                               const char *name, const cx_literal *literal)
{
    name = cx_scope_find(reader, scope, name);
    if (name == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return cx_builder_literal(reader->builder, name, literal, reader->error);
}

cxai_status cx_onnx_weights(cx_reader *reader, const cx_scope *scope,
                            const Onnx__GraphProto *graph)
{
    if (graph->n_sparse_initializer > 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "holds sparse weights, which are not supported");
    cxai_status status = CXAI_OK;
    for (size_t i = 0; status == CXAI_OK && i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        const char *name = cx_onnx_text(tensor->name);
        if (scope == NULL && cx_onnx_is_text(reader, name))
            continue;
        char label[300];
        const cx_literal *literal;
        snprintf(label, sizeof label, "the weight \"%.256s\"", name);
        status =
            cx_onnx_literal(reader, label, tensor,
                            scope == NULL && reader->packed_only[i], &literal);
        if (status == CXAI_OK)
            status = add_literal(reader, scope, name, literal);
    }
    return status;
}

/* A literal of one number or of a list. */
static cxai_status number_literal(cx_reader *reader, cx_type type, int rank,
                                  int64_t count, cx_literal **literal)
{
    cxai_shape shape = { .rank = rank, .dim = { count } };
    *reader->memory += (uint64_t)count * cx_type_size(type);
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

static cxai_status convert_constant(cx_reader *reader, const cx_scope *scope,
                                    const char *label,
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
    return add_literal(reader, scope, node->output[0], literal);
}

/* The model's names of a node's inputs or outputs; at the outermost they are
   the file's. */
static cxai_status resolve(cx_reader *reader, const cx_scope *scope,
                           char *const *names, size_t count,
                           const char *const **out)
{
    void *block;
    *out = (const char *const *)names;
    if (scope == NULL)
        return CXAI_OK;
    cxai_status status =
        cx_reader_alloc(reader, count, sizeof(const char *), &block);
    const char **resolved = block;
    for (size_t i = 0; status == CXAI_OK && i < count; i++) {
        resolved[i] = cx_scope_find(reader, scope, names[i]);
        if (resolved[i] == NULL)
            status = cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    }
    *out = resolved;
    return status;
}

/* Names of nodes in functions begin with the call's. */
static cxai_status name_node(cx_reader *reader, const cx_scope *scope,
                             const Onnx__NodeProto *node, cx_node_spec *spec)
{
    spec->name = cx_onnx_text(node->name);
    spec->module = cx_onnx_module(reader->arena, node);
    if (scope != NULL && *spec->name != '\0')
        spec->name = cx_scope_join(reader, scope->prefix, spec->name);
    if (spec->name == NULL || spec->module == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    if (scope != NULL && *spec->module == '\0')
        spec->module = scope->module;
    return CXAI_OK;
}

static cxai_status add_node(cx_reader *reader, const cx_scope *scope,
                            const Onnx__NodeProto *node, const char *label)
{
    const char *domain = cx_onnx_text(node->domain);
    cx_node_spec spec = {
        .type = cx_onnx_text(node->op_type),
        .domain = cx_is_default_domain(domain) ? "" : domain,
        .input_count = (int)node->n_input,
        .output_count = (int)node->n_output,
    };
    cxai_status status =
        cx_onnx_attributes(reader, scope, label, node, &spec.attributes);
    if (status != CXAI_OK)
        return status;
    if (*spec.domain == '\0' && strcmp(spec.type, "Constant") == 0)
        return convert_constant(reader, scope, label, node, &spec.attributes);
    status = name_node(reader, scope, node, &spec);
    if (status == CXAI_OK)
        status =
            resolve(reader, scope, node->input, node->n_input, &spec.inputs);
    if (status == CXAI_OK)
        status =
            resolve(reader, scope, node->output, node->n_output, &spec.outputs);
    return status == CXAI_OK
               ? cx_builder_node(reader->builder, &spec, reader->error)
               : status;
}

/* ZipMap writes the class's name beside each probability; the numbers stay. */
static cxai_status pass_probabilities(cx_reader *reader, const cx_scope *scope,
                                      const Onnx__NodeProto *node,
                                      const char *label)
{
    if (node->n_input != 1 || node->n_output != 1)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s has %zu inputs and %zu outputs", label,
                         node->n_input, node->n_output);
    Onnx__NodeProto same = *node;
    same.op_type = (char *)(uintptr_t) "Identity";
    same.domain = NULL;
    same.n_attribute = 0;
    return add_node(reader, scope, &same, label);
}

cxai_status cx_onnx_node(cx_reader *reader, const cx_scope *scope,
                         const Onnx__NodeProto *node)
{
    const char *type = cx_onnx_text(node->op_type);
    const char *name = cx_onnx_text(node->name);
    if (node->n_input > INT32_MAX || node->n_output > INT32_MAX)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "%s node \"%s\" has too many inputs or outputs", type,
                         name);
    if (*name == '\0' && node->n_output > 0)
        name = node->output[0];
    char label[400];
    snprintf(label, sizeof label, "%.64s node \"%.256s\"", type, name);
    if (strcmp(cx_onnx_text(node->domain), "ai.onnx.ml") == 0 &&
        strcmp(type, "ZipMap") == 0)
        return pass_probabilities(reader, scope, node, label);
    const Onnx__FunctionProto *function;
    cxai_status status = cx_onnx_function(reader, node, &function);
    if (status != CXAI_OK)
        return status;
    if (function != NULL)
        return cx_onnx_inline_function(reader, scope, node, function, label);
    if (cx_is_default_domain(cx_onnx_text(node->domain)) &&
        strcmp(type, "If") == 0)
        return cx_onnx_keep_if(reader, scope, node);
    return add_node(reader, scope, node, label);
}
