/* The CAM family: one forward, one backward a target, one function that weighs
   a layer's activations by its gradients. */
#include "cam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eigen.h"

static cxai_status no_memory(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory for the numbers of layer '%s'",
                     cxai_model_value_name(call->model, call->layer));
}

/* ---- from weighed activations to a map ----------------------------------- */

/* The sums over channels of the numbers, or of their magnitudes. */
static void add_channels(const cxai_real *weighed, const cxai_grid *grid,
                         int magnitudes, double *sums)
{
    int64_t positions = grid->height * grid->width;

    memset(sums, 0, (size_t)positions * sizeof *sums);
    for (int64_t k = 0; k < grid->channels; k++)
        for (int64_t p = 0; p < positions; p++) {
            double number = (double)weighed[k * positions + p];
            sums[p] += magnitudes ? fabs(number) : number;
        }
}

cxai_status cx_cam_deliver(const cxai_heatmap_call *call, int i,
                           cx_cam_reduction reduction, const cxai_real *weighed,
                           const cxai_grid *grid, cxai_error *error)
{
    int64_t positions = grid->height * grid->width;
    double *sums = malloc((size_t)positions * sizeof *sums);
    cxai_real *map = malloc((size_t)positions * sizeof *map);
    cxai_status status = sums && map ? CXAI_OK : no_memory(call, error);

    if (status == CXAI_OK) {
        add_channels(weighed, grid, reduction == CX_CAM_BY_MAGNITUDE, sums);
        if (reduction == CX_CAM_SUM && !call->options->eigen_smooth)
            for (int64_t p = 0; p < positions; p++)
                map[p] = (cxai_real)sums[p];
        else
            status = cx_principal_map(
                weighed, grid->channels, positions,
                reduction == CX_CAM_BY_EXTREME ? NULL : sums, map, error);
    }
    if (status == CXAI_OK)
        status = cxai_heatmap_set_map(call, i, map, grid->height, grid->width,
                                      error);
    free(sums);
    free(map);
    return status;
}

cxai_status cx_cam_deliver_weights(const cxai_heatmap_call *call, int i,
                                   const double *weights, const cx_layer *layer,
                                   cxai_error *error)
{
    int64_t positions = layer->grid.height * layer->grid.width;
    size_t count = (size_t)(layer->grid.channels * positions);
    cxai_real *weighed = malloc(count * sizeof *weighed);

    if (!weighed)
        return no_memory(call, error);
    for (int64_t k = 0; k < layer->grid.channels; k++)
        for (int64_t p = k * positions; p < (k + 1) * positions; p++)
            weighed[p] =
                (cxai_real)(weights[k] * (double)layer->activations[p]);
    cxai_status status =
        cx_cam_deliver(call, i, CX_CAM_SUM, weighed, &layer->grid, error);
    free(weighed);
    return status;
}

double cx_mean_gradient(const cxai_real *activation, const cxai_real *gradient,
                        int64_t positions)
{
    double sum = 0;

    (void)activation;
    for (int64_t i = 0; i < positions; i++)
        sum += (double)gradient[i];
    return sum / (double)positions;
}

void cx_weigh_channels(const cxai_cam_layer *layer, cx_channel_weight *weight,
                       cxai_real *weighed)
{
    int64_t positions = layer->height * layer->width;

    for (int64_t k = 0; k < layer->channels; k++) {
        const cxai_real *activation = layer->activations + k * positions;
        cxai_real share = (cxai_real)weight(
            activation, layer->gradients + k * positions, positions);
        for (int64_t i = 0; i < positions; i++)
            weighed[k * positions + i] = share * activation[i];
    }
}

/* ---- the layer ----------------------------------------------------------- */

/* The activations alone. */
static cxai_status read_activations(cx_layer *layer, const cx_pass *pass,
                                    cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_tensor view;
    cxai_status status =
        cxai_model_grid(call->model, call->shapes, call->layer,
                        call->options->layer_layout, &layer->grid, error);

    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->layer, &view, error);
    if (status != CXAI_OK)
        return status;
    layer->shape = view.shape;
    size_t count =
        (size_t)(layer->grid.channels * layer->grid.height * layer->grid.width);
    layer->activations = malloc(count * sizeof *layer->activations);
    if (!layer->activations)
        return no_memory(call, error);
    view = cxai_grid_view(&view, &layer->grid);
    cxai_tensor_read(&view, layer->activations);
    return CXAI_OK;
}

static cxai_status read_value(cx_layer *layer, const cx_pass *pass,
                              cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    cxai_tensor view;
    size_t size = (size_t)cxai_shape_count(&layer->shape);
    cxai_status status =
        cxai_session_value(pass->session, call->layer, &view, error);

    layer->value = malloc(size * sizeof *layer->value);
    if (status == CXAI_OK && !layer->value)
        return no_memory(call, error);
    if (status == CXAI_OK)
        cxai_tensor_read(&view, layer->value);
    return status;
}

cxai_status cx_layer_read(cx_layer *layer, const cxai_heatmap_call *call,
                          cxai_error *error)
{
    cx_pass pass;
    cxai_status status = cx_pass_open_forward(&pass, call, call->layer, error);

    memset(layer, 0, sizeof *layer);
    if (status != CXAI_OK)
        return status;
    status = cx_pass_forward(&pass, call->input, error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass.session, error);
    if (status == CXAI_OK)
        status = read_activations(layer, &pass, error);
    if (status == CXAI_OK)
        status = read_value(layer, &pass, error);
    cx_pass_close(&pass);
    return status;
}

void cx_layer_free(cx_layer *layer)
{
    free(layer->value);
    free(layer->activations);
}

/* ---- whole methods ------------------------------------------------------- */

typedef struct buffers {
    cx_layer layer;
    cxai_real *weighed; /* dense, of the grid; at first the gradients */
} buffers;

static cxai_status differentiate(cx_pass *pass, int i, const cx_cam *cam,
                                 cxai_tensor *view, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;

    if (!cam->seed)
        return cx_pass_differentiate(pass, &call->results[i].target, 1, view,
                                     error);
    cxai_status status = cam->seed(pass, i, pass->seed, error);
    if (status == CXAI_OK)
        status = cxai_session_backward(pass->session, pass->seed, error);
    return status == CXAI_OK
               ? cxai_session_gradient(pass->session, pass->wrt, view, error)
               : status;
}

static cxai_status one_map(cx_pass *pass, int i, const cx_cam *cam,
                           const buffers *b, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    const cxai_grid *grid = &b->layer.grid;
    cxai_cam_layer layer = { grid->channels, grid->height, grid->width,
                             b->layer.activations, b->weighed };
    cxai_status status = CXAI_OK;

    if (!cam->forward_only) {
        cxai_tensor view;
        status = differentiate(pass, i, cam, &view, error);
        if (status == CXAI_OK) {
            view = cxai_grid_view(&view, grid);
            cxai_tensor_read(&view, b->weighed);
        }
    }
    if (status == CXAI_OK) {
        cam->weigh(&layer, b->weighed);
        status =
            cx_cam_deliver(call, i, cam->reduction, b->weighed, grid, error);
    }
    if (status == CXAI_OK)
        status = cxai_heatmap_progress(call, 1 + i + 1, 1 + call->target_count,
                                       error);
    return status;
}

static cxai_status all_maps(cx_pass *pass, const cx_cam *cam, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    buffers b = { 0 };
    const cxai_grid *grid = &b.layer.grid;
    cxai_status status = read_activations(&b.layer, pass, error);

    if (status == CXAI_OK) {
        size_t count = (size_t)(grid->channels * grid->height * grid->width);
        b.weighed = malloc(count * sizeof *b.weighed);
        if (!b.weighed)
            status = no_memory(call, error);
    }
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = one_map(pass, i, cam, &b, error);
    cx_layer_free(&b.layer);
    free(b.weighed);
    return status;
}

cxai_status cx_cam_compute(const cxai_heatmap_call *call, const cx_cam *cam,
                           cxai_error *error)
{
    cx_pass pass;
    cxai_status status =
        cxai_heatmap_progress(call, 0, 1 + call->target_count, error);

    if (status == CXAI_OK && cam->forward_only)
        status = cx_pass_open_forward(&pass, call, call->layer, error);
    else if (status == CXAI_OK)
        status = cx_pass_open(&pass, call, call->layer, 1, error);
    if (status != CXAI_OK)
        return status;
    status = cx_pass_forward(&pass, call->input, error);
    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass.session, error);
    if (status == CXAI_OK)
        status = all_maps(&pass, cam, error);
    cx_pass_close(&pass);
    return status;
}

cxai_status cxai_heatmap_cam(const cxai_heatmap_call *call,
                             cxai_cam_function *function, cxai_error *error)
{
    cx_cam cam = { .weigh = function };

    return cx_cam_compute(call, &cam, error);
}
