/*
 * FEM, feature explanation method. Fuad et al., "Features understanding in 3D
 * CNNs for actions recognition in video", IPTA 2020, the k-sigma rule: a
 * channel is reduced to where it is unusually strong, and weighted by its mean,
 *
 *     map = sum_c mean(A_c) [A_c > mean(A_c) + k std(A_c)]
 *
 * without a class or a gradient: the same for all targets. So do the authors'
 * own program and xplique. pytorch-grad-cam weighs the other way round,
 * sum_c mean([A_c > ...]) A_c, which lets all of a channel through:
 * form=activations.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cam.h"

/* Weighs one channel of n positions. */
static void weigh_channel(const cxai_real *activation, int64_t n, double k,
                          int masks, cxai_real *weighed)
{
    double mean = 0, squares = 0, share = 0;

    for (int64_t i = 0; i < n; i++)
        mean += (double)activation[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double difference = (double)activation[i] - mean;
        squares += difference * difference;
    }
    double threshold = mean + k * sqrt(squares / (double)n);
    for (int64_t i = 0; i < n; i++)
        share += (double)activation[i] > threshold ? 1.0 / (double)n : 0;
    for (int64_t i = 0; i < n; i++) {
        double number = (double)activation[i];
        if (!masks)
            weighed[i] = (cxai_real)(share * number);
        else if (!(number <= threshold))
            weighed[i] = (cxai_real)mean;
    }
}

static cxai_status deliver(const cxai_heatmap_call *call, const cx_layer *layer,
                           cxai_real *weighed, cxai_error *error)
{
    int64_t positions = layer->grid.height * layer->grid.width;
    double k = cxai_heatmap_setting(call, "k");
    int masks = cxai_heatmap_setting(call, "form") == 0;
    cxai_status status = CXAI_OK;

    for (int64_t c = 0; c < layer->grid.channels; c++)
        weigh_channel(layer->activations + c * positions, positions, k, masks,
                      weighed + c * positions);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status =
            cx_cam_deliver(call, i, CX_CAM_SUM, weighed, &layer->grid, error);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_layer layer = { 0 };
    cxai_real *weighed = NULL;
    cxai_status status = cxai_heatmap_progress(call, 0, 1, error);

    if (status == CXAI_OK)
        status = cx_layer_read(&layer, call, error);
    if (status == CXAI_OK) {
        size_t positions = (size_t)(layer.grid.height * layer.grid.width);
        weighed =
            calloc((size_t)layer.grid.channels, positions * sizeof *weighed);
        status = weighed ? deliver(call, &layer, weighed, error)
                         : cxai_fail(error, CXAI_NO_MEMORY,
                                     "no memory for the channels of FEM");
    }
    free(weighed);
    cx_layer_free(&layer);
    return status == CXAI_OK ? cxai_heatmap_progress(call, 1, 1, error)
                             : status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "k", 2, 0, 100, NULL, "standard deviations above the mean" },
    { "form", 0, 0, 0, "masks activations",
      "what is weighted: the paper's, or pytorch-grad-cam's" },
    { 0 },
};

const cxai_heatmap_method cxai_method_fem = {
    .name = "fem",
    .title = "FEM",
    .family = "CAM",
    .paper = "Fuad et al., 2020, IPTA",
    .summary = "where channels are unusually strong, without a class",
    .cost = "1 forward",
    .needs = CXAI_NEEDS_LAYER | CXAI_SUMS_CHANNELS,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
