/*
 * KernelSHAP. Lundberg and Lee, "A unified approach to interpreting model
 * predictions", NIPS 2017, theorem 2: the Shapley values of the regions of the
 * picture, removed regions showing the baseline of the options, are the
 * weights w of
 *
 *     min  sum_z k(|z|) (y(z) - y(none) - w z)^2,   sum of w = y(all) -
 * y(none), k(s) = (M - 1) / (C(M, s) s (M - s))
 *
 * over the sets z of M regions that are seen, neither none nor all.
 *
 * Where all 2^M - 2 sets are no more than the samples, each is taken once,
 * with weight k: the values are exact. Else the size s is drawn with
 * probability in proportion to C(M, s) k(s), and a set of that size, with
 * weight 1, as captum does; every second sample is the complement of the one
 * before, which has the same probability and lowers the variance (Covert and
 * Lee, "Improving KernelSHAP", AISTATS 2021, section 3.2). The constraint is
 * kept exactly, by the multiplier of their equation 8, where captum gives the
 * empty and the full set a weight of 10^6.
 */
#include <math.h>
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../regions.h"
#include "../solve.h"
#include "../trials.h"
#include "cxai/random.h"

enum { default_samples = 1000, most_listed = 23 };

/* Of the mean weight of a region: added to the diagonal, so that fewer samples
   than regions have a solution too; what it changes is below float32. */
static const double stabiliser = 1e-9;

typedef struct shapley {
    cx_regions regions;
    int exact;       /* all sets are listed: trial k sees the bits of k */
    double *seen;    /* [regions] z */
    int32_t *order;  /* [regions] room to draw from */
    double *chances; /* [regions] that the size is at most s */
    double *matrix;  /* [regions][regions] sum of k z z', lower triangle */
    double *sides;   /* [targets + 1][regions] sum of k z (y - y(none)), and
                        ones */
    double *none;    /* [targets] y(none) */
} shapley;

/* Chances of the sizes: C(M, s) k(s) in proportion to 1 / (s (M - s)). */
static void prepare_sizes(const shapley *s)
{
    double sum = 0;
    int32_t count = s->regions.count;

    for (int32_t size = 1; size < count; size++) {
        sum += 1 / ((double)size * (double)(count - size));
        s->chances[size] = sum;
    }
    for (int32_t size = 1; size < count; size++)
        s->chances[size] /= sum;
}

static int32_t draw_size(const shapley *s, double uniform)
{
    int32_t size = 1;

    while (size < s->regions.count - 1 && uniform >= s->chances[size])
        size++;
    return size;
}

/* A pair of samples has one stream: its number 0 gives the size, the next ones
   the regions, by drawing without replacement. */
static void draw(const cxai_heatmap_call *call, const shapley *s, int64_t index)
{
    uint64_t seed = call->options->seed;
    uint32_t stream = (uint32_t)(index / 2);
    int32_t count = s->regions.count;
    int complement = index % 2 == 1;
    int32_t size = draw_size(s, cxai_random_uniform(seed, stream, 0));

    for (int32_t r = 0; r < count; r++) {
        s->order[r] = r;
        s->seen[r] = complement;
    }
    for (int32_t i = 0; i < size; i++) {
        double uniform = cxai_random_uniform(seed, stream, (uint64_t)i + 1);
        int32_t j = i + (int32_t)(uniform * (count - i));
        int32_t region = s->order[j];
        s->order[j] = s->order[i];
        s->seen[region] = !complement;
    }
}

/* The set of a trial, into seen, and its weight: none, then the list or the
   samples. */
static double choose(const cxai_heatmap_call *call, const shapley *s,
                     int64_t index)
{
    int32_t count = s->regions.count, ones = 0;

    if (index > 0 && !s->exact) {
        draw(call, s, index - 1);
        return 1;
    }
    for (int32_t r = 0; r < count; r++) {
        s->seen[r] = index > 0 && (index >> r & 1);
        ones += s->seen[r] > 0;
    }
    if (ones == 0)
        return 0;
    double sets = 1; /* C(count, ones) */
    for (int32_t i = 0; i < ones; i++)
        sets *= (double)(count - i) / (i + 1);
    return (count - 1) / (sets * ones * (count - ones));
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const shapley *s = payload;

    choose(call, s, index);
    cx_regions_blend(call, &s->regions, s->seen, point);
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const shapley *s = payload;
    int64_t count = s->regions.count;
    double weight = choose(call, s, index);

    for (int t = 0; index == 0 && t < call->target_count; t++)
        s->none[t] = scores[t];
    for (int64_t row = 0; row < count; row++) {
        if (s->seen[row] == 0)
            continue;
        for (int64_t column = 0; column <= row; column++)
            s->matrix[row * count + column] += weight * s->seen[column];
        for (int t = 0; t < call->target_count; t++)
            s->sides[t * count + row] += weight * (scores[t] - s->none[t]);
    }
}

/* w = A^-1 b + A^-1 1 (y(all) - y(none) - 1' A^-1 b) / (1' A^-1 1). */
static void constrain(const cxai_heatmap_call *call, const shapley *s, int t)
{
    int64_t count = s->regions.count;
    double *values = s->sides + t * count;
    const double *ones = s->sides + call->target_count * count;
    double missing = call->results[t].score - s->none[t], total = 0;

    for (int64_t r = 0; r < count; r++) {
        missing -= values[r];
        total += ones[r];
    }
    for (int64_t r = 0; r < count; r++)
        values[r] += ones[r] * missing / total;
}

static cxai_status fit(const cxai_heatmap_call *call, const shapley *s,
                       cxai_error *error)
{
    int64_t count = s->regions.count;
    double trace = 0;

    for (int64_t r = 0; r < count; r++) {
        trace += s->matrix[r * count + r];
        s->sides[call->target_count * count + r] = 1;
    }
    trace = trace > 0 ? trace : 1;
    for (int64_t r = 0; r < count; r++)
        s->matrix[r * count + r] += stabiliser * trace / (double)count;
    cxai_status status =
        cx_solve(s->matrix, count, s->sides, call->target_count + 1, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        constrain(call, s, t);
        status = cx_regions_attribute(call, t, &s->regions,
                                      s->sides + t * count, error);
    }
    return status;
}

static cxai_status sample(const cxai_heatmap_call *call, shapley *s,
                          int64_t samples, cxai_error *error)
{
    int32_t regions = s->regions.count;
    int64_t sets = regions <= most_listed ? ((int64_t)1 << regions) - 2 : 0;

    s->exact = regions <= most_listed && sets <= samples;
    const cx_trials trials = {
        .value = call->input_value,
        .count = 1 + (s->exact ? sets : samples),
        .write = write_trial,
        .take = take_trial,
        .payload = s,
    };
    prepare_sizes(s);
    cxai_status status = cx_begin(call, NULL, NULL, error);
    if (status == CXAI_OK)
        status = cx_try(call, &trials, NULL, error);
    if (status == CXAI_OK)
        status = fit(call, s, error);
    return status;
}

static cxai_status allocate(const cxai_heatmap_call *call, shapley *s,
                            cxai_error *error)
{
    size_t count = (size_t)s->regions.count;
    size_t targets = (size_t)call->target_count;

    s->seen = malloc(count * sizeof *s->seen);
    s->order = malloc(count * sizeof *s->order);
    s->chances = malloc(count * sizeof *s->chances);
    s->matrix = calloc(count, count * sizeof *s->matrix);
    s->sides = calloc(targets + 1, count * sizeof *s->sides);
    s->none = malloc(targets * sizeof *s->none);
    return s->seen && s->order && s->chances && s->matrix && s->sides && s->none
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY,
                           "no memory for the %zu regions of KernelSHAP",
                           count);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int samples;
    shapley s = { 0 };
    cxai_status status =
        cx_sample_count(call, default_samples, &samples, error);

    if (status == CXAI_OK)
        status = cx_regions_find(&s.regions, call, error);
    if (status == CXAI_OK)
        status = allocate(call, &s, error);
    if (status == CXAI_OK)
        status = sample(call, &s, samples, error);
    free(s.seen);
    free(s.order);
    free(s.chances);
    free(s.matrix);
    free(s.sides);
    free(s.none);
    cx_regions_free(&s.regions);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    CX_REGION_SCALE, CX_REGION_SIGMA, CX_REGION_LEAST, CX_REGION_GRID, { 0 },
};

const cxai_heatmap_method cxai_method_kernelshap = {
    .name = "kernelshap",
    .title = "KernelSHAP",
    .family = "perturbation",
    .paper = "Lundberg and Lee, 2017, NIPS",
    .summary = "Shapley values of regions: each one's fair share of the score",
    .cost = "2 + samples forward",
    .needs = CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
