#include "graph/case.h"

#include <string.h>

#include "graph/place.h"
#include "kernels/kernels.h"

static cxai_status no_memory(const cx_case_context *context, const char *label)
{
    return cxai_fail(context->error, CXAI_NO_MEMORY, "%s: out of memory",
                     label);
}

/* Allocates a case with its arrays; NULL without memory. */
static cx_case *allocate(const cx_case_context *context, const cx_node *node,
                         const cx_case_input *input)
{
    cx_arena *arena = context->arena;
    size_t inputs = (size_t)node->input_count;
    size_t outputs = (size_t)node->output_count;
    cx_case *c = cx_arena_alloc(arena, 1, sizeof *c);
    cxai_shape *x_shape = cx_arena_alloc(arena, inputs, sizeof *x_shape);
    const cx_literal **x_literal =
        cx_arena_alloc(arena, inputs, sizeof(void *));
    cx_type *x_type = cx_arena_alloc(arena, inputs, sizeof *x_type);
    cxai_shape *y_shape = cx_arena_alloc(arena, outputs, sizeof *y_shape);
    cx_type *y_type = cx_arena_alloc(arena, outputs, sizeof *y_type);
    void *params = cx_arena_alloc(arena, 1, node->op->params_size);
    if (c == NULL || x_shape == NULL || x_literal == NULL || x_type == NULL ||
        y_shape == NULL || y_type == NULL || params == NULL)
        return NULL;
    for (size_t i = 0; i < inputs; i++) {
        x_shape[i] = input[i].shape;
        x_literal[i] = input[i].literal;
        x_type[i] =
            input[i].literal != NULL ? input[i].literal->type : input[i].type;
    }
    for (size_t i = 0; i < outputs; i++) {
        y_shape[i].rank = -1;
        y_type[i] = inputs > 0 ? x_type[0] : CX_REAL;
    }
    *c = (cx_case){
        .label = node->label,
        .opset = context->model->opset,
        .attributes = &node->attributes,
        .input_count = node->input_count,
        .output_count = node->output_count,
        .x_shape = x_shape,
        .x_literal = x_literal,
        .x_type = x_type,
        .y_shape = y_shape,
        .y_type = y_type,
        .written_batch = context->written_batch,
        .batch = context->batch,
        .params = params,
        .arena = arena,
        .kernels = cx_kernels_select(),
        .direct = context->direct,
        .many = context->many,
        .threads = context->threads,
        .error = context->error,
    };
    return c;
}

/* Checks what infer has answered against the limits. */
static cxai_status check_outputs(const cx_case *c, const cx_node *node,
                                 uint64_t max_bytes)
{
    for (int i = 0; i < c->output_count; i++) {
        if (node->outputs[i] < 0)
            continue;
        char text[128];
        int64_t count = cxai_shape_count(&c->y_shape[i]);
        if (c->y_shape[i].rank < 0)
            return cx_refuse(c, CXAI_UNSUPPORTED, "output %d is not supported",
                             i);
        if (count < 0 ||
            (uint64_t)count > max_bytes / cx_type_size(c->y_type[i]))
            return cx_refuse(c, CXAI_LIMIT,
                             "its output %s is larger than the limit of "
                             "%llu bytes a tensor",
                             cxai_shape_text(&c->y_shape[i], text, sizeof text),
                             (unsigned long long)max_bytes);
    }
    return CXAI_OK;
}

cx_case *cx_case_create(const cx_case_context *context, const cx_node *node,
                        const cx_case_input *input, cxai_status *status)
{
    cx_case *c = allocate(context, node, input);
    if (c == NULL) {
        *status = no_memory(context, node->label);
        return NULL;
    }
    *status = node->op->infer(c);
    if (*status == CXAI_OK)
        *status = check_outputs(c, node, context->model->limits.tensor_bytes);
    return *status == CXAI_OK ? c : NULL;
}

cxai_status cx_case_check_types(const cx_operator *op, const cx_case *c)
{
    int integers = 0;
    for (int i = 0; i < c->input_count; i++)
        integers |= c->x_literal[i] == NULL && c->x_type[i] != CX_REAL;
    for (int i = 0; i < c->output_count; i++)
        integers |= c->y_shape[i].rank >= 0 && c->y_type[i] != CX_REAL;
    if (integers && !op->carries_integers)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "integers that depend on the input are not "
                         "supported here");
    return CXAI_OK;
}

int cx_case_is_constant(const cx_operator *op, const cx_case *c)
{
    if (op->shape_only)
        return 1;
    for (int i = 0; i < c->input_count; i++)
        if (c->x_shape[i].rank >= 0 && c->x_literal[i] == NULL)
            return 0;
    return 1;
}

/* A view of the same shape in memory of its own, channels-last; 0, or -1
   without memory. */
static int lay_channels_last(cx_arena *arena, cxai_tensor *view)
{
    const cx_literal *copy = cx_literal_create(arena, CX_REAL, &view->shape);
    if (copy == NULL)
        return -1;
    view->data = copy->data;
    cx_shape_strides_channels_last(&view->shape, view->stride);
    return 0;
}

static void copy_view(const cxai_tensor *to, const cxai_tensor *from)
{
    cx_view to_view = cx_view_of(to), from_view = cx_view_of(from);
    cx_view_copy(&to_view, &from_view);
}

/* forward, the first input x and output y lying as the operator's layout
   asks. */
static cxai_status call_forward(const cx_case_context *context,
                                const cx_operator *op, const cx_call *call,
                                cxai_tensor *x, cxai_tensor *y)
{
    if (op->layout != CX_CHANNELS_LAST) {
        op->forward(call);
        return CXAI_OK;
    }
    const cxai_tensor row_major_x = *x, row_major_y = *y;
    if (lay_channels_last(context->arena, x) != 0 ||
        lay_channels_last(context->arena, y) != 0)
        return no_memory(context, call->c->label);
    copy_view(x, &row_major_x);
    op->forward(call);
    copy_view(&row_major_y, y);
    return CXAI_OK;
}

/* Gives the case literals with data for those without; 0, or -1 without
   memory. */
static int fetch_inputs(const cx_case_context *context, const cx_case *c)
{
    const cx_literal **literal = (const cx_literal **)c->x_literal;
    for (int i = 0; i < c->input_count; i++) {
        if (literal[i] == NULL || literal[i]->place == NULL)
            continue;
        cx_literal *whole = cx_arena_alloc(context->arena, 1, sizeof *whole);
        if (whole == NULL)
            return -1;
        *whole = *literal[i];
        whole->place = NULL;
        whole->data = cx_literal_data(context->model, literal[i]);
        literal[i] = whole;
        if (whole->data == NULL)
            return -1;
    }
    return 0;
}

/* Runs forward once, on literals. */
static cxai_status run_forward(const cx_case_context *context,
                               const cx_operator *op, const cx_case *c,
                               cx_literal *const *y)
{
    cx_demand demand = { 0 };
    if (op->demand != NULL)
        op->demand(c, 0, &demand);
    cx_arena *arena = context->arena;
    cxai_tensor *x_view =
        cx_arena_alloc(arena, (size_t)c->input_count, sizeof *x_view);
    cxai_tensor *y_view =
        cx_arena_alloc(arena, (size_t)c->output_count, sizeof *y_view);
    void *workspace = cx_alloc_aligned(demand.forward_workspace);
    void *saved = cx_alloc_aligned(demand.saved_bytes);
    void *prepared = cx_alloc_aligned(demand.prepared_bytes[CX_FORWARD]);
    cxai_status status = CXAI_OK;
    if (x_view == NULL || y_view == NULL || workspace == NULL ||
        saved == NULL || prepared == NULL) {
        status = no_memory(context, c->label);
        goto end;
    }
    for (int i = 0; i < c->input_count; i++)
        if (c->x_literal[i] != NULL && c->x_literal[i]->type == CX_REAL)
            x_view[i] = cx_literal_tensor(c->x_literal[i]);
    for (int i = 0; i < c->output_count; i++)
        if (y[i] != NULL)
            y_view[i] = cx_literal_tensor(y[i]);
    if (op->prepare != NULL && demand.prepared_bytes[CX_FORWARD] > 0)
        op->prepare(c, CX_FORWARD, prepared);
    const cx_call call = {
        .c = c,
        .x = x_view,
        .y = y_view,
        .saved = demand.saved_bytes > 0 ? saved : NULL,
        .workspace = workspace,
        .prepared = { demand.prepared_bytes[CX_FORWARD] > 0 ? prepared : NULL },
    };
    status = call_forward(context, op, &call, x_view, y_view);
end:
    cx_free_aligned(workspace);
    cx_free_aligned(saved);
    cx_free_aligned(prepared);
    return status;
}

/* Counts what the outputs need. */
static cxai_status take_memory(const cx_case_context *context, const cx_case *c)
{
    uint64_t limit = context->model->limits.memory_bytes;
    for (int i = 0; i < c->output_count; i++) {
        if (c->y_shape[i].rank < 0)
            continue;
        uint64_t bytes = (uint64_t)cxai_shape_count(&c->y_shape[i]) *
                         cx_type_size(c->y_type[i]);
        if (*context->memory > limit || bytes > limit - *context->memory)
            return cx_refuse(c, CXAI_LIMIT,
                             "the constants need more than %llu bytes of "
                             "memory",
                             (unsigned long long)limit);
        *context->memory += bytes;
    }
    return CXAI_OK;
}

cxai_status cx_case_fold(const cx_case_context *context, const cx_operator *op,
                         const cx_case *c, const cx_literal **y)
{
    cx_literal **made =
        cx_arena_alloc(context->arena, (size_t)c->output_count, sizeof *made);
    if (made == NULL || fetch_inputs(context, c) != 0)
        return no_memory(context, c->label);
    cxai_status status = take_memory(context, c);
    if (status != CXAI_OK)
        return status;
    for (int i = 0; i < c->output_count; i++) {
        if (c->y_shape[i].rank < 0)
            continue;
        made[i] =
            cx_literal_create(context->arena, c->y_type[i], &c->y_shape[i]);
        if (made[i] == NULL)
            return no_memory(context, c->label);
    }
    int reals = 1;
    for (int i = 0; i < c->output_count; i++)
        reals &= made[i] == NULL || c->y_type[i] == CX_REAL;
    if (!reals) {
        if (op->fold == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "this operator is not supported on integers");
        status = op->fold(c, made);
    } else {
        status = run_forward(context, op, c, made);
    }
    for (int i = 0; i < c->output_count; i++)
        y[i] = made[i];
    return status;
}
