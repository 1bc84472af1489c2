/*
 * Sobol attribution. Fel et al., "Look at the variance! Efficient black-box
 * explanations with Sobol-based sensitivity analysis", NeurIPS 2021: the total
 * Sobol index of each cell of a grid, the share of the score's variance that
 * would vanish if the others alone were left free, by Jansen's estimator
 * (section 3.3),
 *
 *     S_i = sum_j (y(A_j) - y(C_ij))^2 / (2 N V),
 *     V = sum_j (y(A_j) - mean)^2 / (N - 1),
 *
 * where A and B are N points of a unit cube, one coordinate a cell, and C_ij is
 * A_j with the coordinate i of B_j. A coordinate m shows m times the picture
 * and 1 - m times the baseline of the options (0).
 *
 * The points are a Latin hypercube (McKay, Beckman and Conover, 1979), one of
 * the authors' samplers: with 32 points in 128 dimensions Sobol's sequence,
 * their default, is no more than stratified along each axis either.
 *
 * It says how much, not which way: the map is never negative. 8 x 8 cells and
 * N = 32 as the authors' program; options.samples is N.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../noise.h"
#include "../regions.h"
#include "../trials.h"
#include "cxai/random.h"

enum { default_samples = 32 };

typedef struct sobol {
    cx_regions cells;
    int64_t points;  /* N */
    double *a, *b;   /* [points][cells] */
    double *point;   /* [cells] of the trial that is written */
    double *scores;  /* [targets][points] y(A_j) */
    double *squares; /* [targets][points][cells] (y(A_j) - y(C_ij))^2 */
} sobol;

/* A column of a Latin hypercube: each of N equal parts of 0..1 once, in an
   order drawn by Fisher and Yates's shuffle. Its stream gives the order first,
   then the places within the parts. */
static void draw_column(uint64_t seed, uint32_t stream, int64_t points,
                        double *column, int64_t step)
{
    for (int64_t j = 0; j < points; j++)
        column[j * step] = (double)j;
    for (int64_t j = points - 1; j > 0; j--) {
        double uniform = cxai_random_uniform(seed, stream, (uint64_t)j);
        int64_t k = (int64_t)(uniform * (double)(j + 1));
        double part = column[j * step];
        column[j * step] = column[k * step];
        column[k * step] = part;
    }
    for (int64_t j = 0; j < points; j++)
        column[j * step] =
            (column[j * step] +
             cxai_random_uniform(seed, stream, (uint64_t)(points + j))) /
            (double)points;
}

/* Trial j * (cells + 1) is A_j; the cells that follow are its C_ij. */
static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const sobol *s = payload;
    int64_t cells = s->cells.count;
    int64_t j = index / (cells + 1), changed = index % (cells + 1) - 1;

    for (int64_t i = 0; i < cells; i++)
        s->point[i] = (i == changed ? s->b : s->a)[j * cells + i];
    cx_regions_blend(call, &s->cells, s->point, point);
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const sobol *s = payload;
    int64_t cells = s->cells.count;
    int64_t j = index / (cells + 1), changed = index % (cells + 1) - 1;

    for (int t = 0; t < call->target_count; t++) {
        int64_t at = t * s->points + j;
        if (changed < 0) {
            s->scores[at] = scores[t];
        } else {
            double change = s->scores[at] - scores[t];
            s->squares[at * cells + changed] = change * change;
        }
    }
}

static double variance(const double *scores, int64_t count)
{
    double mean = 0, sum = 0;

    for (int64_t j = 0; j < count; j++)
        mean += scores[j];
    mean /= (double)count;
    for (int64_t j = 0; j < count; j++)
        sum += (scores[j] - mean) * (scores[j] - mean);
    return sum / (double)(count - 1);
}

/* From the first points, all of whose trials were taken. */
static cxai_status set_map(const cxai_heatmap_call *call, const sobol *s, int t,
                           int64_t points, cxai_error *error)
{
    int64_t cells = s->cells.count;
    int64_t side = cx_grid_side(call);
    const double *squares = s->squares + t * s->points * cells;
    double v = variance(s->scores + t * s->points, points);
    cxai_real *map = malloc((size_t)cells * sizeof *map);

    if (!map)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    for (int64_t i = 0; i < cells; i++) {
        double sum = 0;
        for (int64_t j = 0; j < points; j++)
            sum += squares[j * cells + i];
        map[i] = v > 0 ? (cxai_real)(sum / (2 * (double)points * v)) : 0;
    }
    cxai_status status = cxai_heatmap_set_map(call, t, map, side, side, error);
    free(map);
    return status;
}

static cxai_status sample(const cxai_heatmap_call *call, sobol *s,
                          cxai_error *error)
{
    int64_t cells = s->cells.count, done = 0;
    const cx_trials trials = {
        .value = call->input_value,
        .count = s->points * (cells + 1),
        .write = write_trial,
        .take = take_trial,
        .payload = s,
    };

    for (int64_t i = 0; i < cells; i++) {
        uint64_t seed = call->options->seed;
        draw_column(seed, (uint32_t)(2 * i), s->points, s->a + i, cells);
        draw_column(seed, (uint32_t)(2 * i + 1), s->points, s->b + i, cells);
    }
    cxai_status status = cx_begin(call, NULL, NULL, error);
    if (status == CXAI_OK)
        status = cx_try(call, &trials, &done, error);
    int64_t points = done / (cells + 1);
    if (status == CXAI_OK && points < 2)
        return cxai_fail(error, CXAI_STOPPED,
                         "Sobol indices were stopped before their second "
                         "point, after %lld passes",
                         (long long)done);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++)
        status = set_map(call, s, t, points, error);
    if (status == CXAI_OK && done < trials.count)
        cxai_heatmap_partial(call, points * (cells + 1), trials.count);
    return status;
}

static cxai_status allocate(const cxai_heatmap_call *call, sobol *s,
                            cxai_error *error)
{
    size_t cells = (size_t)s->cells.count, points = (size_t)s->points;
    size_t targets = (size_t)call->target_count;

    s->a = malloc(points * cells * sizeof *s->a);
    s->b = malloc(points * cells * sizeof *s->b);
    s->point = malloc(cells * sizeof *s->point);
    s->scores = malloc(targets * points * sizeof *s->scores);
    s->squares = malloc(targets * points * cells * sizeof *s->squares);
    return s->a && s->b && s->point && s->scores && s->squares
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY,
                           "no memory for %zu points of %zu Sobol indices",
                           points, cells);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int points;
    sobol s = { 0 };
    cxai_status status = cx_sample_count(call, default_samples, &points, error);

    if (status == CXAI_OK && points < 2)
        status = cxai_fail(error, CXAI_INVALID,
                           "Sobol indices need 2 samples or more");
    if (status == CXAI_OK)
        status = cx_regions_grid(&s.cells, call, cx_grid_side(call), error);
    s.points = points;
    if (status == CXAI_OK)
        status = allocate(call, &s, error);
    if (status == CXAI_OK)
        status = sample(call, &s, error);
    free(s.a);
    free(s.b);
    free(s.point);
    free(s.scores);
    free(s.squares);
    cx_regions_free(&s.cells);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "grid", 0, 0, 256, NULL,
      "cells along each side; 0: 8, or less in a smaller picture" },
    { 0 },
};

const cxai_heatmap_method cxai_method_sobol = {
    .name = "sobol",
    .title = "Sobol",
    .family = "perturbation",
    .paper = "Fel et al., 2021, NeurIPS",
    .summary = "share of the score's variance that a cell has part in when all "
               "are dimmed at random",
    .cost = "1 + samples * (1 + cells) forward",
    .needs = CXAI_NEEDS_SAMPLES | CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
