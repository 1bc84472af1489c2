/* The CAM family: one forward, one backward a target, one function that turns
   a layer's activations and gradients into a map. */
#include <stdlib.h>
#include <string.h>

#include "pass.h"

/* The numbers of a map that is being made. */
typedef struct buffers {
    cxai_grid grid;
    cxai_real *activations, *gradients; /* dense (channels,height,width) */
    cxai_real *map;
} buffers;

static cxai_status one_map(cx_pass *pass, int i, cxai_cam_function *function,
                           const buffers *b, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_cam_layer layer = { b->grid.channels, b->grid.height, b->grid.width,
                             b->activations, b->gradients };
    cxai_tensor view;
    cxai_status status =
        cx_pass_differentiate(pass, &call->results[i].target, 1, &view, error);

    if (status == CXAI_OK) {
        view = cxai_grid_view(&view, &b->grid);
        cxai_tensor_read(&view, b->gradients);
        memset(b->map, 0,
               (size_t)(layer.height * layer.width) * sizeof *b->map);
        function(&layer, b->map);
        status = cxai_heatmap_set_map(call, i, b->map, layer.height,
                                      layer.width, error);
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
    buffers b = { 0 };
    cxai_tensor view;
    cxai_status status =
        cxai_model_grid(call->model, call->shapes, call->layer,
                        call->options->layer_layout, &b.grid, error);

    if (status != CXAI_OK)
        return status;
    size_t positions = (size_t)(b.grid.height * b.grid.width);
    size_t count = (size_t)b.grid.channels * positions;
    b.activations = malloc(count * sizeof *b.activations);
    b.gradients = malloc(count * sizeof *b.gradients);
    b.map = malloc(positions * sizeof *b.map);
    if (!(b.activations && b.gradients && b.map))
        status = cxai_fail(error, CXAI_NO_MEMORY,
                           "no memory for the numbers of layer '%s'",
                           cxai_model_value_name(call->model, call->layer));
    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->layer, &view, error);
    if (status == CXAI_OK) {
        view = cxai_grid_view(&view, &b.grid);
        cxai_tensor_read(&view, b.activations);
    }
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = one_map(pass, i, function, &b, error);
    free(b.activations);
    free(b.gradients);
    free(b.map);
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
