#include "regions.h"

#include <stdlib.h>

#include "segments.h"

/* share of the picture that is the least region */
enum { least_share = 256 };
enum { standard_side = 8 };

static cxai_status allocate(cx_regions *regions, const cxai_heatmap_call *call,
                            cxai_error *error)
{
    size_t pixels = (size_t)(call->height * call->width);

    regions->count = 0;
    regions->labels = malloc(pixels * sizeof *regions->labels);
    return regions->labels ? CXAI_OK
                           : cxai_fail(error, CXAI_NO_MEMORY,
                                       "no memory for the regions of %s",
                                       call->method->title);
}

int64_t cx_grid_side(const cxai_heatmap_call *call)
{
    int64_t side = (int64_t)cxai_heatmap_setting(call, "grid");

    if (side > 0)
        return side;
    side = call->height < standard_side ? call->height : standard_side;
    return call->width < side ? call->width : side;
}

cxai_status cx_regions_grid(cx_regions *regions, const cxai_heatmap_call *call,
                            int64_t side, cxai_error *error)
{
    int64_t height = call->height, width = call->width;

    regions->labels = NULL;
    if (side > height || side > width)
        return cxai_fail(error, CXAI_INVALID,
                         "a picture of %lldx%lld cannot be divided into a grid "
                         "of %lldx%lld",
                         (long long)height, (long long)width, (long long)side,
                         (long long)side);
    cxai_status status = allocate(regions, call, error);
    if (status != CXAI_OK)
        return status;
    /* the cell in which the middle of a pixel lies */
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            int64_t row = (2 * y + 1) * side / (2 * height);
            int64_t column = (2 * x + 1) * side / (2 * width);
            regions->labels[y * width + x] = (int32_t)(row * side + column);
        }
    regions->count = (int32_t)(side * side);
    return CXAI_OK;
}

cxai_status cx_regions_find(cx_regions *regions, const cxai_heatmap_call *call,
                            cxai_error *error)
{
    int64_t grid = (int64_t)cxai_heatmap_setting(call, "grid");
    int64_t least = (int64_t)cxai_heatmap_setting(call, "least");
    const cx_segmentation how = {
        .scale = cxai_heatmap_setting(call, "scale"),
        .sigma = cxai_heatmap_setting(call, "sigma"),
        .least = least > 0 ? least : call->height * call->width / least_share,
    };

    if (grid > 0)
        return cx_regions_grid(regions, call, grid, error);
    cxai_status status = allocate(regions, call, error);
    if (status == CXAI_OK)
        status = cx_segment_input(call, &how, regions->labels, &regions->count,
                                  error);
    if (status != CXAI_OK)
        cx_regions_free(regions);
    return status;
}

void cx_regions_free(cx_regions *regions)
{
    free(regions->labels);
    regions->labels = NULL;
}

/* One channel of one pixel. */
static cxai_real blend(const cxai_heatmap_call *call, int64_t at,
                       cxai_real kept)
{
    const cxai_real *baseline = call->options->baseline;

    return kept * call->input[at] +
           (baseline ? (1 - kept) * baseline[at] : (cxai_real)0);
}

/* Channel c of pixel i. */
static int64_t place(const cxai_heatmap_call *call, int64_t c, int64_t i)
{
    return call->options->channels_last ? i * call->channels + c
                                        : c * call->height * call->width + i;
}

void cx_regions_blend(const cxai_heatmap_call *call, const cx_regions *regions,
                      const double *kept, cxai_real *point)
{
    int64_t pixels = call->height * call->width;

    for (int64_t c = 0; c < call->channels; c++)
        for (int64_t i = 0; i < pixels; i++) {
            int64_t at = place(call, c, i);
            point[at] = blend(call, at, (cxai_real)kept[regions->labels[i]]);
        }
}

void cx_pixels_blend(const cxai_heatmap_call *call, const cxai_real *kept,
                     cxai_real *point)
{
    int64_t pixels = call->height * call->width;

    for (int64_t c = 0; c < call->channels; c++)
        for (int64_t i = 0; i < pixels; i++) {
            int64_t at = place(call, c, i);
            point[at] = blend(call, at, kept[i]);
        }
}

cxai_status cx_pixels_attribute(const cxai_heatmap_call *call, int i,
                                const double *values, cxai_error *error)
{
    int64_t pixels = call->height * call->width;
    cxai_real *attribution =
        malloc((size_t)(call->channels * pixels) * sizeof *attribution);

    if (!attribution)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a heatmap");
    for (int64_t c = 0; c < call->channels; c++)
        for (int64_t k = 0; k < pixels; k++)
            attribution[place(call, c, k)] = (cxai_real)values[k];
    cxai_status status =
        cxai_heatmap_set_attribution(call, i, attribution, error);
    free(attribution);
    return status;
}

cxai_status cx_regions_attribute(const cxai_heatmap_call *call, int i,
                                 const cx_regions *regions,
                                 const double *values, cxai_error *error)
{
    int64_t pixels = call->height * call->width;
    double *painted = malloc((size_t)pixels * sizeof *painted);

    if (!painted)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a heatmap");
    for (int64_t k = 0; k < pixels; k++)
        painted[k] = values[regions->labels[k]];
    cxai_status status = cx_pixels_attribute(call, i, painted, error);
    free(painted);
    return status;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Steps of about the golden section, coprime to count. */
int64_t cx_spread(int64_t index, int64_t count)
{
    int64_t step = (int64_t)((double)count * 0.6180339887498949);

    step = step > 0 ? step : 1;
    while (common_divisor(step, count) != 1)
        step++;
    return index * step % count;
}
