/*
 * SmoothGrad. Smilkov et al., "SmoothGrad: removing noise by adding noise",
 * ICML workshop 2017, section 3: the mean over n noisy pictures x + N(0, s^2)
 * of the signed gradient dy/dx, as captum's NoiseTunnel around
 * Saliency(abs=False) computes it.
 *
 * By default 25 samples and noise of 15 % of the picture's range, in the middle
 * of the 10 to 20 % that the paper's section 3.2 finds best. captum's defaults,
 * 5 samples and deviation 1 whatever the range, are samples 5 and noise 1 here.
 *
 * The noise of sample k at element e is cxai_random_normal(seed, k, e): the
 * same for any batch, number of threads or company of targets.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "cxai/random.h"

enum { default_samples = 25, most_samples = 100000 };

/* of the range of the input */
static const double default_share = 0.15;

static double default_noise(const cxai_heatmap_call *call)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    cxai_real low = call->input[0], high = low;

    for (int64_t e = 1; e < count; e++) {
        low = call->input[e] < low ? call->input[e] : low;
        high = call->input[e] > high ? call->input[e] : high;
    }
    return default_share * (double)(high - low);
}

static void write_sample(const cxai_heatmap_call *call, const void *payload,
                         int64_t index, cxai_real *sample)
{
    double noise = *(const double *)payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    uint64_t seed = call->options->seed;

    for (int64_t e = 0; e < count; e++)
        sample[e] =
            call->input[e] +
            (cxai_real)(noise *
                        cxai_random_normal(seed, (uint32_t)index, (uint64_t)e));
}

static cxai_status average(const cxai_heatmap_call *call, int samples,
                           double *weights, double *sums, cxai_error *error)
{
    double noise =
        call->options->noise < 0 ? default_noise(call) : call->options->noise;
    cx_points points = { samples, weights, write_sample, &noise };

    for (int k = 0; k < samples; k++)
        weights[k] = 1.0 / samples;
    cxai_status status = cx_begin(call, NULL, NULL, error);
    if (status == CXAI_OK)
        status = cx_weighted_gradients(call, &points, sums, error);
    return status == CXAI_OK ? cx_set_attributions(call, sums, NULL, error)
                             : status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int samples =
        call->options->samples ? call->options->samples : default_samples;

    if (samples < 1 || samples > most_samples)
        return cxai_fail(error, CXAI_INVALID, "samples must be 1 to %d, not %d",
                         most_samples, samples);
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    double *weights = malloc((size_t)samples * sizeof *weights);
    double *sums = calloc((size_t)call->target_count, count * sizeof *sums);
    cxai_status status =
        weights && sums
            ? average(call, samples, weights, sums, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for SmoothGrad");
    free(weights);
    free(sums);
    return status;
}

const cxai_heatmap_method cxai_method_smoothgrad = {
    .name = "smoothgrad",
    .title = "SmoothGrad",
    .family = "gradient",
    .paper = "Smilkov et al., 2017, ICML workshop",
    .summary =
        "gradient at the input averaged over noisy copies of the picture",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
