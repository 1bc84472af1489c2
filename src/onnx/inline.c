/*
 * Functions of the model, and If with a condition that is known: their nodes
 * are put in the place of the node that stands for them.
 *
 * An If may be decided by what other nodes compute from constants, so that all
 * of them are kept until everything else is there. Nodes are counted: a small
 * file can call functions in functions a billion times.
 */
#include <stdio.h>
#include <string.h>

#include "graph/expand.h"
#include "onnx/scope.h"

/* ---- functions ----------------------------------------------------------- */

static cxai_status key_of(cx_reader *reader, const char *domain,
                          const char *name, const char *overload,
                          const char **key)
{
    void *block;
    domain = cx_onnx_text(domain);
    name = cx_onnx_text(name);
    overload = cx_onnx_text(overload);
    size_t length = strlen(domain) + strlen(name) + strlen(overload) + 3;
    cxai_status status = cx_reader_alloc(reader, length, 1, &block);
    if (status != CXAI_OK)
        return status;
    snprintf(block, length, "%s:%s:%s", domain, name, overload);
    *key = block;
    return CXAI_OK;
}

cxai_status cx_onnx_find_functions(cx_reader *reader)
{
    const Onnx__ModelProto *model = reader->model;
    for (size_t i = 0; i < model->n_functions && i < INT32_MAX; i++) {
        const Onnx__FunctionProto *f = model->functions[i];
        const char *key;
        cxai_status status =
            key_of(reader, f->domain, f->name, f->overload, &key);
        if (status != CXAI_OK)
            return status;
        if (cx_names_find(&reader->functions, key) < 0 &&
            cx_names_add(&reader->functions, key, (int)i) != 0)
            return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    }
    return CXAI_OK;
}

/* Operators that are built in come first. */
cxai_status cx_onnx_function(cx_reader *reader, const Onnx__NodeProto *node,
                             const Onnx__FunctionProto **function)
{
    *function = NULL;
    const char *domain = cx_onnx_text(node->domain);
    const char *type = cx_onnx_text(node->op_type);
    if (reader->functions.count == 0 || cx_is_compound(domain, type) ||
        (cx_is_default_domain(domain) && cx_operator_find(type) != NULL))
        return CXAI_OK;
    const char *key;
    cxai_status status = key_of(reader, domain, type, node->overload, &key);
    int number =
        status == CXAI_OK ? cx_names_find(&reader->functions, key) : -1;
    if (number >= 0)
        *function = reader->model->functions[number];
    return status;
}

/* All nodes of a model are read as of one opset. */
static cxai_status check_opset(const cx_reader *reader,
                               const Onnx__FunctionProto *function,
                               const char *label)
{
    int64_t model = 0, own = 0;
    for (size_t i = 0; i < reader->model->n_opset_import; i++)
        if (cx_is_default_domain(
                cx_onnx_text(reader->model->opset_import[i]->domain)))
            model = reader->model->opset_import[i]->version;
    for (size_t i = 0; i < function->n_opset_import; i++)
        if (cx_is_default_domain(
                cx_onnx_text(function->opset_import[i]->domain)))
            own = function->opset_import[i]->version;
    if (own != 0 && own != model)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s: its function is written in opset %lld, the model "
                         "in %lld",
                         label, (long long)own, (long long)model);
    return CXAI_OK;
}

static cxai_status count_nodes(cx_reader *reader, size_t nodes,
                               const char *label)
{
    reader->inlined += nodes + 1;
    if (reader->inlined > reader->limits->nodes)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "%s: functions and branches hold more than %llu nodes",
                         label, (unsigned long long)reader->limits->nodes);
    return CXAI_OK;
}

/* Values that the nodes make: outputs[i] is targets[i], others are new. */
static cxai_status define_values(cx_reader *reader, cx_scope *scope,
                                 Onnx__NodeProto *const *nodes, size_t count,
                                 const char *const *outputs,
                                 const char *const *targets,
                                 size_t output_count)
{
    cxai_status status = CXAI_OK;
    cx_names made = { 0 };
    for (size_t n = 0; status == CXAI_OK && n < count; n++)
        for (size_t i = 0; status == CXAI_OK && i < nodes[n]->n_output; i++)
            if (cx_names_find(&made, nodes[n]->output[i]) < 0 &&
                cx_names_add(&made, nodes[n]->output[i], 0) != 0)
                status =
                    cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    for (size_t i = 0; status == CXAI_OK && i < output_count; i++)
        if (*targets[i] != '\0' && cx_names_find(&made, outputs[i]) >= 0)
            status = cx_scope_bind(reader, scope, outputs[i], targets[i]);
    for (size_t n = 0; status == CXAI_OK && n < count; n++)
        for (size_t i = 0; status == CXAI_OK && i < nodes[n]->n_output; i++)
            status = cx_scope_define(reader, scope, nodes[n]->output[i]);
    cx_names_free(&made);
    return status;
}

/* Outputs that no node makes under the name they have outside: values from
   around, inputs, or one value given out twice. */
static cxai_status pass_outputs(cx_reader *reader, const cx_scope *scope,
                                const char *const *outputs,
                                const char *const *targets, size_t count)
{
    cxai_status status = CXAI_OK;
    for (size_t i = 0; status == CXAI_OK && i < count; i++) {
        const char *inside = cx_scope_find(reader, scope, outputs[i]);
        if (inside == NULL)
            return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
        if (*targets[i] == '\0' || strcmp(inside, targets[i]) == 0)
            continue;
        const cx_node_spec spec = {
            .type = "Identity",
            .module = scope->module,
            .inputs = &inside,
            .input_count = 1,
            .outputs = &targets[i],
            .output_count = 1,
        };
        status = cx_builder_node(reader->builder, &spec, reader->error);
    }
    return status;
}

/* What the outputs of the inlined node are called in the model; "" where it
   leaves one out. */
static cxai_status find_targets(cx_reader *reader, const cx_scope *outer,
                                const Onnx__NodeProto *node, size_t count,
                                const char ***targets)
{
    void *block;
    cxai_status status =
        cx_reader_alloc(reader, count, sizeof(const char *), &block);
    *targets = block;
    for (size_t i = 0; status == CXAI_OK && i < count; i++) {
        const char *name = i < node->n_output ? node->output[i] : "";
        (*targets)[i] = cx_scope_find(reader, outer, name);
        if ((*targets)[i] == NULL)
            status = cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    }
    return status;
}

static cxai_status bind_inputs(cx_reader *reader, cx_scope *scope,
                               const Onnx__NodeProto *node)
{
    const Onnx__FunctionProto *f = scope->function;
    cxai_status status = CXAI_OK;
    for (size_t i = 0; status == CXAI_OK && i < f->n_input; i++) {
        const char *name = i < node->n_input ? node->input[i] : "";
        status = cx_scope_bind(reader, scope, f->input[i],
                               cx_scope_find(reader, scope->outer, name));
    }
    return status;
}

cxai_status cx_onnx_inline_function(cx_reader *reader, const cx_scope *outer,
                                    const Onnx__NodeProto *node,
                                    const Onnx__FunctionProto *function,
                                    const char *label)
{
    cx_scope *scope = NULL;
    const char **targets = NULL;
    const char *const *outputs = (const char *const *)function->output;
    if (node->n_input > function->n_input ||
        node->n_output > function->n_output)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s does not fit to its function", label);
    cxai_status status = check_opset(reader, function, label);
    if (status == CXAI_OK)
        status = count_nodes(reader, function->n_node, label);
    if (status == CXAI_OK)
        status = cx_scope_open(reader, outer, node, function, label, &scope);
    if (status == CXAI_OK)
        status = bind_inputs(reader, scope, node);
    if (status == CXAI_OK)
        status =
            find_targets(reader, outer, node, function->n_output, &targets);
    if (status == CXAI_OK)
        status = define_values(reader, scope, function->node, function->n_node,
                               outputs, targets, function->n_output);
    for (size_t i = 0; status == CXAI_OK && i < function->n_node; i++)
        status = cx_onnx_node(reader, scope, function->node[i]);
    if (status == CXAI_OK)
        status =
            pass_outputs(reader, scope, outputs, targets, function->n_output);
    return status;
}

/* ---- If ------------------------------------------------------------------ */

static void append(cx_reader *reader, cx_pending *pending)
{
    pending->next = NULL;
    if (reader->pending == NULL)
        reader->pending = pending;
    else
        reader->last_pending->next = pending;
    reader->last_pending = pending;
}

cxai_status cx_onnx_keep_if(cx_reader *reader, const cx_scope *scope,
                            const Onnx__NodeProto *node)
{
    void *block;
    cxai_status status = cx_reader_alloc(reader, 1, sizeof(cx_pending), &block);
    if (status != CXAI_OK)
        return status;
    cx_pending *pending = block;
    *pending = (cx_pending){ node, scope, NULL };
    append(reader, pending);
    return CXAI_OK;
}

static cxai_status inline_branch(cx_reader *reader, const cx_pending *p,
                                 const Onnx__GraphProto *graph,
                                 const char *label)
{
    cx_scope *scope = NULL;
    const char **targets = NULL;
    void *block;
    size_t count = graph->n_output;
    cxai_status status =
        cx_reader_alloc(reader, count, sizeof(const char *), &block);
    const char **outputs = block;
    if (status == CXAI_OK)
        status = count_nodes(reader, graph->n_node, label);
    if (status == CXAI_OK)
        status = cx_scope_open(reader, p->scope, p->node, NULL, label, &scope);
    if (status == CXAI_OK)
        status = find_targets(reader, p->scope, p->node, count, &targets);
    for (size_t i = 0; status == CXAI_OK && i < count; i++)
        outputs[i] = cx_onnx_text(graph->output[i]->name);
    if (status == CXAI_OK)
        status = define_values(reader, scope, graph->node, graph->n_node,
                               outputs, targets, count);
    for (size_t i = 0; status == CXAI_OK && i < graph->n_initializer; i++)
        status = cx_scope_define(reader, scope,
                                 cx_onnx_text(graph->initializer[i]->name));
    if (status == CXAI_OK)
        status = cx_onnx_weights(reader, scope, graph);
    for (size_t i = 0; status == CXAI_OK && i < graph->n_node; i++)
        status = cx_onnx_node(reader, scope, graph->node[i]);
    if (status == CXAI_OK)
        status = pass_outputs(reader, scope, outputs, targets, count);
    return status;
}

/* The bytes of a branch, or NULL. */
static const ProtobufCBinaryData *find_branch(const Onnx__NodeProto *node,
                                              const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->has_g &&
            strcmp(cx_onnx_text(node->attribute[i]->name), name) == 0)
            return &node->attribute[i]->g;
    return NULL;
}

/* A node that is reported among the unsupported operators. */
static cxai_status leave_if(cx_reader *reader, const cx_pending *p)
{
    const char *input = "", *output = "";
    if (p->node->n_input > 0)
        input = cx_scope_find(reader, p->scope, p->node->input[0]);
    if (p->node->n_output > 0)
        output = cx_scope_find(reader, p->scope, p->node->output[0]);
    if (input == NULL || output == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    const cx_node_spec spec = {
        .name = p->node->name,
        .type = "If with a computed condition",
        .inputs = &input,
        .input_count = 1,
        .outputs = &output,
        .output_count = 1,
    };
    return cx_builder_node(reader->builder, &spec, reader->error);
}

/* *done is 1 when the condition was known. */
static cxai_status inline_if(cx_reader *reader, const cx_pending *p, int *done)
{
    const cx_literal *condition;
    const Onnx__GraphProto *graph;
    char label[400];
    *done = 0;
    if (p->node->n_input != 1)
        return CXAI_OK;
    const char *name = cx_scope_find(reader, p->scope, p->node->input[0]);
    if (name == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    cxai_status status =
        cx_builder_constant(reader->builder, name, &condition, reader->error);
    if (status != CXAI_OK || condition == NULL)
        return status;
    snprintf(label, sizeof label, "If node \"%.256s\"",
             cx_onnx_text(p->node->name));
    if (cx_literal_count(condition) != 1)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s: its condition is not one truth value", label);
    const ProtobufCBinaryData *branch = find_branch(
        p->node,
        cx_literal_number(condition, 0) != 0 ? "then_branch" : "else_branch");
    if (branch == NULL)
        return cxai_fail(reader->error, CXAI_MALFORMED, "%s lacks a branch",
                         label);
    status = cx_onnx_unpack_graph(reader, branch, &graph);
    if (status == CXAI_OK && graph->n_output < p->node->n_output)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s: its branch has fewer outputs", label);
    *done = 1;
    return status == CXAI_OK ? inline_branch(reader, p, graph, label) : status;
}

/* Branches bring new Ifs and may decide others: goes round while something
   changes. */
cxai_status cx_onnx_inline_ifs(cx_reader *reader)
{
    cxai_status status = CXAI_OK;
    uint64_t round = 0;
    for (int progress = 1; progress && round <= reader->limits->nesting;
         round++) {
        cx_pending *list = reader->pending;
        reader->pending = NULL;
        progress = 0;
        while (status == CXAI_OK && list != NULL) {
            cx_pending *p = list;
            int done;
            list = p->next;
            status = inline_if(reader, p, &done);
            progress |= done;
            if (!done)
                append(reader, p);
        }
    }
    for (const cx_pending *p = reader->pending; status == CXAI_OK && p != NULL;
         p = p->next)
        status = leave_if(reader, p);
    return status;
}

void cx_onnx_inline_free(cx_reader *reader)
{
    cx_scopes_free(reader);
    cx_names_free(&reader->functions);
}
