#include "attention.h"

#include <stdlib.h>
#include <string.h>

typedef struct rollout {
    const cxai_heatmap_call *call;
    cx_attention_function *function;
    int with_gradients;
    int *blocks; /* values of the attention matrices, first block first */
    int block_count;
    cx_attention attention;
    cxai_grid grid;
    cxai_session *session;
    cxai_real *numbers; /* weights, then gradients of a block */
    cxai_real *seed;
    double *matrix; /* [tokens][tokens], then two rows */
    cxai_error *error;
} rollout;

/* ---- finding ------------------------------------------------------------- */

static int multiplies(const cxai_model *model, int value)
{
    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        if (strcmp(node.operator_type, "MatMul") == 0 &&
            node.inputs[0] == value)
            return 1;
    }
    return 0;
}

static int is_attention(const cxai_heatmap_call *call, int number)
{
    cxai_node node = cxai_model_node(call->model, number);
    const cxai_shape *shape = &call->shapes[node.outputs[0]];
    int last = shape->rank - 1;

    return strcmp(node.operator_type, "Softmax") == 0 && last >= 2 &&
           shape->dim[last] == shape->dim[last - 1] && shape->dim[last] > 1 &&
           multiplies(call->model, node.outputs[0]);
}

static cxai_status find_blocks(rollout *r)
{
    const cxai_heatmap_call *call = r->call;
    int count = cxai_model_node_count(call->model);

    r->blocks = malloc((size_t)count * sizeof *r->blocks);
    if (!r->blocks)
        return cxai_fail(r->error, CXAI_NO_MEMORY, "no memory for attention");
    for (int n = 0; n < count; n++)
        if (is_attention(call, n))
            r->blocks[r->block_count++] =
                cxai_model_node(call->model, n).outputs[0];
    if (r->block_count > 0)
        return CXAI_OK;
    return cxai_fail(r->error, CXAI_UNSUPPORTED,
                     "%s needs attention between tokens, and this network has "
                     "none",
                     call->method->name);
}

/* All blocks must join all tokens: (heads,T,T), or (1,heads,T,T). */
static cxai_status check_blocks(rollout *r)
{
    const cxai_heatmap_call *call = r->call;
    const cxai_shape *first = &call->shapes[r->blocks[0]];
    int joined = first->rank == 3 || (first->rank == 4 && first->dim[0] == 1);

    for (int i = 1; i < r->block_count; i++)
        joined = joined && cxai_shape_equal(first, &call->shapes[r->blocks[i]]);
    if (!joined)
        return cxai_fail(r->error, CXAI_UNSUPPORTED,
                         "%s is not defined where attention stays within "
                         "windows, as in Swin; attnlrp is",
                         call->method->name);
    r->attention.tokens = first->dim[first->rank - 1];
    r->attention.heads = first->dim[first->rank - 3];
    return CXAI_OK;
}

/* Which token is which patch. */
static cxai_status find_patches(rollout *r)
{
    const cxai_heatmap_call *call = r->call;
    int layer;
    cxai_status status =
        cxai_model_cam_layer(call->model, call->shapes, &layer, r->error);

    if (status == CXAI_OK)
        status =
            cxai_model_grid(call->model, call->shapes, layer,
                            call->options->layer_layout, &r->grid, r->error);
    if (status != CXAI_OK)
        return status;
    if (r->grid.height * r->grid.width + r->grid.extra == r->attention.tokens)
        return CXAI_OK;
    return cxai_fail(r->error, CXAI_UNSUPPORTED,
                     "%s cannot tell which of %lld tokens is which patch",
                     call->method->name, (long long)r->attention.tokens);
}

/* ---- running ------------------------------------------------------------- */

static cxai_status open_session(rollout *r)
{
    const cxai_heatmap_call *call = r->call;
    int *watch = malloc(((size_t)r->block_count + 1) * sizeof *watch);
    cxai_request request = {
        .input_shape = call->input_shape,
        .watch = watch,
        .watch_count = r->block_count + 1,
        .target = call->value,
        .wrt = r->blocks,
        .wrt_count = r->with_gradients ? r->block_count : 0,
        .keep = call->options->keep,
        .threads = call->options->threads,
        .max_bytes = call->options->max_bytes,
    };

    if (!watch)
        return cxai_fail(r->error, CXAI_NO_MEMORY, "no memory for attention");
    memcpy(watch, r->blocks, (size_t)r->block_count * sizeof *watch);
    watch[r->block_count] = call->value;
    cxai_status status =
        cxai_session_create(&r->session, call->model, &request, r->error);
    free(watch);
    return status;
}

static cxai_status make_room(rollout *r)
{
    size_t tokens = (size_t)r->attention.tokens;
    size_t weights = (size_t)r->attention.heads * tokens * tokens;
    size_t target = (size_t)cxai_shape_count(&r->call->shapes[r->call->value]);

    r->numbers = malloc(2 * weights * sizeof *r->numbers);
    r->seed = malloc(target * sizeof *r->seed);
    r->matrix = malloc((tokens * tokens + 2 * tokens) * sizeof *r->matrix);
    if (r->numbers && r->seed && r->matrix)
        return CXAI_OK;
    return cxai_fail(r->error, CXAI_NO_MEMORY, "no memory for attention");
}

/* Reads a block's weights and, where wanted, their gradients. */
static cxai_status read_block(rollout *r, int block)
{
    int64_t count =
        r->attention.heads * r->attention.tokens * r->attention.tokens;
    cxai_tensor view;
    cxai_status status = cxai_session_value(r->session, block, &view, r->error);

    if (status == CXAI_OK)
        cxai_tensor_read(&view, r->numbers);
    r->attention.weights = r->numbers;
    r->attention.gradients = NULL;
    if (status != CXAI_OK || !r->with_gradients)
        return status;
    status = cxai_session_gradient(r->session, block, &view, r->error);
    if (status == CXAI_OK)
        cxai_tensor_read(&view, r->numbers + count);
    r->attention.gradients = r->numbers + count;
    return status;
}

/* The block that was read becomes a matrix [tokens][tokens]. */
static void mix_tokens(const rollout *r)
{
    int64_t tokens = r->attention.tokens;

#pragma omp parallel for num_threads(r->call->options->threads) schedule(static)
    for (int64_t i = 0; i < tokens; i++)
        r->function(&r->attention, i, r->matrix + i * tokens);
}

/* to = from * matrix */
static void multiply(const double *from, const double *matrix, int64_t count,
                     double *to)
{
    memset(to, 0, (size_t)count * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++)
            to[j] += from[i] * matrix[i * count + j];
}

/* The row of the product that is read, from the last block to the first. */
static cxai_status multiply_blocks(rollout *r, double **row)
{
    int64_t tokens = r->attention.tokens;
    double *from = r->matrix + tokens * tokens, *to = from + tokens;
    cxai_status status = CXAI_OK;

    for (int64_t i = 0; i < tokens; i++)
        from[i] = r->grid.first > 0 ? i == 0 : 1.0 / (double)tokens;
    for (int i = r->block_count - 1; status == CXAI_OK && i >= 0; i--) {
        status = read_block(r, r->blocks[i]);
        if (status != CXAI_OK)
            break;
        mix_tokens(r);
        multiply(from, r->matrix, tokens, to);
        double *swap = from;
        from = to;
        to = swap;
    }
    *row = from;
    return status;
}

static cxai_status one_map(rollout *r, int i)
{
    const cxai_heatmap_call *call = r->call;
    const cxai_shape *shape = &call->shapes[call->value];
    int64_t positions = r->grid.height * r->grid.width;
    cxai_status status = CXAI_OK;
    double *row;

    if (r->with_gradients) {
        memset(r->seed, 0, (size_t)cxai_shape_count(shape) * sizeof *r->seed);
        cxai_target_seed(&call->results[i].target, shape, 0, r->seed);
        status = cxai_session_backward(r->session, r->seed, r->error);
    }
    if (status == CXAI_OK)
        status = multiply_blocks(r, &row);
    if (status != CXAI_OK)
        return status;
    for (int64_t k = 0; k < positions; k++)
        r->numbers[k] = (cxai_real)row[r->grid.first + k];
    return cxai_heatmap_set_map(call, i, r->numbers, r->grid.height,
                                r->grid.width, r->error);
}

static cxai_status run(rollout *r)
{
    const cxai_heatmap_call *call = r->call;
    int64_t total = 1 + call->target_count;
    cxai_status status = find_blocks(r);

    if (status == CXAI_OK)
        status = check_blocks(r);
    if (status == CXAI_OK)
        status = find_patches(r);
    if (status == CXAI_OK)
        status = cxai_heatmap_progress(call, 0, total, r->error);
    if (status == CXAI_OK)
        status = open_session(r);
    if (status == CXAI_OK)
        status = make_room(r);
    if (status == CXAI_OK)
        status = cxai_session_set(r->session, call->input_value, call->input,
                                  r->error);
    if (status == CXAI_OK)
        status = cxai_session_forward(r->session, r->error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, r->session, r->error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        status = one_map(r, i);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, 2 + i, total, r->error);
    }
    return status;
}

cxai_status cx_attention_rollout(const cxai_heatmap_call *call,
                                 int with_gradients,
                                 cx_attention_function *function,
                                 const void *payload, cxai_error *error)
{
    rollout r = { .call = call,
                  .function = function,
                  .with_gradients = with_gradients,
                  .attention = { .payload = payload },
                  .error = error };
    cxai_status status = run(&r);

    cxai_session_free(&r.session);
    free(r.blocks);
    free(r.numbers);
    free(r.seed);
    free(r.matrix);
    return status;
}
