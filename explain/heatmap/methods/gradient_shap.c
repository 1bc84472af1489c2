/*
 * GradientSHAP, which is expected gradients with noise. Erion et al.,
 * "Improving performance of deep learning models with axiomatic attribution
 * priors and expected gradients", Nature Machine Intelligence 2021, equation 3:
 * the mean of
 *
 *     (x - x') dy/dx at x' + a (x - x')
 *
 * over baselines x' drawn among the given ones and a drawn evenly from 0..1. As
 * captum's GradientShap, x is x + N(0, s^2) in each sample, drawn anew; by
 * default s is 0, which is the paper's method, and there are 50 samples (captum
 * takes 5). With one baseline it is integrated gradients by chance.
 *
 * Sample k draws a as number k of stream 2^32-1 of the seed, its baseline as
 * number k of stream 2^32-2 (uniform u: baseline floor(u count)), its noise as
 * noise.h says.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../points.h"
#include "cxai/random.h"

enum { default_samples = 50 };

typedef struct draws {
    double noise;
    int samples;
    int64_t slots;   /* samples of a batch, at most */
    cxai_real *ways; /* (slots, C,H,W): x - x' of the samples under way */
    double *sums;
} draws;

/* The baseline of a sample, or NULL for 0. */
static const cxai_real *baseline_of(const cxai_heatmap_call *call,
                                    int64_t sample)
{
    const cxai_heatmap_options *options = call->options;
    int count = options->baseline_count > 0 ? options->baseline_count : 1;
    double u =
        cxai_random_uniform(options->seed, UINT32_MAX - 1, (uint64_t)sample);

    return options->baseline
               ? options->baseline +
                     (int64_t)(u * count) * cxai_shape_count(&call->input_shape)
               : NULL;
}

static void write_sample(const cxai_heatmap_call *call, void *payload,
                         int64_t index, cxai_real *point)
{
    const draws *d = payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    const cxai_real *baseline = baseline_of(call, index);
    cxai_real *way = d->ways + index % d->slots * count;
    cxai_real a = (cxai_real)cxai_random_uniform(call->options->seed,
                                                 UINT32_MAX, (uint64_t)index);

    if (d->noise > 0)
        cx_write_noisy(call, d->noise, index, way);
    for (int64_t e = 0; e < count; e++) {
        cxai_real x = d->noise > 0 ? way[e] : call->input[e];
        cxai_real from = baseline ? baseline[e] : 0;
        way[e] = x - from;
        point[e] = from + a * way[e];
    }
}

static void take(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value)
{
    const draws *d = payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    const cxai_real *way = d->ways + index % d->slots * count;
    double *sum = d->sums + target * count;

    (void)value;
    for (int64_t e = 0; e < count; e++)
        sum[e] += (double)way[e] * (double)gradient[e] / d->samples;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    draws d = { .noise = call->options->noise };
    cx_points points = { .feed = call->input_value,
                         .wrt = call->input_value,
                         .write = write_sample,
                         .take = take,
                         .payload = &d };
    cxai_status status =
        cx_sample_count(call, default_samples, &d.samples, error);

    if (status != CXAI_OK)
        return status;
    points.count = d.samples;
    d.slots =
        call->options->batch < d.samples ? call->options->batch : d.samples;
    d.ways = calloc((size_t)d.slots, count * sizeof *d.ways);
    d.sums = calloc((size_t)call->target_count, count * sizeof *d.sums);
    status = d.ways && d.sums ? cx_begin(call, NULL, NULL, error)
                              : cxai_fail(error, CXAI_NO_MEMORY,
                                          "no memory for GradientSHAP");
    if (status == CXAI_OK)
        status = cx_gradients(call, &points, error);
    if (status == CXAI_OK)
        status = cx_set_attributions(call, d.sums, NULL, error);
    free(d.ways);
    free(d.sums);
    return status;
}

const cxai_heatmap_method cxai_method_gradient_shap = {
    .name = "gradient_shap",
    .title = "GradientSHAP",
    .family = "path",
    .paper = "Erion et al., 2021, Nature Machine Intelligence",
    .summary = "expected gradients: gradient at random places between the "
               "picture and random baselines, times the way",
    .cost = "1 + samples forward, samples backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
