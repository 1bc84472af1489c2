#include "graph/shape.h"

#include <string.h>

#include "graph/case.h"

/* Largest number of inputs of a node that needs no allocation here. */
enum { FEW_INPUTS = 64 };

/*
 * Exporters fix dimensions on which nothing in the graph depends, or only
 * shapes that are written down and can follow. So the batch may be overridden,
 * and the height and width of a picture, if its channels (before them or
 * behind) stay; whether the graph allows it shows as its nodes are inferred.
 */
static int may_change(const cxai_shape *declared, const cxai_shape *wanted,
                      int d)
{
    if (d == 0)
        return 1;
    return declared->rank == 4 && (wanted->dim[1] == declared->dim[1] ||
                                   wanted->dim[3] == declared->dim[3]);
}

/* The shape that an input gets: the declared one with its free dimensions
   filled from wanted, or with 1. */
static cxai_status input_shape(const cx_value *value, const cxai_shape *wanted,
                               cxai_shape *shape, cxai_error *error)
{
    const cxai_shape *declared = &value->declared;
    char want[128], have[128];
    *shape = *declared;
    int fits = wanted == NULL || wanted->rank == declared->rank;
    for (int d = 0; fits && d < declared->rank; d++) {
        int64_t fixed = declared->dim[d];
        int64_t size = wanted != NULL ? wanted->dim[d] : fixed;
        if (fixed == 0)
            shape->dim[d] = wanted != NULL ? size : 1;
        else if (size != fixed && may_change(declared, wanted, d))
            shape->dim[d] = size;
        else
            fits = size == fixed;
        fits = fits && shape->dim[d] > 0;
    }
    if (!fits)
        return cxai_fail(
            error, CXAI_INVALID,
            "the model's input \"%s\" takes %s (0: any size), not %s",
            value->name, cxai_shape_text(declared, have, sizeof have),
            cxai_shape_text(wanted, want, sizeof want));
    return CXAI_OK;
}

static cxai_status shape_inputs(const cxai_model *model,
                                const cx_shape_request *request, cx_shaped *out,
                                cxai_error *error)
{
    for (int v = 0; v < model->value_count; v++) {
        const cx_value *value = &model->values[v];
        out->shape[v].rank = -1;
        if (value->literal == NULL)
            continue;
        out->shape[v] = value->literal->shape;
        out->type[v] = value->literal->type;
        if (request->fed == NULL || !request->fed[v])
            out->literal[v] = value->literal;
    }
    for (int i = 0; i < model->input_count; i++) {
        int v = model->inputs[i];
        const cxai_shape *wanted = request->input_shape;
        if (i > 0 || (wanted != NULL && wanted->rank == 0))
            wanted = NULL;
        cxai_status status =
            input_shape(&model->values[v], wanted, &out->shape[v], error);
        if (status != CXAI_OK)
            return status;
        out->type[v] = model->values[v].type;
    }
    int given = request->fed != NULL && request->given != NULL;
    for (int v = 0; given && v < model->value_count; v++)
        if (request->fed[v])
            out->shape[v] = request->given[v];
    return CXAI_OK;
}

/* The batch of the first input, as it is in the file and now. */
static void find_batch(const cxai_model *model, const cx_shaped *out,
                       cx_case_context *context)
{
    int v = model->input_count > 0 ? model->inputs[0] : -1;
    if (v < 0 || out->shape[v].rank < 1)
        return;
    context->written_batch = model->values[v].declared.dim[0];
    context->batch = out->shape[v].dim[0];
}

/* What is known of the inputs of a node; NULL without memory. few holds
   FEW_INPUTS. */
static const cx_case_input *gather_inputs(cx_shaped *out, const cx_node *node,
                                          cx_case_input *few)
{
    cx_case_input *input = few;
    if (node->input_count > FEW_INPUTS)
        input = cx_arena_alloc(&out->arena, (size_t)node->input_count,
                               sizeof *input);
    for (int i = 0; input != NULL && i < node->input_count; i++) {
        int v = node->inputs[i];
        input[i] = (cx_case_input){ .shape = { .rank = -1 } };
        if (v >= 0)
            input[i] =
                (cx_case_input){ out->shape[v], out->literal[v], out->type[v] };
    }
    return input;
}

/* Keeps what a node's case says of its outputs; folded: literals, or NULL. */
static void keep_outputs(cx_shaped *out, const cx_node *node, const cx_case *c,
                         const cx_literal **folded)
{
    for (int i = 0; i < node->output_count; i++) {
        int v = node->outputs[i];
        if (v < 0)
            continue;
        out->shape[v] = c->y_shape[i];
        out->type[v] = c->y_type[i];
        if (folded != NULL)
            out->literal[v] = folded[i];
    }
}

static cxai_status shape_node(const cx_case_context *context, int n,
                              cx_shaped *out)
{
    const cx_node *node = &context->model->nodes[n];
    cx_case_input few[FEW_INPUTS];
    const cx_case_input *input = gather_inputs(out, node, few);
    const cx_literal **folded =
        cx_arena_alloc(&out->arena, (size_t)node->output_count, sizeof(void *));
    if (input == NULL || folded == NULL)
        return cxai_fail(context->error, CXAI_NO_MEMORY, "out of memory");
    cxai_status status;
    cx_case *c = cx_case_create(context, node, input, &status);
    if (c == NULL)
        return status;
    int constant = cx_case_is_constant(node->op, c);
    status = constant ? cx_case_fold(context, node->op, c, folded)
                      : cx_case_check_types(node->op, c);
    if (status != CXAI_OK)
        return status;
    keep_outputs(out, node, c, constant ? folded : NULL);
    out->cases[n] = constant ? NULL : c;
    return CXAI_OK;
}

/* Where the network's post-processing computes with integers in ways that are
   not supported, and nothing asks for the result, shapes stay unknown. */

static int reads_unknown(const cxai_model *model, int n, const cx_shaped *out)
{
    const cx_node *node = &model->nodes[n];
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && out->shape[node->inputs[i]].rank < 0)
            return 1;
    return 0;
}

static int reads_integers(const cxai_model *model, int n, const cx_shaped *out)
{
    const cx_node *node = &model->nodes[n];
    for (int i = 0; i < node->input_count; i++) {
        int v = node->inputs[i];
        if (v >= 0 && out->literal[v] == NULL && out->type[v] != CX_REAL)
            return 1;
    }
    return 0;
}

static cxai_status shape_nodes(const cx_case_context *context,
                               const cx_shape_request *request, cx_shaped *out)
{
    const cxai_model *model = context->model;
    cxai_status status = CXAI_OK;
    for (int n = 0; status == CXAI_OK && n < model->node_count; n++) {
        if (request->needed != NULL && !request->needed[n])
            continue;
        if (request->needed == NULL && reads_unknown(model, n, out))
            continue;
        status = shape_node(context, n, out);
        if (request->needed == NULL && status == CXAI_UNSUPPORTED &&
            reads_integers(model, n, out))
            status = CXAI_OK;
    }
    return status;
}

/* Adds to a message that the batch may be the reason. */
static void name_batch(const cx_case_context *context, cxai_status status)
{
    if (context->error == NULL || context->written_batch == context->batch ||
        context->written_batch == 0)
        return;
    const cxai_error cause = *context->error;
    cxai_fail(context->error, status,
              "%s (in a batch of %lld; the model is written for a batch of "
              "%lld)",
              cause.message, (long long)context->batch,
              (long long)context->written_batch);
}

cxai_status cx_graph_shape(const cxai_model *model,
                           const cx_shape_request *request, cx_shaped *out,
                           cxai_error *error)
{
    *out = (cx_shaped){ 0 };
    uint64_t memory = 0;
    cx_case_context context = {
        .model = model,
        .arena = &out->arena,
        .threads = request->threads,
        .direct = request->direct,
        .many = request->many,
        .memory = &memory,
        .error = error,
    };
    size_t values = (size_t)model->value_count;
    out->shape = cx_arena_alloc(&out->arena, values, sizeof *out->shape);
    out->literal = cx_arena_alloc(&out->arena, values, sizeof(void *));
    out->type = cx_arena_alloc(&out->arena, values, sizeof *out->type);
    out->cases =
        cx_arena_alloc(&out->arena, (size_t)model->node_count, sizeof(void *));
    cxai_status status;
    if (out->shape == NULL || out->literal == NULL || out->type == NULL ||
        out->cases == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    else
        status = shape_inputs(model, request, out, error);
    if (status == CXAI_OK) {
        find_batch(model, out, &context);
        status = shape_nodes(&context, request, out);
        if (status != CXAI_OK)
            name_batch(&context, status);
    }
    if (status != CXAI_OK)
        cx_shaped_free(out);
    return status;
}

void cx_shaped_free(cx_shaped *shaped)
{
    cx_arena_free(&shaped->arena);
    *shaped = (cx_shaped){ 0 };
}
