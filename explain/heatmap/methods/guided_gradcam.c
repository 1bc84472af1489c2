/*
 * Guided Grad-CAM. Selvaraju et al., "Grad-CAM", ICCV 2017, section 3.2: guided
 * backpropagation times the Grad-CAM map of a layer, enlarged to the input's
 * size. Numbers as captum: the map after ReLU, not scaled, enlarged by nearest
 * neighbour; the paper enlarges bilinearly.
 */
#include "../gradient.h"
#include "../guided.h"

/* Leaves the raw Grad-CAM maps in the results for the while. */
static cxai_status raw_maps(const cxai_heatmap_call *call, cxai_error *error)
{
    cxai_heatmap_options options = *call->options;
    cxai_heatmap_call raw = *call;
    const cxai_heatmap_method *gradcam;
    cxai_status status = cxai_heatmap_find(&gradcam, "gradcam", error);

    options.raw = 1;
    options.progress = NULL;
    raw.options = &options;
    return status == CXAI_OK ? gradcam->compute(&raw, error) : status;
}

/* gradient *= ReLU(map at the nearest position below); the map is replaced by
   the product. */
static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    const cxai_heatmap *map = &call->results[i];
    int64_t rows = map->shape.dim[0], columns = map->shape.dim[1];
    int last = call->options->channels_last != 0;
    int64_t positions = call->height * call->width;
    int64_t channel_step = last ? 1 : positions;
    int64_t position_step = last ? call->channels : 1;

    for (int64_t k = 0; k < positions; k++) {
        int64_t row = k / call->width * rows / call->height;
        int64_t column = k % call->width * columns / call->width;
        cxai_real heat = map->data[row * columns + column];
        for (int64_t c = 0; c < call->channels; c++)
            gradient[c * channel_step + k * position_step] *=
                heat < 0 ? 0 : heat;
    }
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cxai_status status = raw_maps(call, error);

    return status == CXAI_OK
               ? cx_input_gradients(call, cx_guide, NULL, finish, error)
               : status;
}

const cxai_heatmap_method cxai_method_guided_gradcam = {
    .name = "guided_gradcam",
    .title = "Guided Grad-CAM",
    .family = "gradient",
    .paper = "Selvaraju et al., 2017, ICCV",
    .summary = "guided backpropagation where the Grad-CAM map is positive",
    .cost = "2 forward, 2 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
