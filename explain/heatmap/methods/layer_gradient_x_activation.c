/*
 * Layer gradient x activation: A dy/dA for each number A of a layer, as
 * captum's LayerGradientXActivation; input x gradient (Shrikumar et al., 2016)
 * one layer further on. Its sum over channels is HiRes-CAM's map.
 */
#include <stdlib.h>
#include <string.h>

#include "../layer.h"
#include "../points.h"

static void write_picture(const cxai_heatmap_call *call, void *payload,
                          int64_t index, cxai_real *point)
{
    (void)payload;
    (void)index;
    memcpy(point, call->input,
           (size_t)cxai_shape_count(&call->input_shape) * sizeof *point);
}

static void take(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value)
{
    int64_t count = cxai_shape_count(&call->shapes[call->layer]);
    double *product = (double *)payload + target * count;

    (void)index;
    for (int64_t e = 0; e < count; e++)
        product[e] = (double)gradient[e] * (double)value[e];
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    double *products = cx_layer_sums(call, error);
    cx_points points = { .feed = call->input_value,
                         .wrt = call->layer,
                         .count = 1,
                         .write = write_picture,
                         .take = take,
                         .with_values = 1,
                         .begins = 1,
                         .payload = products };

    if (!products)
        return CXAI_NO_MEMORY;
    cxai_status status = cx_gradients(call, &points, error);
    if (status == CXAI_OK)
        status = cx_set_layers(call, products, NULL, error);
    free(products);
    return status;
}

const cxai_heatmap_method cxai_method_layer_gradient_x_activation = {
    .name = "layer_gradient_x_activation",
    .title = "Layer gradient x activation",
    .family = "layer",
    .paper = "Shrikumar et al., 2016, arXiv",
    .summary = "each number of a layer times its gradient",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_LAYER,
    .compute = compute,
};
