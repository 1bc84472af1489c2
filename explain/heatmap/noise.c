#include "noise.h"

#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "front.h"
#include "gradient.h"
#include "points.h"

enum { default_samples = 25, most_samples = 100000, RUN = 1024 };

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

void cx_add_noise(uint64_t seed, uint32_t stream, double noise, int64_t first,
                  int64_t count, cxai_real *numbers)
{
    double z[RUN];

    for (int64_t done = 0; done < count; done += RUN) {
        int64_t run = count - done < RUN ? count - done : RUN;

        cxai_random_normals(seed, stream, (uint64_t)(first + done), (size_t)run,
                            z);
        for (int64_t e = 0; e < run; e++)
            numbers[done + e] += (cxai_real)(noise * z[e]);
    }
}

void cx_write_noisy(const cxai_heatmap_call *call, double noise, int64_t index,
                    cxai_real *point)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    int threads = call->options->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < count; first += RUN) {
        int64_t run = count - first < RUN ? count - first : RUN;

        memcpy(point + first, call->input + first, (size_t)run * sizeof *point);
        cx_add_noise(call->options->seed, (uint32_t)index, noise, first, run,
                     point + first);
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

/* What is drawn; the count of the points is the number of samples. */
static cxai_status begin(const cxai_heatmap_call *call, noisy *n,
                         cx_points *points, cxai_error *error)
{
    cxai_status status =
        cx_sample_count(call, default_samples, &n->samples, error);

    n->noise = call->options->noise;
    if (n->noise < 0)
        n->noise = default_noise(call);
    *points = (cx_points){ .feed = call->input_value,
                           .wrt = call->input_value,
                           .count = n->samples,
                           .write = write_point,
                           .payload = n };
    return status == CXAI_OK ? cx_begin(call, NULL, NULL, error) : status;
}

/* Behind the network's front, through which only the mean is carried back. */
static cxai_status average(const cxai_heatmap_call *call, cx_points *points,
                           double *weights, double *sums, double *mean,
                           cxai_error *error)
{
    if (!weights || !sums)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %s",
                         call->method->title);
    for (int64_t i = 0; i < points->count; i++)
        weights[i] = 1.0 / (double)points->count;
    points->weights = weights;
    points->sums = sums;
    cxai_status status = cx_gradients(call, points, error);
    return status == CXAI_OK
               ? cx_front_pull(call, points->wrt, sums, mean, error)
               : status;
}

cxai_status cx_noisy_mean(const cxai_heatmap_call *call, double *mean,
                          cxai_error *error)
{
    noisy n = { 0 };
    cx_points points;
    cxai_status status = begin(call, &n, &points, error);

    if (status != CXAI_OK)
        return status;
    points.wrt = cx_front_value(call);
    double *weights = calloc((size_t)points.count, sizeof *weights);
    double *sums = calloc((size_t)call->target_count,
                          (size_t)cxai_shape_count(&call->shapes[points.wrt]) *
                              sizeof *sums);
    status = average(call, &points, weights, sums, mean, error);
    free(weights);
    free(sums);
    return status;
}

cxai_status cx_noisy_moments(const cxai_heatmap_call *call, cx_moments *moments,
                             cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    size_t targets = (size_t)call->target_count;
    noisy n = { .moments = moments };
    cx_points points;
    cxai_status status = begin(call, &n, &points, error);

    if (status != CXAI_OK)
        return status;
    points.take = take;
    moments->gradient = calloc(targets, count * sizeof *moments->gradient);
    moments->square = calloc(targets, count * sizeof *moments->square);
    status = moments->gradient && moments->square
                 ? cx_gradients(call, &points, error)
                 : cxai_fail(error, CXAI_NO_MEMORY, "no memory for %s",
                             call->method->title);
    if (status != CXAI_OK)
        cx_moments_free(moments);
    return status;
}

void cx_moments_free(cx_moments *moments)
{
    free(moments->gradient);
    free(moments->square);
}
