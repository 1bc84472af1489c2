#include "guided.h"

#include <string.h>

/* Zeroes the negative elements of a view, whatever its strides. */
static void keep_positive(const cxai_tensor *view)
{
    int rank = view->shape.rank;
    int64_t inner = rank > 0 ? view->shape.dim[rank - 1] : 1;
    int64_t step = rank > 0 ? view->stride[rank - 1] : 0;
    int64_t rows = inner > 0 ? cxai_shape_count(&view->shape) / inner : 0;
    int64_t index[CXAI_MAX_RANK] = { 0 };

    for (int64_t row = 0; row < rows; row++) {
        cxai_real *element = cxai_tensor_at(view, index);
        for (int64_t i = 0; i < inner; i++, element += step)
            if (*element < 0)
                *element = 0;
        for (int axis = rank - 2; axis >= 0; axis--) {
            if (++index[axis] < view->shape.dim[axis])
                break;
            index[axis] = 0;
        }
    }
}

static int guide(const cxai_hook_call *call, void *payload)
{
    (void)payload;
    if (call->input_gradients[0].data)
        keep_positive(&call->input_gradients[0]);
    return 0;
}

/* Relu, or Clip from 0 on; before opset 11 the bounds were attributes. */
static int is_relu(const cxai_model *model, int number)
{
    cxai_node node = cxai_model_node(model, number);

    if (strcmp(node.operator_type, "Relu") == 0)
        return 1;
    if (strcmp(node.operator_type, "Clip") != 0)
        return 0;
    if (node.input_count < 2 || node.inputs[1] < 0)
        return cxai_model_attribute(model, number, "min", -1) == 0;
    cxai_tensor low = cxai_model_constant(model, node.inputs[1]);
    return low.data && *low.data == 0;
}

cxai_status cx_guide_relus(cxai_session *session, cxai_error *error)
{
    const cxai_model *model = cxai_session_model(session);

    for (int i = 0; i < cxai_model_node_count(model); i++) {
        if (!is_relu(model, i))
            continue;
        cxai_hook hook = { .places = CXAI_AFTER_BACKWARD,
                           .node = i,
                           .function = guide };
        cxai_status status = cxai_session_add_hook(session, &hook, NULL, error);
        if (status != CXAI_OK)
            return status;
    }
    return CXAI_OK;
}
