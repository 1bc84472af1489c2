/*
 * Feature ablation on regions of the picture: y(x) - y(x with the region
 * removed), at every pixel of the region, as captum's FeatureAblation with a
 * feature mask. What is removed shows the baseline of the options (0, as in
 * captum).
 *
 * The regions are those of Felzenszwalb and Huttenlocher, see segments.h, or
 * rectangles.
 */
#include <stdlib.h>

#include "../gradient.h"
#include "../regions.h"
#include "../trials.h"

typedef struct ablation {
    cx_regions regions;
    double *kept;    /* [regions] of the trial that is written: 1 or 0 */
    double *changes; /* [targets][regions], 0 for what is not yet known */
} ablation;

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    ablation *a = payload;
    int64_t removed = cx_spread(index, a->regions.count);

    for (int32_t r = 0; r < a->regions.count; r++)
        a->kept[r] = r != removed;
    cx_regions_blend(call, &a->regions, a->kept, point);
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    ablation *a = payload;
    int64_t count = a->regions.count, removed = cx_spread(index, count);

    for (int t = 0; t < call->target_count; t++)
        a->changes[t * count + removed] = call->results[t].score - scores[t];
}

static cxai_status ablate(const cxai_heatmap_call *call, ablation *a,
                          cxai_error *error)
{
    int64_t count = a->regions.count;
    const cx_trials trials = {
        .value = call->input_value,
        .count = count,
        .write = write_trial,
        .take = take_trial,
        .payload = a,
    };
    cxai_status status = cx_begin(call, NULL, NULL, error);

    if (status == CXAI_OK)
        status = cx_try(call, &trials, NULL, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++)
        status = cx_regions_attribute(call, t, &a->regions,
                                      a->changes + t * count, error);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    ablation a = { 0 };
    cxai_status status = cx_regions_find(&a.regions, call, error);

    if (status != CXAI_OK)
        return status;
    size_t count = (size_t)a.regions.count;
    a.kept = malloc(count * sizeof *a.kept);
    a.changes = calloc((size_t)call->target_count, count * sizeof *a.changes);
    status = a.kept && a.changes ? ablate(call, &a, error)
                                 : cxai_fail(error, CXAI_NO_MEMORY,
                                             "no memory for feature ablation");
    free(a.kept);
    free(a.changes);
    cx_regions_free(&a.regions);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    CX_REGION_SCALE, CX_REGION_SIGMA, CX_REGION_LEAST, CX_REGION_GRID, { 0 },
};

const cxai_heatmap_method cxai_method_feature_ablation = {
    .name = "feature_ablation",
    .title = "Feature ablation",
    .family = "perturbation",
    .paper = "Kokhlikyan et al., 2020, arXiv",
    .summary = "by how much the score falls when a region is removed",
    .cost = "1 + regions forward",
    .needs = CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
