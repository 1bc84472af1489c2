/*
 * SS-CAM. Wang et al., "SS-CAM: smoothed Score-CAM for sharper visual feature
 * localization", arXiv 2006.14255, 2020, equation 4 with noise on the mask
 * (section 3, first kind): Score-CAM with the mean score of n noisy masks,
 *
 *     w = softmax_k 1/n sum_i f(X . (up(norm(A_k)) + d_i)),  d_i ~ N(0, s^2)
 *
 * As torchcam, with its defaults n = 35 and s = 2, those of the paper; noise is
 * drawn for each pixel, channel and sample. Channels are normalised and then
 * enlarged bilinearly from pixel centres.
 *
 * The noise of sample i of channel k at pixel p is
 * cxai_random_normal(seed, k n + i, p): the same for any batch or threads.
 */
#include "../noise.h"
#include "../scorecam.h"

enum { default_samples = 35, most_samples = 100000 };

static const double default_noise = 2;

static int samples_of(const cxai_heatmap_call *call)
{
    return call->options->samples ? call->options->samples : default_samples;
}

static void make_mask(const cxai_heatmap_call *call, const cxai_grid *grid,
                      const cxai_real *channel, int64_t number, int64_t sample,
                      cxai_real *mask)
{
    double noise =
        call->options->noise < 0 ? default_noise : call->options->noise;
    uint32_t stream = (uint32_t)(number * samples_of(call) + sample);

    cx_scorecam_mask(call, grid, channel, 1, mask);
    cx_add_noise(call->options->seed, stream, noise, 0,
                 call->height * call->width, mask);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_scorecam method = {
        .samples = samples_of(call),
        .differ = 1,
        .mask = make_mask,
    };

    if (method.samples < 1 || method.samples > most_samples)
        return cxai_fail(error, CXAI_INVALID, "samples must be 1 to %d, not %d",
                         most_samples, method.samples);
    return cx_scorecam_compute(call, &method, error);
}

const cxai_heatmap_method cxai_method_sscam = {
    .name = "sscam",
    .title = "SS-CAM",
    .family = "CAM",
    .paper = "Wang et al., 2020, arXiv",
    .summary = "Score-CAM with scores averaged over noisy masks",
    .cost = "1 + channels x samples forward",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_SAMPLES | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
