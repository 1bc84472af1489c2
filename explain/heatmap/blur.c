#include "blur.h"

#include <math.h>
#include <string.h>

int64_t cx_gaussian_radius(double sigma)
{
    return (int64_t)(4 * sigma + 0.5);
}

void cx_gaussian(double *weights, double sigma, int64_t radius)
{
    int64_t own = cx_gaussian_radius(sigma);
    double sum = 0;

    own = own < radius ? own : radius;
    for (int64_t i = -radius; i <= radius; i++) {
        int inside = i >= -own && i <= own;
        weights[i] = i == 0   ? 1
                     : inside ? exp(-0.5 * (double)(i * i) / (sigma * sigma))
                              : 0;
        sum += weights[i];
    }
    for (int64_t i = -radius; i <= radius; i++)
        weights[i] /= sum;
}

/* The part of a filter that lies within count places around place. */
static void clip(int64_t radius, int64_t place, int64_t count, int64_t *first,
                 int64_t *end)
{
    *first = place > radius ? place - radius : 0;
    *end = place + radius < count ? place + radius + 1 : count;
}

static void add(cxai_real *restrict out, const cxai_real *restrict in,
                cxai_real weight, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] += weight * in[i];
}

/* Each number is spread over its neighbours, which for a symmetric filter is
   the same as collecting them. */
void cx_filter_rows(cx_filter filter, const cxai_real *rows, int64_t count,
                    int64_t width, cxai_real *out)
{
    int64_t first, end;

    memset(out, 0, (size_t)(count * width) * sizeof *out);
    for (int64_t row = 0; row < count; row++, rows += width, out += width)
        for (int64_t x = 0; x < width; x++) {
            clip(filter.radius, x, width, &first, &end);
            add(out + first, filter.weights + first - x, rows[x], end - first);
        }
}

void cx_filter_columns(cx_filter filter, const cxai_real *map, int64_t height,
                       int64_t width, cxai_real *out)
{
    int64_t first, end;

    for (int64_t y = 0; y < height; y++, out += width) {
        clip(filter.radius, y, height, &first, &end);
        for (int64_t from = first; from < end; from++)
            add(out, map + from * width, filter.weights[from - y], width);
    }
}
