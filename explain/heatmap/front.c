#include "front.h"

#include <stdlib.h>
#include <string.h>

#include "types.h"

/* Affine in their first input, or in either of two, when the others are
   weights; the batch stays the first axis. */
static const char affine[] =
    "Conv BatchNormalization AveragePool Pad Identity Dropout Add Sub Mul";

static int is_weight(const cxai_model *model, int value)
{
    for (int i = 0; i < cxai_model_input_count(model); i++)
        if (cxai_model_input(model, i) == value)
            return 0;
    return value < 0 || cxai_model_producer(model, value) < 0;
}

/* The only node that reads a value, or -1. */
static int only_reader(const cxai_model *model, int value)
{
    int found = -1, count = 0;

    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        for (int i = 0; i < node.input_count; i++)
            if (node.inputs[i] == value) {
                found = n;
                count++;
            }
    }
    return count == 1 ? found : -1;
}

/* What an affine node makes of a value and weights alone, or -1. */
static int image_of(const cxai_heatmap_call *call, const cxai_node *node,
                    int value)
{
    int result = node->output_count > 0 ? node->outputs[0] : -1;

    if (!cx_is_one_of(node->operator_type, affine) || node->domain[0] != '\0' ||
        result < 0 || result == call->value)
        return -1;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] != value &&
            !is_weight(call->model, node->inputs[i]))
            return -1;
    return result;
}

int cx_front_value(const cxai_heatmap_call *call)
{
    int value = call->input_value, last = value, convolves = 0;

    while (value >= 0) {
        last = value;
        int reader = only_reader(call->model, value);
        if (reader < 0)
            break;
        cxai_node node = cxai_model_node(call->model, reader);
        value = image_of(call, &node, value);
        convolves |= value >= 0 && strcmp(node.operator_type, "Conv") == 0;
    }
    return convolves ? last : call->input_value;
}

/* ---- carrying gradients back --------------------------------------------- */

static cxai_status pull_one(cxai_session *session,
                            const cxai_heatmap_call *call,
                            const cxai_real *seed, cxai_real *gradient,
                            double *sum, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_tensor view;
    cxai_status status = cxai_session_backward(session, seed, error);

    if (status == CXAI_OK)
        status =
            cxai_session_gradient(session, call->input_value, &view, error);
    if (status != CXAI_OK)
        return status;
    cxai_tensor_read(&view, gradient);
    for (int64_t e = 0; e < count; e++)
        sum[e] = (double)gradient[e];
    return CXAI_OK;
}

static cxai_status pull(cxai_session *session, const cxai_heatmap_call *call,
                        int value, const double *numbers, double *sums,
                        cxai_error *error)
{
    int64_t inner = cxai_shape_count(&call->shapes[value]);
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_real *seed = malloc((size_t)inner * sizeof *seed);
    cxai_real *gradient = malloc((size_t)count * sizeof *gradient);
    cxai_status status =
        seed && gradient
            ? cxai_session_forward(session, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for gradients");

    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        for (int64_t e = 0; e < inner; e++)
            seed[e] = (cxai_real)numbers[t * inner + e];
        status =
            pull_one(session, call, seed, gradient, sums + t * count, error);
    }
    free(seed);
    free(gradient);
    return status;
}

cxai_status cx_front_pull(const cxai_heatmap_call *call, int value,
                          const double *numbers, double *sums,
                          cxai_error *error)
{
    int input = call->input_value;
    size_t count =
        (size_t)(call->target_count * cxai_shape_count(&call->input_shape));
    cxai_request request = {
        .input_shape = call->input_shape,
        .feed = &input,
        .feed_count = 1,
        .target = value,
        .wrt = &input,
        .wrt_count = 1,
        .direct = (call->method->needs & CXAI_NEEDS_DIRECT) != 0,
        .threads = call->options->threads,
        .max_bytes = call->options->max_bytes,
    };
    cxai_session *session;

    if (value == input) {
        memcpy(sums, numbers, count * sizeof *sums);
        return CXAI_OK;
    }
    cxai_status status =
        cxai_session_create(&session, call->model, &request, error);
    if (status != CXAI_OK)
        return status;
    status = pull(session, call, value, numbers, sums, error);
    cxai_session_free(&session);
    return status;
}
