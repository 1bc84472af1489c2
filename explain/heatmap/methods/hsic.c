/*
 * HSIC attribution. Novello, Fel and Vigouroux, "Making sense of dependence:
 * efficient black-box explanations using dependence measure", NeurIPS 2022:
 * how much the score depends on whether a cell of a grid is seen, by the
 * Hilbert-Schmidt independence criterion (section 3.1),
 *
 *     HSIC = tr(K H L H) / (n - 1)^2,   H = I - 1/n,
 *
 * over n samples in which each cell is seen with probability a half; K_ij is 1
 * where samples i and j both see or both miss the cell, else 0, and
 * L_ij = exp(-(y_i - y_j)^2 / (2 width^2)). With such a K, H K H is
 * 2 c c', c being z - mean(z), so that HSIC = 2 c' L c / (n - 1)^2.
 *
 * width is the median of |y_i - y_j| over i < j, as is usual (Gretton et al.,
 * NIPS 2007); the authors' program takes the median of y itself, which need not
 * be positive.
 *
 * It says how much, not which way: the map is never negative. What is not seen
 * shows the baseline of the options (0). 8 x 8 cells as in the program.
 */
#include <math.h>
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../regions.h"
#include "../trials.h"
#include "cxai/random.h"

enum { default_samples = 1000, most_samples = 10000 };

typedef struct hsic {
    cx_regions cells;
    int64_t samples;
    double *seen;    /* [cells] of one sample */
    double *scores;  /* [targets][samples] y */
    double *centred; /* [samples][cells] c */
    double *values;  /* [cells] */
} hsic;

static void draw(const cxai_heatmap_call *call, const hsic *h, int64_t index,
                 double *seen)
{
    for (int32_t r = 0; r < h->cells.count; r++)
        seen[r] = cxai_random_uniform(call->options->seed, (uint32_t)index,
                                      (uint64_t)r) < 0.5;
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const hsic *h = payload;

    draw(call, h, index, h->seen);
    cx_regions_blend(call, &h->cells, h->seen, point);
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const hsic *h = payload;

    for (int t = 0; t < call->target_count; t++)
        h->scores[t * h->samples + index] = scores[t];
}

/* Fills in z - mean(z) of all samples taken. */
static cxai_status centre(const cxai_heatmap_call *call, hsic *h, int64_t count,
                          cxai_error *error)
{
    int64_t cells = h->cells.count;

    h->centred = malloc((size_t)count * (size_t)cells * sizeof *h->centred);
    if (!h->centred)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for HSIC");
    for (int64_t i = 0; i < count; i++)
        draw(call, h, i, h->centred + i * cells);
    for (int64_t r = 0; r < cells; r++) {
        double mean = 0;
        for (int64_t i = 0; i < count; i++)
            mean += h->centred[i * cells + r];
        mean /= (double)count;
        for (int64_t i = 0; i < count; i++)
            h->centred[i * cells + r] -= mean;
    }
    return CXAI_OK;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* How many pairs of ascending scores are at most distance apart. */
static int64_t pairs_within(const double *sorted, int64_t count,
                            double distance)
{
    int64_t pairs = 0;

    for (int64_t low = 0, high = 0; high < count; high++) {
        while (sorted[high] - sorted[low] > distance)
            low++;
        pairs += high - low;
    }
    return pairs;
}

/* The median of |y_i - y_j| over i < j, the lower of two: by halving between 0
   and the range until nothing lies between. sorted is room. */
static double median_distance(const double *scores, int64_t count,
                              double *sorted)
{
    int64_t wanted = (count * (count - 1) / 2 + 1) / 2;

    for (int64_t i = 0; i < count; i++)
        sorted[i] = scores[i];
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    double low = 0, high = sorted[count - 1] - sorted[0];
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (pairs_within(sorted, count, middle) >= wanted)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* values = 2 c' L c / (n - 1)^2 of every cell, the pairs i, j and j, i at
   once; room has a number for each sample. */
static void estimate(const hsic *h, const double *scores, int64_t count,
                     double *room)
{
    int64_t cells = h->cells.count;
    double width = median_distance(scores, count, room);
    double pairs = (double)(count - 1) * (double)(count - 1);

    for (int64_t r = 0; r < cells; r++)
        h->values[r] = 0;
    for (int64_t i = 0; width > 0 && i < count; i++) {
        const double *ci = h->centred + i * cells;
        for (int64_t j = 0; j <= i; j++) {
            const double *cj = h->centred + j * cells;
            double d = (scores[i] - scores[j]) / width;
            double kernel = exp(-d * d / 2) * (i == j ? 2 : 4) / pairs;
            for (int64_t r = 0; r < cells; r++)
                h->values[r] += kernel * ci[r] * cj[r];
        }
    }
}

static cxai_status set_map(const cxai_heatmap_call *call, const hsic *h, int t,
                           cxai_error *error)
{
    int64_t side = cx_grid_side(call);
    cxai_real *map = malloc((size_t)h->cells.count * sizeof *map);

    if (!map)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    for (int32_t r = 0; r < h->cells.count; r++)
        map[r] = (cxai_real)h->values[r];
    cxai_status status = cxai_heatmap_set_map(call, t, map, side, side, error);
    free(map);
    return status;
}

static cxai_status sample(const cxai_heatmap_call *call, hsic *h, double *room,
                          cxai_error *error)
{
    int64_t done = 0;
    const cx_trials trials = {
        .value = call->input_value,
        .count = h->samples,
        .write = write_trial,
        .take = take_trial,
        .payload = h,
    };
    cxai_status status = cx_begin(call, NULL, NULL, error);

    if (status == CXAI_OK)
        status = cx_try(call, &trials, &done, error);
    if (status == CXAI_OK && done < 2)
        return cxai_fail(error, CXAI_STOPPED, "HSIC needs two samples");
    if (status == CXAI_OK)
        status = centre(call, h, done, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        estimate(h, h->scores + t * h->samples, done, room);
        status = set_map(call, h, t, error);
    }
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int samples;
    hsic h = { 0 };
    cxai_status status =
        cx_sample_count(call, default_samples, &samples, error);

    /* every sample is compared with every other */
    if (status == CXAI_OK && (samples < 2 || samples > most_samples))
        status =
            cxai_fail(error, CXAI_INVALID, "HSIC takes 2 to %d samples, not %d",
                      most_samples, samples);
    if (status == CXAI_OK)
        status = cx_regions_grid(&h.cells, call, cx_grid_side(call), error);
    if (status != CXAI_OK)
        return status;
    size_t cells = (size_t)h.cells.count, count = (size_t)samples;
    h.samples = samples;
    h.seen = malloc(cells * sizeof *h.seen);
    h.scores = malloc((size_t)call->target_count * count * sizeof *h.scores);
    h.values = malloc(cells * sizeof *h.values);
    double *room = malloc(count * sizeof *room);
    status = h.seen && h.scores && h.values && room
                 ? sample(call, &h, room, error)
                 : cxai_fail(error, CXAI_NO_MEMORY, "no memory for HSIC");
    free(h.seen);
    free(h.scores);
    free(h.centred);
    free(h.values);
    free(room);
    cx_regions_free(&h.cells);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "grid", 0, 0, 256, NULL,
      "cells along each side; 0: 8, or less in a smaller picture" },
    { 0 },
};

const cxai_heatmap_method cxai_method_hsic = {
    .name = "hsic",
    .title = "HSIC",
    .family = "perturbation",
    .paper = "Novello et al., 2022, NeurIPS",
    .summary = "how much the score depends on whether the place is seen, by a "
               "kernel measure",
    .cost = "1 + samples forward",
    .needs = CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
