#include "lrp_standardise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct norm {
    int centred; /* 0: RMSNormalization */
    double epsilon;
    int64_t count;    /* of the numbers that are normalised together */
    cxai_real *gamma; /* [count] */
} norm;

/* One group of numbers; dy becomes dx. */
static void differentiate(const norm *n, const cxai_real *x, cxai_real *dy)
{
    double mean = 0, square = 0, mean_dy = 0;

    for (int64_t i = 0; n->centred && i < n->count; i++)
        mean += (double)x[i] / (double)n->count;
    for (int64_t i = 0; i < n->count; i++) {
        double distance = (double)x[i] - mean;
        square += distance * distance / (double)n->count;
        dy[i] *= n->gamma[i];
        mean_dy += (double)dy[i] / (double)n->count;
    }
    double deviation = sqrt(square + n->epsilon);
    if (!n->centred)
        mean_dy = 0;
    for (int64_t i = 0; i < n->count; i++)
        dy[i] = (cxai_real)(((double)dy[i] - mean_dy) / deviation);
}

/* numbers: x, dy and gamma, dense, behind each other */
static void differentiate_all(const cxai_hook_call *call, norm *n, int threads,
                              cxai_real *numbers)
{
    const cxai_tensor *dx = &call->input_gradients[0];
    int64_t total = cxai_shape_count(&dx->shape);
    cxai_real *x = numbers, *dy = x + total;

    n->gamma = dy + total;
    cxai_tensor_read(&call->inputs[0], x);
    cxai_tensor_read(&call->output_gradients[0], dy);
    cxai_tensor_read(&call->inputs[1], n->gamma);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t at = 0; at < total; at += n->count)
        differentiate(n, x + at, dy + at);
    cxai_tensor_write(dx, dy);
}

cxai_status cx_lrp_standardise(const cxai_hook_call *call,
                               const cxai_model *model, int threads,
                               cxai_error *error)
{
    const cxai_tensor *dx = &call->input_gradients[0];
    cxai_node node = cxai_model_node(model, call->node);
    int axis = (int)cxai_model_attribute(model, call->node, "axis", -1);
    norm n = {
        .centred = strcmp(node.operator_type, "LayerNormalization") == 0,
        .epsilon = cxai_model_attribute(model, call->node, "epsilon", 1e-5),
        .count = 1,
    };

    if (!dx->data)
        return CXAI_OK;
    for (int d = axis < 0 ? axis + dx->shape.rank : axis; d < dx->shape.rank;
         d++)
        n.count *= dx->shape.dim[d];
    if (cxai_shape_count(&call->inputs[1].shape) != n.count)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "relevance cannot pass the norm that makes '%s': its "
                         "scale is broadcast",
                         cxai_model_value_name(model, node.outputs[0]));
    size_t total = (size_t)cxai_shape_count(&dx->shape);
    cxai_real *numbers =
        malloc((2 * total + (size_t)n.count) * sizeof *numbers);
    if (!numbers)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a layer norm");
    differentiate_all(call, &n, threads, numbers);
    free(numbers);
    return CXAI_OK;
}
