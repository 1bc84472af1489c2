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

int cx_list_relus(const cxai_model *model, void *payload, cxai_hook *hooks)
{
    const cxai_hook *one = payload;
    int count = 0;

    for (int i = 0; i < cxai_model_node_count(model); i++)
        if (is_relu(model, i))
            hooks[count++] = (cxai_hook){ CXAI_AFTER_BACKWARD, i, NULL,
                                          one->function, one->payload };
    return count;
}
