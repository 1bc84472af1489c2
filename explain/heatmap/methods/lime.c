/*
 * LIME. Ribeiro, Singh and Guestrin, "Why should I trust you? Explaining the
 * predictions of any classifier", KDD 2016: a linear model g of which regions
 * of the picture are seen, fitted to the scores of pictures with some of them
 * removed (equations 1 and 2), weighted by how near they are,
 *
 *     min  sum_z pi(z) (y(z) - g(z))^2 + penalty |w|^2,   g(z) = w z + w0,
 *     pi(z) = exp(-D(z)^2 / (2 width^2)).
 *
 * As the authors' program does it for pictures, where it differs from the
 * paper: D is the cosine distance of z from all ones, width 0.25; the fit is
 * ridge regression with penalty 1 and w0 free, over all regions; the first
 * sample is the picture, each region of the others is seen with probability a
 * half; 1000 samples. Unlike there, removed regions show the baseline of the
 * options (0), and the regions are those of segments.h. captum's Lime with
 * SkLearnRidge(alpha=1) and this kernel is the same.
 *
 * The attribution is w, at every pixel of a region.
 */
#include <math.h>
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../regions.h"
#include "../solve.h"
#include "../trials.h"
#include "cxai/random.h"

enum { default_samples = 1000 };

typedef struct lime {
    cx_regions regions;
    int64_t size;   /* unknowns: the regions' and w0 */
    double *seen;   /* [size] z, and 1 for w0 */
    double *matrix; /* [size][size] sum of pi z z', lower triangle */
    double *sides;  /* [targets][size] sum of pi z y */
} lime;

static void draw(const cxai_heatmap_call *call, const lime *l, int64_t index)
{
    for (int64_t r = 0; r < l->size; r++)
        l->seen[r] = index == 0 || r == l->size - 1 ||
                     cxai_random_uniform(call->options->seed, (uint32_t)index,
                                         (uint64_t)r) < 0.5;
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const lime *l = payload;

    draw(call, l, index);
    cx_regions_blend(call, &l->regions, l->seen, point);
}

/* pi: the cosine between z of n ones out of count and all ones is
   n / (sqrt(n) sqrt(count)). */
static double weight_of(const cxai_heatmap_call *call, const lime *l)
{
    double width = cxai_heatmap_setting(call, "width"), ones = 0;

    for (int32_t r = 0; r < l->regions.count; r++)
        ones += l->seen[r];
    double distance = 1 - sqrt(ones / l->regions.count);
    return exp(-distance * distance / (2 * width * width));
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const lime *l = payload;

    draw(call, l, index);
    double weight = weight_of(call, l);
    for (int64_t row = 0; row < l->size; row++) {
        if (l->seen[row] == 0)
            continue;
        for (int64_t column = 0; column <= row; column++)
            l->matrix[row * l->size + column] += weight * l->seen[column];
        for (int t = 0; t < call->target_count; t++)
            l->sides[t * l->size + row] += weight * scores[t];
    }
}

static cxai_status fit(const cxai_heatmap_call *call, const lime *l,
                       cxai_error *error)
{
    double penalty = cxai_heatmap_setting(call, "penalty");

    for (int32_t r = 0; r < l->regions.count; r++)
        l->matrix[r * l->size + r] += penalty;
    cxai_status status =
        cx_solve(l->matrix, l->size, l->sides, call->target_count, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++)
        status = cx_regions_attribute(call, t, &l->regions,
                                      l->sides + t * l->size, error);
    return status;
}

static cxai_status sample(const cxai_heatmap_call *call, lime *l, int samples,
                          cxai_error *error)
{
    const cx_trials trials = {
        .value = call->input_value,
        .count = samples,
        .write = write_trial,
        .take = take_trial,
        .payload = l,
    };
    cxai_status status = cx_begin(call, NULL, NULL, error);

    if (status == CXAI_OK)
        status = cx_try(call, &trials, NULL, error);
    if (status == CXAI_OK)
        status = fit(call, l, error);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int samples;
    lime l = { 0 };
    cxai_status status =
        cx_sample_count(call, default_samples, &samples, error);

    if (status == CXAI_OK)
        status = cx_regions_find(&l.regions, call, error);
    if (status != CXAI_OK)
        return status;
    l.size = (int64_t)l.regions.count + 1;
    size_t size = (size_t)l.size;
    l.seen = malloc(size * sizeof *l.seen);
    l.matrix = calloc(size, size * sizeof *l.matrix);
    l.sides = calloc((size_t)call->target_count, size * sizeof *l.sides);
    status = l.seen && l.matrix && l.sides
                 ? sample(call, &l, samples, error)
                 : cxai_fail(error, CXAI_NO_MEMORY,
                             "no memory for the %lld "
                             "regions of LIME",
                             (long long)l.regions.count);
    free(l.seen);
    free(l.matrix);
    free(l.sides);
    cx_regions_free(&l.regions);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "width", 0.25, 0.01, 100, NULL, "of the kernel of nearness" },
    { "penalty", 1, 1e-6, 1e6, NULL, "of the ridge regression" },
    CX_REGION_SCALE,
    CX_REGION_SIGMA,
    CX_REGION_LEAST,
    CX_REGION_GRID,
    { 0 },
};

const cxai_heatmap_method cxai_method_lime = {
    .name = "lime",
    .title = "LIME",
    .family = "perturbation",
    .paper = "Ribeiro et al., 2016, KDD",
    .summary = "weights of a linear model of which regions are seen, fitted "
               "near the picture",
    .cost = "1 + samples forward",
    .needs = CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
