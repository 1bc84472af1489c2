#include "ops/common/resample.h"

#include <math.h>

#include "kernels/work.h"

/* The place in the input of output pixel o. Quotients are taken last: they are
   exact where the result is a whole number. */
static double place(const cx_resampling *how, const cx_resample_axis *axis,
                    int64_t o)
{
    double in = (double)axis->in, length = axis->length;
    double half = ((double)o + 0.5) * in / length - 0.5;
    double shift = in / 2 * (1 - (double)axis->out / length);
    double span = axis->end - axis->start;
    switch (how->transformation) {
    case CX_HALF_PIXEL: return half;
    case CX_HALF_PIXEL_SYMMETRIC: return half + shift;
    case CX_PYTORCH_HALF_PIXEL: return length > 1 ? half : 0;
    case CX_ALIGN_CORNERS:
        return length != 1 ? (double)o * (in - 1) / (length - 1) : 0;
    case CX_ASYMMETRIC: return (double)o * in / length;
    case CX_TF_CROP_AND_RESIZE:
        if (length <= 1)
            return (axis->start + axis->end) * (in - 1) / 2;
        return axis->start * (in - 1) +
               (double)o * span * (in - 1) / (length - 1);
    case CX_TF_HALF_PIXEL_FOR_NN: return half + 0.5;
    }
    return half;
}

static double nearest(cx_rounding rounding, double x)
{
    double low = floor(x), part = x - low;
    switch (rounding) {
    case CX_ROUND_PREFER_FLOOR: return part > 0.5 ? low + 1 : low;
    case CX_ROUND_PREFER_CEIL: return part >= 0.5 ? low + 1 : low;
    case CX_FLOOR: return low;
    case CX_CEIL: return ceil(x);
    }
    return low;
}

/* Pixels on each side of a place that the kernel reaches. */
static double radius(const cx_resampling *how)
{
    return how->interpolation == CX_CUBIC ? 2 : 1;
}

/* The triangle, or the cubic convolution of R. Keys, "Cubic convolution
   interpolation for digital image processing" (1981), with coefficient a. */
static double kernel(const cx_resampling *how, double distance)
{
    double x = fabs(distance), a = how->cubic_a;
    if (how->interpolation == CX_LINEAR)
        return x < 1 ? 1 - x : 0;
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Kernel units from a pixel to the next. */
static double spacing(const cx_resampling *how, const cx_resample_axis *axis)
{
    double scale = axis->length / (double)axis->in;
    return how->antialias && scale < 1 ? scale : 1;
}

/* Appends an entry, or adds to the last one when that is the same pixel. */
static void add_entry(cx_axis_map *map, int64_t o, double pixel, double weight)
{
    double last = (double)(map->in - 1);
    int32_t from = (int32_t)(pixel < 0 ? 0 : pixel > last ? last : pixel);
    int64_t at = map->start[o + 1];
    if (weight == 0)
        return;
    if (at > map->start[o] && map->entry[at - 1].from == from) {
        map->entry[at - 1].weight += (cxai_real)weight;
        return;
    }
    map->entry[at] = (cx_axis_entry){ from, (cxai_real)weight };
    map->start[o + 1]++;
}

/* The kernel's taps around x: from reach - 1 pixels left of the next lower
   pixel to reach pixels right of it. */
static void add_taps(const cx_resampling *how, double step, cx_axis_map *map,
                     int64_t o, double x)
{
    int64_t reach = (int64_t)ceil(radius(how) / step);
    double low = ceil(x) - 1, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 1 - reach; i <= reach; i++) {
            double pixel = low + (double)i;
            double weight = kernel(how, step * (pixel - x));
            if (how->exclude_outside &&
                (pixel < 0 || pixel > (double)(map->in - 1)))
                continue;
            if (pass == 0)
                sum += weight;
            else
                add_entry(map, o, pixel, sum != 0 ? weight / sum : weight);
        }
}

cxai_status cx_resample_map(const cx_case *c, const cx_resampling *how,
                            const cx_resample_axis *axis, cx_axis_map *map)
{
    double step = spacing(how, axis);
    int64_t reach = (int64_t)ceil(radius(how) / step);
    int64_t most =
        how->interpolation == CX_NEAREST ? 1 : cx_minimum(2 * reach, axis->in);
    cxai_status status =
        cx_axis_map_create(c, axis->in, axis->out, axis->out * most, map);
    if (status != CXAI_OK)
        return status;
    for (int64_t o = 0; o < axis->out; o++) {
        double x = place(how, axis, o);
        map->start[o + 1] = map->start[o];
        if (how->transformation == CX_TF_CROP_AND_RESIZE &&
            !(x >= 0 && x <= (double)(axis->in - 1)))
            continue; /* outside: a sum of nothing */
        if (how->interpolation == CX_NEAREST)
            add_entry(map, o, nearest(how->rounding, x), 1);
        else
            add_taps(how, step, map, o, x);
    }
    cx_axis_map_measure(map);
    return CXAI_OK;
}
