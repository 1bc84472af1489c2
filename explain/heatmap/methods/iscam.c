/*
 * IS-CAM. Naidu et al., "IS-CAM: integrated Score-CAM for axiomatic-based
 * explanations", arXiv 2010.03023, 2020: Score-CAM with the mean score of n
 * masks of growing strength,
 *
 *     w = softmax_k 1/n sum_i f(c_i X . up(norm(A_k)))
 *
 * As torchcam, n = 10 and c_i = 1/n + 2/n + ... + i/n, which goes on past the
 * whole picture, to (n + 1) / 2. With path=straight c_i = i/n, an integral that
 * ends at the mask itself.
 */
#include "../scorecam.h"

enum { default_samples = 10, most_samples = 100000 };

static int samples_of(const cxai_heatmap_call *call)
{
    return call->options->samples ? call->options->samples : default_samples;
}

static void make_mask(const cxai_heatmap_call *call, const cxai_grid *grid,
                      const cxai_real *channel, int64_t number, int64_t sample,
                      cxai_real *mask)
{
    double i = (double)(sample + 1), n = samples_of(call);
    int straight = cxai_heatmap_setting(call, "path") == 1;

    (void)number;
    cx_scorecam_mask(call, grid, channel,
                     straight ? i / n : i * (i + 1) / (2 * n), mask);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_scorecam method = { .samples = samples_of(call), .mask = make_mask };

    if (method.samples < 1 || method.samples > most_samples)
        return cxai_fail(error, CXAI_INVALID, "samples must be 1 to %d, not %d",
                         most_samples, method.samples);
    return cx_scorecam_compute(call, &method, error);
}

static const cxai_heatmap_parameter parameters[] = {
    { "path", 0, 0, 0, "cumulative straight", "how the mask grows" },
    { 0 },
};

const cxai_heatmap_method cxai_method_iscam = {
    .name = "iscam",
    .title = "IS-CAM",
    .family = "CAM",
    .paper = "Naidu et al., 2020, arXiv",
    .summary = "Score-CAM with scores averaged over masks of growing strength",
    .cost = "1 + channels x samples forward",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_SAMPLES | CXAI_SUMS_CHANNELS,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
