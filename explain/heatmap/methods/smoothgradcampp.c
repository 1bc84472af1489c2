/*
 * Smooth Grad-CAM++. Omeiza et al., "Smooth Grad-CAM++: an enhanced inference
 * level visualization technique for deep convolutional neural network models",
 * arXiv 1908.01224, 2019, equations 7 to 9: the derivatives of Grad-CAM++ are
 * averaged over n noisy pictures,
 *
 *     D_p = mean over the noisy pictures of (dS/dA)^p
 *     a_kij = D_2 / (2 D_2 + (sum_ab A_kab) D_3), 0 where D_2 = 0
 *     w_k = sum_ij a_kij ReLU(D_1)
 *     map = ReLU(sum_k w_k A_k)
 *
 * with the activations A of the picture itself, and y = exp(S) as in
 * Grad-CAM++. The paper prints D_1 as the numerator of a, by oversight, since n
 * = 1 without noise is to be Grad-CAM++; torchcam corrects it as well. torchcam
 * multiplies A and D_3 before the sum, and its ReLU takes the gradient of the
 * last noisy picture alone: neither is the paper's equation, and here it is as
 * above, with 1e-6 in the denominator as in Grad-CAM++.
 *
 * By default n = 4 and noise of deviation 0.3 at the network's input, as
 * torchcam. The noise of sample i at element e is
 * cxai_random_normal(seed, i, e).
 */
#include <stdlib.h>
#include <string.h>

#include "../cam.h"
#include "../noise.h"

enum { default_samples = 4, most_samples = 100000, powers = 3 };

static const double default_noise = 0.3;

typedef struct smoothing {
    cx_layer layer;
    int samples;
    double noise;
    int64_t count;                   /* of numbers of the grid */
    cxai_real *pictures, *gradients; /* (batch,C,H,W), of one item's grid */
    double *sums;    /* (targets,powers,count): of powers of the gradients */
    double *weights; /* [channels] */
} smoothing;

/* Adds the powers of the gradient of target t for one item of the batch. */
static void add_powers(const smoothing *s, const cxai_tensor *gradient,
                       int64_t item, int t)
{
    cxai_tensor one = *gradient;
    double *sums = s->sums + (int64_t)t * powers * s->count;

    one.data += item * one.stride[0];
    one.shape.dim[0] = 1;
    one = cxai_grid_view(&one, &s->layer.grid);
    cxai_tensor_read(&one, s->gradients);
    for (int64_t e = 0; e < s->count; e++) {
        double g = (double)s->gradients[e], power = g;
        for (int p = 0; p < powers; p++, power *= g)
            sums[p * s->count + e] += power / s->samples;
    }
}

static cxai_status add_batch(cx_pass *pass, const smoothing *s, int64_t first,
                             int64_t items, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t size = cxai_shape_count(&call->input_shape);
    cxai_tensor view;

    for (int64_t i = 0; i < items; i++)
        cx_write_noisy(call, s->noise, first + i, s->pictures + i * size);
    cxai_status status = cx_pass_forward(pass, s->pictures, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        status = cx_pass_differentiate(pass, &call->results[t].target, items,
                                       &view, error);
        for (int64_t i = 0; status == CXAI_OK && i < items; i++)
            add_powers(s, &view, i, t);
    }
    return status;
}

static void weigh(const smoothing *s, int t)
{
    int64_t positions = s->layer.grid.height * s->layer.grid.width;
    const double *d1 = s->sums + (int64_t)t * powers * s->count;
    const double *d2 = d1 + s->count, *d3 = d2 + s->count;

    for (int64_t k = 0; k < s->layer.grid.channels; k++) {
        double total = 0, weight = 0;
        for (int64_t e = k * positions; e < (k + 1) * positions; e++)
            total += (double)s->layer.activations[e];
        for (int64_t e = k * positions; e < (k + 1) * positions; e++)
            if (!(d1[e] <= 0))
                weight += d1[e] * d2[e] / (2 * d2[e] + total * d3[e] + 1e-6);
        s->weights[k] = weight;
    }
}

static cxai_status run(cx_pass *pass, smoothing *s, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    size_t size = (size_t)cxai_shape_count(&call->input_shape);
    size_t count = (size_t)s->count;
    cxai_status status = CXAI_OK;

    s->pictures = calloc((size_t)pass->batch, size * sizeof *s->pictures);
    s->gradients = calloc(count, sizeof *s->gradients);
    s->sums =
        calloc((size_t)call->target_count * powers, count * sizeof *s->sums);
    s->weights = calloc((size_t)s->layer.grid.channels, sizeof *s->weights);
    if (!s->pictures || !s->gradients || !s->sums || !s->weights)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for Smooth Grad-CAM++");
    for (int64_t first = 0; status == CXAI_OK && first < s->samples;) {
        int64_t left = s->samples - first;
        int64_t items = left < pass->batch ? left : pass->batch;
        status = cxai_heatmap_progress(call, first, s->samples, error);
        if (status == CXAI_OK)
            status = add_batch(pass, s, first, items, error);
        first += items;
    }
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        weigh(s, t);
        status = cx_cam_deliver_weights(call, t, s->weights, &s->layer, error);
    }
    return status;
}

static cxai_status smooth(const cxai_heatmap_call *call, smoothing *s,
                          cxai_error *error)
{
    cx_pass pass;
    cxai_status status = cx_layer_read(&s->layer, call, error);

    if (status != CXAI_OK)
        return status;
    s->count =
        s->layer.grid.channels * s->layer.grid.height * s->layer.grid.width;
    status = cx_pass_open_batched(&pass, call, call->input_value, call->layer,
                                  s->samples, error);
    if (status != CXAI_OK)
        return status;
    status = run(&pass, s, error);
    cx_pass_close(&pass);
    return status == CXAI_OK
               ? cxai_heatmap_progress(call, s->samples, s->samples, error)
               : status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    smoothing s = {
        .samples = options->samples ? options->samples : default_samples,
        .noise = options->noise < 0 ? default_noise : options->noise,
    };

    if (s.samples < 1 || s.samples > most_samples)
        return cxai_fail(error, CXAI_INVALID, "samples must be 1 to %d, not %d",
                         most_samples, s.samples);
    cxai_status status = smooth(call, &s, error);
    cx_layer_free(&s.layer);
    free(s.pictures);
    free(s.gradients);
    free(s.sums);
    free(s.weights);
    return status;
}

const cxai_heatmap_method cxai_method_smoothgradcampp = {
    .name = "smoothgradcampp",
    .title = "Smooth Grad-CAM++",
    .family = "CAM",
    .paper = "Omeiza et al., 2019, arXiv",
    .summary = "Grad-CAM++ with derivatives averaged over noisy pictures",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES |
             CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
