#include "noise.h"

#include <stdlib.h>

#include "cxai/random.h"
#include "gradient.h"

enum { default_samples = 25, most_samples = 100000 };

/* of the range of the input */
static const double default_share = 0.15;

typedef struct noisy {
    double noise;
    int samples;
    cx_moments *moments;
} noisy;

cxai_status cx_sample_count(const cxai_heatmap_call *call, int standard,
                            int *samples, cxai_error *error)
{
    *samples = call->options->samples ? call->options->samples : standard;
    if (*samples >= 1 && *samples <= most_samples)
        return CXAI_OK;
    return cxai_fail(error, CXAI_INVALID, "samples must be 1 to %d, not %d",
                     most_samples, *samples);
}

void cx_write_noisy(const cxai_heatmap_call *call, double noise, int64_t index,
                    cxai_real *point)
{
    enum { RUN = 1024 };
    int64_t count = cxai_shape_count(&call->input_shape);
    int threads = call->options->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < count; first += RUN) {
        double z[RUN];
        int64_t run = count - first < RUN ? count - first : RUN;

        cxai_random_normals(call->options->seed, (uint32_t)index,
                            (uint64_t)first, (size_t)run, z);
        for (int64_t e = 0; e < run; e++)
            point[first + e] =
                call->input[first + e] + (cxai_real)(noise * z[e]);
    }
}

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

static void write_point(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    cx_write_noisy(call, ((const noisy *)payload)->noise, index, point);
}

static void take(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value)
{
    const noisy *n = payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    double *sum = n->moments->gradient + target * count;
    double *square = n->moments->square + target * count;

    double share = 1.0 / n->samples;
    int threads = call->options->threads;

    (void)index;
    (void)value;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t e = 0; e < count; e++) {
        double g = (double)gradient[e] * share;
        sum[e] += g;
        square[e] += g * (double)gradient[e];
    }
}

cxai_status cx_noisy_moments(const cxai_heatmap_call *call, cx_moments *moments,
                             cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    size_t targets = (size_t)call->target_count;
    noisy n = { .noise = call->options->noise, .moments = moments };
    cx_points points = { .feed = call->input_value,
                         .wrt = call->input_value,
                         .write = write_point,
                         .take = take,
                         .payload = &n };
    cxai_status status =
        cx_sample_count(call, default_samples, &n.samples, error);

    if (status != CXAI_OK)
        return status;
    points.count = n.samples;
    if (n.noise < 0)
        n.noise = default_noise(call);
    moments->gradient = calloc(targets, count * sizeof *moments->gradient);
    moments->square = calloc(targets, count * sizeof *moments->square);
    status = moments->gradient && moments->square
                 ? cx_begin(call, NULL, NULL, error)
                 : cxai_fail(error, CXAI_NO_MEMORY, "no memory for %s",
                             call->method->title);
    if (status == CXAI_OK)
        status = cx_gradients(call, &points, error);
    if (status != CXAI_OK)
        cx_moments_free(moments);
    return status;
}

void cx_moments_free(cx_moments *moments)
{
    free(moments->gradient);
    free(moments->square);
}
