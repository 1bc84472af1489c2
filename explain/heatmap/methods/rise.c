/*
 * RISE. Petsiuk, Das and Saenko, "RISE: randomized input sampling for
 * explanation of black-box models", BMVC 2018: a pixel counts as much as the
 * score is on average while the pixel is seen (equation 4),
 *
 *     S = E[y(x * M) | M = 1]
 *
 * over random masks M of section 3.2: s x s cells, each seen with probability
 * p, resized bilinearly to (s + 1) cells of ceil(H / s) x ceil(W / s) pixels
 * and cut to the picture's size at a random place within the first cell. What
 * is not seen shows the baseline of the options (0, as in the authors' code).
 *
 * S is estimated as sum y M / sum M (as xplique does), rather than with p N for
 * the sum of M (equation 6): the two have the same limit, but p N leaves, at
 * every pixel, the noise of how often it was seen times the mean of y, and y
 * is a logit here, not a small probability. count=expected gives equation 6.
 *
 * raw is S. What the map shows is S - E[y], the mean over all masks: a pixel
 * that does not matter has S = E[y], as it has 0 in the other maps.
 *
 * 1000 masks by default; the paper takes 4000 and 8000 for its figures.
 */
#include <limits.h>
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../regions.h"
#include "../trials.h"
#include "cxai/preprocess.h"
#include "cxai/random.h"

enum { default_samples = 1000 };

typedef struct rise {
    int cells;         /* s */
    double seen;       /* p */
    int width, height; /* of the resized cells */
    int64_t cell_width, cell_height;
    cxai_real *grid, *resized, *mask;
    double *sums;  /* [targets][pixels] of y M */
    double *masks; /* [pixels] of M */
    double *means; /* [targets] of y */
} rise;

/* The mask of a sample, from the numbers of its stream: s * s cells, then how
   far it is moved down and to the right. */
static void make_mask(const cxai_heatmap_call *call, const rise *r,
                      int64_t index)
{
    uint64_t seed = call->options->seed;
    uint32_t stream = (uint32_t)index;
    uint64_t count = (uint64_t)r->cells * (uint64_t)r->cells;

    for (uint64_t i = 0; i < count; i++)
        r->grid[i] = cxai_random_uniform(seed, stream, i) < r->seen;
    cxai_map_resize(r->grid, r->cells, r->cells, r->resized, r->height,
                    r->width);
    int64_t down = (int64_t)(cxai_random_uniform(seed, stream, count) *
                             (double)r->cell_height);
    int64_t right = (int64_t)(cxai_random_uniform(seed, stream, count + 1) *
                              (double)r->cell_width);
    for (int64_t y = 0; y < call->height; y++)
        for (int64_t x = 0; x < call->width; x++)
            r->mask[y * call->width + x] =
                r->resized[(y + down) * r->width + x + right];
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const rise *r = payload;

    make_mask(call, r, index);
    cx_pixels_blend(call, r->mask, point);
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const rise *r = payload;
    int64_t pixels = call->height * call->width;

    make_mask(call, r, index);
    for (int64_t i = 0; i < pixels; i++)
        r->masks[i] += (double)r->mask[i];
    for (int t = 0; t < call->target_count; t++) {
        double *sums = r->sums + t * pixels;
        for (int64_t i = 0; i < pixels; i++)
            sums[i] += scores[t] * (double)r->mask[i];
        r->means[t] += scores[t];
    }
}

/* S, or with the map S - E[y], from the sums of done samples, in their place.
 */
static cxai_status set_map(const cxai_heatmap_call *call, const rise *r, int t,
                           int64_t done, cxai_error *error)
{
    int64_t pixels = call->height * call->width;
    int expected = cxai_heatmap_setting(call, "count") > 0;
    double mean = call->options->raw ? 0 : r->means[t] / (double)done;
    cxai_real *map = malloc((size_t)pixels * sizeof *map);

    if (!map)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    for (int64_t i = 0; i < pixels; i++) {
        double seen = expected ? r->seen * (double)done : r->masks[i];
        double score = r->sums[t * pixels + i] / seen;
        map[i] = seen > 0 ? (cxai_real)(score - mean) : 0;
    }
    cxai_status status =
        cxai_heatmap_set_map(call, t, map, call->height, call->width, error);
    free(map);
    return status;
}

static cxai_status sample(const cxai_heatmap_call *call, rise *r, int samples,
                          cxai_error *error)
{
    int64_t done = 0;
    const cx_trials trials = {
        .value = call->input_value,
        .count = samples,
        .write = write_trial,
        .take = take_trial,
        .payload = r,
    };
    cxai_status status = cx_begin(call, NULL, NULL, error);

    if (status == CXAI_OK)
        status = cx_try(call, &trials, &done, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++)
        status = set_map(call, r, t, done, error);
    return status;
}

static cxai_status allocate(const cxai_heatmap_call *call, rise *r,
                            cxai_error *error)
{
    size_t cells = (size_t)r->cells * (size_t)r->cells;
    size_t pixels = (size_t)(call->height * call->width);
    size_t targets = (size_t)call->target_count;

    r->grid = malloc(cells * sizeof *r->grid);
    r->resized =
        malloc((size_t)r->width * (size_t)r->height * sizeof *r->resized);
    r->mask = malloc(pixels * sizeof *r->mask);
    r->sums = calloc(targets, pixels * sizeof *r->sums);
    r->masks = calloc(pixels, sizeof *r->masks);
    r->means = calloc(targets, sizeof *r->means);
    return r->grid && r->resized && r->mask && r->sums && r->masks && r->means
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY, "no memory for RISE");
}

static void measure(const cxai_heatmap_call *call, rise *r)
{
    r->cells = (int)cxai_heatmap_setting(call, "cells");
    r->seen = cxai_heatmap_setting(call, "seen");
    r->cell_height = (call->height + r->cells - 1) / r->cells;
    r->cell_width = (call->width + r->cells - 1) / r->cells;
    r->height = (int)((r->cells + 1) * r->cell_height);
    r->width = (int)((r->cells + 1) * r->cell_width);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int samples;
    rise r = { 0 };
    cxai_status status =
        cx_sample_count(call, default_samples, &samples, error);

    if (status == CXAI_OK &&
        (call->height > INT_MAX / 4 || call->width > INT_MAX / 4))
        status = cxai_fail(error, CXAI_LIMIT, "the picture is too large");
    if (status != CXAI_OK)
        return status;
    measure(call, &r);
    status = allocate(call, &r, error);
    if (status == CXAI_OK)
        status = sample(call, &r, samples, error);
    free(r.grid);
    free(r.resized);
    free(r.mask);
    free(r.sums);
    free(r.masks);
    free(r.means);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "cells", 7, 1, 256, NULL, "along each side of the mask before resizing" },
    { "seen", 0.5, 0.01, 0.99, NULL, "probability that a cell is seen" },
    { "count", 0, 0, 1, "seen expected",
      "a sum is divided by how often its pixel was seen, or would be" },
    { 0 },
};

const cxai_heatmap_method cxai_method_rise = {
    .name = "rise",
    .title = "RISE",
    .family = "perturbation",
    .paper = "Petsiuk et al., 2018, BMVC",
    .summary = "mean score under random soft masks while the place is seen",
    .cost = "1 + samples forward",
    .needs = CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
