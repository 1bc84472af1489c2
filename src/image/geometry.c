/* Maps: resizing them, and bringing them from the network to the photo. */
#include "cxai/preprocess.h"

#include <math.h>

/* Where a continuous position (half-pixel centres) lies between the samples
   of an axis: `low` and `high`, the second weighing `weight`. Positions beyond
   the outer centres take the outer sample. */
typedef struct between {
    int low;
    int high;
    double weight;
} between;

static between locate(double position, int count)
{
    double sample = position - 0.5;
    if (!(sample > 0))
        return (between){ 0, 0, 0 };
    if (sample >= count - 1)
        return (between){ count - 1, count - 1, 0 };
    int low = (int)sample;
    return (between){ low, low + 1, sample - low };
}

static double interpolate(const cxai_real *map, int width, between y, between x)
{
    const cxai_real *upper = map + (size_t)y.low * (size_t)width;
    const cxai_real *lower = map + (size_t)y.high * (size_t)width;
    double above = (double)upper[x.low] * (1 - x.weight) +
                   (double)upper[x.high] * x.weight;
    double below = (double)lower[x.low] * (1 - x.weight) +
                   (double)lower[x.high] * x.weight;
    return above * (1 - y.weight) + below * y.weight;
}

void cxai_map_resize(const cxai_real *map, int height, int width,
                     cxai_real *out, int out_height, int out_width)
{
    double scale_y = (double)height / out_height;
    double scale_x = (double)width / out_width;
    for (int y = 0; y < out_height; y++) {
        between row = locate((y + 0.5) * scale_y, height);
        for (int x = 0; x < out_width; x++) {
            between column = locate((x + 0.5) * scale_x, width);
            *out++ = (cxai_real)interpolate(map, width, row, column);
        }
    }
}

void cxai_geometry_project(const cxai_geometry *g, const cxai_real *map,
                           cxai_real *out)
{
    for (int y = 0; y < g->photo_height; y++) {
        double photo_y = y + 0.5;
        int row_seen = photo_y >= g->seen_top && photo_y < g->seen_bottom;
        between row =
            locate((photo_y - g->offset_y) / g->scale_y, g->network_height);
        for (int x = 0; x < g->photo_width; x++) {
            double photo_x = x + 0.5;
            int seen =
                row_seen && photo_x >= g->seen_left && photo_x < g->seen_right;
            between column =
                locate((photo_x - g->offset_x) / g->scale_x, g->network_width);
            *out++ = seen ? (cxai_real)interpolate(map, g->network_width, row,
                                                   column)
                          : (cxai_real)NAN;
        }
    }
}
