/* From an attribution to something to look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"

static int ascending(const void *left, const void *right)
{
    cxai_real a = *(const cxai_real *)left, b = *(const cxai_real *)right;

    return (a > b) - (a < b);
}

/* The magnitude at which the cumulative sum of the sorted magnitudes first
   reaches 98 % of the total: captum/attr/_utils/visualization.py,
   _cumulative_sum_threshold with percentile 98. sorted is overwritten. */
static double scale_of(const cxai_real *map, int64_t count, cxai_real *sorted)
{
    double total = 0, sum = 0;

    for (int64_t i = 0; i < count; i++) {
        sorted[i] = (cxai_real)fabs((double)map[i]);
        total += (double)sorted[i];
    }
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    for (int64_t i = 0; i < count; i++) {
        sum += (double)sorted[i];
        if (sum >= 0.98 * total)
            return (double)sorted[i];
    }
    return count > 0 ? (double)sorted[count - 1] : 0;
}

static void sum_channels(const cxai_heatmap *heatmap, cxai_heatmap_sign sign,
                         cxai_real *map)
{
    int64_t channels = heatmap->shape.rank == 3 ? heatmap->shape.dim[0] : 1;
    int64_t count = cxai_shape_count(&heatmap->shape) / channels;

    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++)
            sum += (double)heatmap->data[c * count + i];
        if (!isfinite(sum))
            sum = 0;
        if (sign == CXAI_SIGN_ABSOLUTE)
            sum = fabs(sum);
        else if (sign == CXAI_SIGN_POSITIVE && sum < 0)
            sum = 0;
        map[i] = (cxai_real)sum;
    }
}

cxai_status cxai_heatmap_display(const cxai_heatmap *heatmap,
                                 cxai_heatmap_sign sign, cxai_real *map,
                                 double unit[2], cxai_error *error)
{
    double own[2], *ends = unit ? unit : own;
    int rank = heatmap->shape.rank;

    if (!heatmap->data || rank < 2 || rank > 3)
        return cxai_fail(error, CXAI_INVALID,
                         "this heatmap holds no numbers to show");
    int64_t count = heatmap->shape.dim[rank - 2] * heatmap->shape.dim[rank - 1];
    if (heatmap->kind == CXAI_HEATMAP_MAP && !heatmap->raw) {
        memcpy(map, heatmap->data, (size_t)count * sizeof *map);
        ends[0] = heatmap->low;
        ends[1] = heatmap->high;
        return CXAI_OK;
    }
    cxai_real *sorted = malloc((size_t)count * sizeof *sorted);
    if (!sorted)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    sum_channels(heatmap, sign, map);
    double scale = scale_of(map, count, sorted);
    free(sorted);
    ends[0] = 0;
    ends[1] = scale;
    for (int64_t i = 0; i < count; i++) {
        double scaled = scale > 0 ? (double)map[i] / scale : 0;
        map[i] = (cxai_real)(scaled > 1 ? 1 : scaled < -1 ? -1 : scaled);
    }
    return CXAI_OK;
}
