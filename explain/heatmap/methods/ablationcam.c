/*
 * Ablation-CAM. Desai and Ramaswamy, "Ablation-CAM: visual explanations for
 * deep convolutional network via gradient-free localization", WACV 2020,
 * equations 4 and 5, with y_k the score when channel k of the layer is zero:
 *
 *     w_k = (y - y_k) / y
 *     map = ReLU(sum_k w_k A_k)
 *
 * Only what lies behind the layer is run, once a channel.
 *
 * Numbers as pytorch-grad-cam where the layer's smallest activation is 0, as
 * behind a ReLU. Elsewhere it writes the minimum of the batch less 1e7 instead
 * of 0, and that minimum falls with every channel of a batch; the paper's
 * equation stands here. All positions of a channel are ablated, tokens that
 * belong to no patch too. Dividing by y turns the map around where y < 0, as
 * the equation says.
 */
#include <stdlib.h>
#include <string.h>

#include "../cam.h"
#include "../trials.h"

typedef struct ablation {
    cx_layer layer;
    int64_t outer, inner; /* of the channels in the layer's value */
    double *weights;      /* (targets,channels) */
} ablation;

static void find_channels(ablation *a)
{
    const cxai_shape *shape = &a->layer.shape;
    int first = a->layer.grid.layout == CXAI_LAYER_NCHW ||
                a->layer.grid.layout == CXAI_LAYER_NCT;
    int axis = first ? 1 : shape->rank - 1;

    a->outer = a->inner = 1;
    for (int i = 0; i < shape->rank; i++)
        if (i < axis)
            a->outer *= shape->dim[i];
        else if (i > axis)
            a->inner *= shape->dim[i];
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t channel, cxai_real *point)
{
    const ablation *a = payload;
    int64_t channels = a->layer.grid.channels;

    (void)call;
    memcpy(point, a->layer.value,
           (size_t)cxai_shape_count(&a->layer.shape) * sizeof *point);
    for (int64_t i = 0; i < a->outer; i++)
        memset(point + (i * channels + channel) * a->inner, 0,
               (size_t)a->inner * sizeof *point);
}

static void take_scores(const cxai_heatmap_call *call, void *payload,
                        int64_t channel, const double *scores)
{
    const ablation *a = payload;

    for (int i = 0; i < call->target_count; i++) {
        double whole = call->results[i].score;
        a->weights[i * a->layer.grid.channels + channel] =
            (whole - scores[i]) / whole;
    }
}

static cxai_status ablate(const cxai_heatmap_call *call, ablation *a,
                          cxai_error *error)
{
    int64_t channels = a->layer.grid.channels;
    cx_trials trials = {
        .value = call->layer,
        .count = channels,
        .write = write_trial,
        .apart = 1,
        .take = take_scores,
        .payload = a,
    };

    find_channels(a);
    a->weights =
        calloc((size_t)call->target_count, (size_t)channels * sizeof(double));
    if (!a->weights)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for the weights of %lld channels",
                         (long long)channels);
    cxai_status status = cx_try(call, &trials, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = cx_cam_deliver_weights(call, i, a->weights + i * channels,
                                        &a->layer, error);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    ablation a = { 0 };
    cxai_status status = cx_layer_read(&a.layer, call, error);

    if (status == CXAI_OK)
        status = ablate(call, &a, error);
    cx_layer_free(&a.layer);
    free(a.weights);
    return status;
}

const cxai_heatmap_method cxai_method_ablationcam = {
    .name = "ablationcam",
    .title = "Ablation-CAM",
    .family = "CAM",
    .paper = "Desai and Ramaswamy, 2020, WACV",
    .summary = "channels weighted by what the score loses without them",
    .cost = "1 forward, and of what lies behind the layer 1 a channel",
    .needs = CXAI_NEEDS_LAYER | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
