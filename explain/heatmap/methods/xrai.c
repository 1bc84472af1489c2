/*
 * XRAI. Kapishnikov et al., "XRAI: better attributions through regions", ICCV
 * 2019, algorithm 1: regions of the picture at several scales are taken one by
 * one, each time that which adds the highest mean attribution, and its pixels
 * that are new get this mean. After the authors' library (PAIR saliency,
 * core/xrai.py, algorithm "full"): Felzenszwalb's regions at six scales on
 * samples stretched to -1..1, grown by 5 pixels; regions that add fewer than 50
 * pixels are dropped; what is left gets its own mean. The attribution is
 * integrated gradients averaged over two baselines, of the least and of the
 * largest number of the input, of which a pixel has that of its largest
 * channel.
 *
 * The library segments at 224x224 whatever the input's size; here it is the
 * input's own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../overlap.h"
#include "../path.h"
#include "../segments.h"

enum { divisions = 6, growth = 5, least_added = 50, least_region = 150 };

/* of Felzenszwalb's, for samples of -1..1, which are twice as far apart as the
   0..1 of segments.h */
static const double scales[divisions] = { 50, 100, 150, 250, 500, 1200 };

/* ---- the attribution ----------------------------------------------------- */

/* Of each target and number of the input: the mean of integrated gradients from
   two flat baselines. */
static cxai_status attribute(const cxai_heatmap_call *call, double *sums,
                             cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cxai_real ends[2] = { call->input[0], call->input[0] };
    cxai_status status = CXAI_OK;

    cxai_real *flat = malloc(count * sizeof *flat);
    if (!flat)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a baseline");
    for (size_t e = 0; e < count; e++) {
        ends[0] = call->input[e] < ends[0] ? call->input[e] : ends[0];
        ends[1] = call->input[e] > ends[1] ? call->input[e] : ends[1];
    }
    for (int k = 0; status == CXAI_OK && k < 2; k++) {
        for (size_t e = 0; e < count; e++)
            flat[e] = ends[k];
        status = cx_integrate(call, flat, k, 2, sums, NULL, error);
    }
    free(flat);
    return status;
}

/* The largest channel of each pixel. */
static void largest_channel(const cxai_heatmap_call *call, const double *sum,
                            double *map)
{
    int64_t pixels = call->height * call->width;
    int last = call->options->channels_last != 0;

    for (int64_t p = 0; p < pixels; p++) {
        map[p] = sum[last ? p * call->channels : p];
        for (int64_t c = 1; c < call->channels; c++) {
            double one = sum[last ? p * call->channels + c : c * pixels + p];
            map[p] = one > map[p] ? one : map[p];
        }
    }
}

/* ---- the regions --------------------------------------------------------- */

static cxai_status divide(const cxai_heatmap_call *call, cx_overlap *regions,
                          cxai_error *error)
{
    size_t pixels = (size_t)(call->height * call->width);
    cx_division parts[divisions];
    int32_t *labels = malloc(pixels * divisions * sizeof *labels);
    cxai_status status =
        labels ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY, "no memory for regions");

    for (int d = 0; status == CXAI_OK && d < divisions; d++) {
        cx_segmentation how = { .scale = scales[d] / 2,
                                .sigma = 0.8,
                                .least = least_region };
        parts[d].labels = labels + (size_t)d * pixels;
        status = cx_segment_input(call, &how, labels + (size_t)d * pixels,
                                  &parts[d].count, error);
    }
    if (status == CXAI_OK)
        status = cx_overlap_make(regions, parts, divisions, call->height,
                                 call->width, growth, error);
    free(labels);
    return status;
}

/* What a choice of regions goes by. */
typedef struct choice {
    const cx_overlap *regions;
    const double *map;
    cxai_real *out;
    char *covered;  /* [pixels] */
    int64_t *added; /* [regions]: pixels that it would add; 0: dropped */
    double *sums;   /* [regions]: of the map over these */
} choice;

/* The region that adds the highest mean; -1: none adds enough. */
static int64_t best_region(const choice *c)
{
    int64_t best = -1;
    double highest = 0;

    for (int64_t r = 0; r < c->regions->regions; r++) {
        if (c->added[r] < least_added)
            c->added[r] = 0;
        if (c->added[r] == 0)
            continue;
        double mean = c->sums[r] / (double)c->added[r];
        if (best < 0 || mean > highest) {
            best = r;
            highest = mean;
        }
    }
    return best;
}

static void cover(choice *c, int64_t region)
{
    const cx_overlap *o = c->regions;
    double mean = c->sums[region] / (double)c->added[region];

    for (int64_t i = o->of_region[region]; i < o->of_region[region + 1]; i++) {
        int64_t p = o->pixel[i];
        if (c->covered[p])
            continue;
        c->covered[p] = 1;
        c->out[p] = (cxai_real)mean;
        for (int64_t k = o->of_pixel[p]; k < o->of_pixel[p + 1]; k++) {
            c->added[o->region[k]]--;
            c->sums[o->region[k]] -= c->map[p];
        }
    }
}

static void cover_rest(choice *c)
{
    int64_t count = 0;
    double sum = 0;

    for (int64_t p = 0; p < c->regions->pixels; p++)
        if (!c->covered[p]) {
            sum += c->map[p];
            count++;
        }
    for (int64_t p = 0; p < c->regions->pixels; p++)
        if (!c->covered[p])
            c->out[p] = (cxai_real)(sum / (double)count);
}

static void choose(choice *c)
{
    const cx_overlap *o = c->regions;
    int64_t region;

    memset(c->covered, 0, (size_t)o->pixels);
    for (int64_t r = 0; r < o->regions; r++) {
        c->added[r] = o->of_region[r + 1] - o->of_region[r];
        c->sums[r] = 0;
        for (int64_t i = o->of_region[r]; i < o->of_region[r + 1]; i++)
            c->sums[r] += c->map[o->pixel[i]];
    }
    while ((region = best_region(c)) >= 0)
        cover(c, region);
    cover_rest(c);
}

static cxai_status explain(const cxai_heatmap_call *call,
                           const cx_overlap *regions, const double *sums,
                           cxai_error *error)
{
    size_t pixels = (size_t)regions->pixels;
    int64_t count = cxai_shape_count(&call->input_shape);
    double *map = calloc(pixels, sizeof *map);
    choice c = { .regions = regions,
                 .map = map,
                 .out = malloc(pixels * sizeof *c.out),
                 .covered = malloc(pixels),
                 .added = calloc((size_t)regions->regions, sizeof *c.added),
                 .sums = calloc((size_t)regions->regions, sizeof *c.sums) };
    cxai_status status =
        map && c.out && c.covered && c.added && c.sums
            ? CXAI_OK
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for regions");

    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        largest_channel(call, sums + i * count, map);
        choose(&c);
        status = cxai_heatmap_set_map(call, i, c.out, call->height, call->width,
                                      error);
    }
    free(map);
    free(c.out);
    free(c.covered);
    free(c.added);
    free(c.sums);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    double *sums = calloc((size_t)call->target_count, count * sizeof *sums);
    cx_overlap regions = { 0 };
    cxai_status status =
        sums ? attribute(call, sums, error)
             : cxai_fail(error, CXAI_NO_MEMORY, "no memory for XRAI");

    if (status == CXAI_OK)
        status = divide(call, &regions, error);
    if (status == CXAI_OK)
        status = explain(call, &regions, sums, error);
    cx_overlap_free(&regions);
    free(sums);
    return status;
}

static const cxai_heatmap_parameter parameters[] = { CX_RULE_PARAMETER, { 0 } };

const cxai_heatmap_method cxai_method_xrai = {
    .name = "xrai",
    .title = "XRAI",
    .family = "path",
    .paper = "Kapishnikov et al., 2019, ICCV",
    .summary = "regions of the picture by their mean integrated gradients from "
               "the darkest and the brightest baseline",
    .cost = "4 + 2 steps forward, 2 steps backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
