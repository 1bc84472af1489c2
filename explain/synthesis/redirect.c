/*
 * After lucid's redirected_relu_grad (misc/redirected_relu_grad.py). That
 * minimises: its signs are turned round here. Bounds are not needed: an
 * element below the range comes out larger, one above it smaller.
 */
#include "redirect.h"

#include <string.h>

static cxai_real at(const cxai_tensor *view, const int64_t *index)
{
    return *cxai_tensor_at(view, index);
}

/* Moves on to the next index of the same batch item, 0 when there is none. */
static int advance(const cxai_shape *shape, int64_t *index)
{
    for (int axis = shape->rank - 1; axis > 0; axis--) {
        if (++index[axis] < shape->dim[axis])
            return 1;
        index[axis] = 0;
    }
    return 0;
}

static int is_zero(const cxai_tensor *view, int64_t item)
{
    int64_t index[CXAI_MAX_RANK] = { item };
    do {
        if (at(view, index) != 0)
            return 0;
    } while (advance(&view->shape, index));
    return 1;
}

/* Returns 1 when something came through. */
static int pass_through(const cxai_hook_call *call, int64_t item)
{
    const cxai_tensor *dx = &call->input_gradients[0];
    int64_t index[CXAI_MAX_RANK] = { item };
    int passed = 0;
    do {
        cxai_real dy = at(&call->output_gradients[0], index);
        cxai_real lifted =
            at(&call->outputs[0], index) - at(&call->inputs[0], index);
        int away = (lifted > 0 && dy < 0) || (lifted < 0 && dy > 0);
        *cxai_tensor_at(dx, index) = away ? 0 : dy;
        passed |= !away && dy != 0;
    } while (advance(&dx->shape, index));
    return passed;
}

static int redirect_hook(const cxai_hook_call *call, void *payload)
{
    const cx_redirect *redirect = payload;
    const cxai_tensor *dx = &call->input_gradients[0];

    if (!dx->data || dx->shape.rank < 1 || cxai_shape_count(&dx->shape) == 0)
        return 0;
    for (int64_t item = 0; item < dx->shape.dim[0]; item++)
        if (redirect->wanted[item] && is_zero(dx, item) &&
            pass_through(call, item))
            redirect->done[item] = 1;
    return 0;
}

cxai_status cx_redirect_add(cx_redirect *redirect, cxai_session *session,
                            cxai_error *error)
{
    static const char *const types[2] = { "Relu", "Clip" };

    for (int i = 0; i < 2; i++) {
        cxai_hook hook = { .places = CXAI_AFTER_BACKWARD,
                           .node = -1,
                           .operator_type = types[i],
                           .function = redirect_hook,
                           .payload = redirect };
        if (redirect->handles[i])
            continue;
        cxai_status status =
            cxai_session_add_hook(session, &hook, &redirect->handles[i], error);
        if (status)
            return status;
    }
    return CXAI_OK;
}

cxai_status cx_redirect_remove(cx_redirect *redirect, cxai_session *session,
                               cxai_error *error)
{
    for (int i = 0; i < 2; i++) {
        int handle = redirect->handles[i];
        redirect->handles[i] = 0;
        if (!handle)
            continue;
        cxai_status status = cxai_session_remove_hook(session, handle, error);
        if (status)
            return status;
    }
    return CXAI_OK;
}

/* Where the output is smaller than the input, it is at the upper bound. */
static int bound_hook(const cxai_hook_call *call, void *payload)
{
    const cxai_tensor *dx = &call->input_gradients[0];

    (void)payload;
    if (!dx->data || cxai_shape_count(&dx->shape) == 0)
        return 0;
    for (int64_t item = 0; item < dx->shape.dim[0]; item++) {
        int64_t index[CXAI_MAX_RANK] = { item };
        do {
            if (at(&call->outputs[0], index) < at(&call->inputs[0], index))
                *cxai_tensor_at(dx, index) =
                    at(&call->output_gradients[0], index);
        } while (advance(&dx->shape, index));
    }
    return 0;
}

cxai_status cx_redirect_bound(cxai_session *session, int layer,
                              cxai_error *error)
{
    const cxai_model *model = cxai_session_model(session);
    int node = cxai_model_producer(model, layer);
    cxai_hook hook = { .places = CXAI_AFTER_BACKWARD,
                       .node = node,
                       .function = bound_hook };

    if (node < 0 ||
        strcmp(cxai_model_node(model, node).operator_type, "Clip") != 0)
        return CXAI_OK;
    return cxai_session_add_hook(session, &hook, NULL, error);
}
