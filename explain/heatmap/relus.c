#include "relus.h"

#include <string.h>

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

cxai_status cx_hook_relus(cxai_session *session, cxai_hook_function *function,
                          void *payload, cxai_error *error)
{
    const cxai_model *model = cxai_session_model(session);
    cxai_status status = CXAI_OK;

    for (int i = 0; status == CXAI_OK && i < cxai_model_node_count(model);
         i++) {
        cxai_hook hook = { .places = CXAI_AFTER_BACKWARD,
                           .node = i,
                           .function = function,
                           .payload = payload };
        if (is_relu(model, i))
            status = cxai_session_add_hook(session, &hook, NULL, error);
    }
    return status;
}
