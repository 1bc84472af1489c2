/* The CAM family: one forward, one backward a target, one function that turns
   a layer's activations and gradients into a map. */
#include <stdlib.h>
#include <string.h>

#include "pass.h"

static cxai_status one_map(cx_pass *pass, int i, cxai_cam_function *function,
                           const cxai_cam_layer *layer, cxai_real *gradients,
                           cxai_real *map, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_status status =
        cx_pass_backward(pass, &call->results[i].target, 1, gradients, error);

    if (status == CXAI_OK) {
        memset(map, 0, (size_t)(layer->height * layer->width) * sizeof *map);
        function(layer, map);
        status = cxai_heatmap_set_map(call, i, map, layer->height, layer->width,
                                      error);
    }
    if (status == CXAI_OK)
        status = cxai_heatmap_progress(call, 1 + i + 1, 1 + call->target_count,
                                       error);
    return status;
}

static cxai_status all_maps(cx_pass *pass, cxai_cam_function *function,
                            cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    const int64_t *dim = call->shapes[call->layer].dim;
    size_t positions = (size_t)(dim[2] * dim[3]);
    size_t count = (size_t)dim[1] * positions;
    cxai_real *activations = malloc(count * sizeof *activations);
    cxai_real *gradients = malloc(count * sizeof *gradients);
    cxai_real *map = malloc(positions * sizeof *map);
    cxai_cam_layer layer = { dim[1], dim[2], dim[3], activations, gradients };
    cxai_tensor view;
    cxai_status status =
        cxai_session_value(pass->session, call->layer, &view, error);

    if (status == CXAI_OK && !(activations && gradients && map))
        status = cxai_fail(error, CXAI_NO_MEMORY,
                           "no memory for the numbers of layer '%s'",
                           cxai_model_value_name(call->model, call->layer));
    if (status == CXAI_OK)
        cxai_tensor_read(&view, activations);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = one_map(pass, i, function, &layer, gradients, map, error);
    free(activations);
    free(gradients);
    free(map);
    return status;
}

cxai_status cxai_heatmap_cam(const cxai_heatmap_call *call,
                             cxai_cam_function *function, cxai_error *error)
{
    cx_pass pass;
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK)
        status = cx_pass_open(&pass, call, call->layer, 1, error);
    if (status != CXAI_OK)
        return status;
    status = cx_pass_forward(&pass, call->input, error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass.session, error);
    if (status == CXAI_OK)
        status = all_maps(&pass, function, error);
    cx_pass_close(&pass);
    return status;
}
