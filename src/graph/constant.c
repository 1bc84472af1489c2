/* Nodes that can be computed while the graph is built: all their inputs are
   literals. */
#include <string.h>

#include "graph/builder.h"
#include "graph/case.h"

/* Values that wait for each other while one is computed. */
enum { DEPTH = 256 };

int cx_is_default_domain(const char *domain)
{
    return *domain == '\0' || strcmp(domain, "ai.onnx") == 0;
}

const cx_operator *cx_builder_operator(const cx_node *node)
{
    return cx_is_default_domain(node->domain) ? cx_operator_find(node->type)
                                              : NULL;
}

cxai_status cx_builder_check_arity(const cx_node *node, cxai_error *error)
{
    const cx_operator *op = node->op;
    int max_outputs = op->max_outputs == 0 ? 1 : op->max_outputs;
    if (node->input_count < op->min_inputs ||
        (op->max_inputs >= 0 && node->input_count > op->max_inputs))
        return cxai_fail(error, CXAI_MALFORMED, "%s has %d inputs", node->label,
                         node->input_count);
    for (int i = 0; i < op->min_inputs; i++)
        if (node->inputs[i] < 0)
            return cxai_fail(error, CXAI_MALFORMED, "%s lacks its input %d",
                             node->label, i);
    if (node->output_count < 1 || node->outputs[0] < 0)
        return cxai_fail(error, CXAI_MALFORMED, "%s has no output",
                         node->label);
    if (max_outputs >= 0 && node->output_count > max_outputs)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s has %d outputs; %d are supported", node->label,
                         node->output_count, max_outputs);
    return CXAI_OK;
}

cxai_status cx_builder_fold(cx_builder *builder, const cx_node *node,
                            cx_arena *scratch, int *folded, cxai_error *error)
{
    *folded = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 &&
            builder->values[node->inputs[i]].literal == NULL)
            return CXAI_OK;
    size_t inputs = (size_t)node->input_count;
    cx_case_input *input = cx_arena_alloc(scratch, inputs, sizeof *input);
    const cx_literal **y =
        cx_arena_alloc(scratch, (size_t)node->output_count, sizeof(void *));
    if (input == NULL || y == NULL)
        return cx_builder_no_memory(error);
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0) {
            input[i].shape.rank = -1;
            continue;
        }
        input[i].literal = builder->values[node->inputs[i]].literal;
        input[i].shape = input[i].literal->shape;
    }
    cx_case_context context = {
        .model = builder->model,
        .arena = &builder->model->arena,
        .threads = 1,
        .memory = &builder->model->memory,
        .error = error,
    };
    cxai_status status;
    const cx_case *c = cx_case_create(&context, node, input, &status);
    if (c == NULL)
        return status;
    status = cx_case_fold(&context, node->op, c, y);
    for (int i = 0; status == CXAI_OK && i < node->output_count; i++) {
        if (node->outputs[i] < 0)
            continue;
        cx_value *value = &builder->values[node->outputs[i]];
        value->literal = y[i];
        value->producer = -1;
    }
    *folded = 1;
    return status;
}

/* Computes a value where nothing it depends on is missing. */
static cxai_status evaluate(cx_builder *builder, int v, int depth,
                            cx_arena *scratch, cxai_error *error)
{
    int n = builder->values[v].producer;
    if (n < 0 || depth == 0)
        return CXAI_OK;
    cx_node *node = &builder->nodes[n];
    node->op = cx_builder_operator(node);
    if (node->op == NULL)
        return CXAI_OK;
    cxai_status status = cx_builder_check_arity(node, error);
    for (int i = 0; status == CXAI_OK && i < node->input_count; i++) {
        if (node->inputs[i] < 0)
            continue;
        status = evaluate(builder, node->inputs[i], depth - 1, scratch, error);
        if (builder->values[node->inputs[i]].literal == NULL)
            return status;
    }
    int folded;
    if (status == CXAI_OK)
        status = cx_builder_fold(builder, node, scratch, &folded, error);
    return status;
}

cxai_status cx_builder_constant(cx_builder *builder, const char *name,
                                const cx_literal **literal, cxai_error *error)
{
    cx_arena scratch = { 0 };
    cxai_status status = CXAI_OK;
    int v = cx_names_find(&builder->names, name);
    *literal = NULL;
    if (v < 0)
        return CXAI_OK;
    status = evaluate(builder, v, DEPTH, &scratch, error);
    cx_arena_free(&scratch);
    if (status == CXAI_OK)
        *literal = builder->values[v].literal;
    return status;
}

int cx_builder_knows(const cx_builder *builder, const char *name)
{
    return cx_names_find(&builder->names, name) >= 0;
}
