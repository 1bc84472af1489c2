#include "blur.h"

#include <math.h>
#include <stdlib.h>
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

/* Memory of a blur. */
typedef struct blurrer {
    int64_t height, width;
    cx_filter filter;
    cxai_real *plane, *rows, *out; /* (height,width) */
} blurrer;

/* The sum of the weights that lie within count places around place. */
static double weight_inside(cx_filter filter, int64_t place, int64_t count)
{
    int64_t first, end;
    double sum = 0;

    clip(filter.radius, place, count, &first, &end);
    for (int64_t i = first; i < end; i++)
        sum += (double)filter.weights[i - place];
    return sum;
}

/* A channel of which numbers lie step apart. */
static void blur_channel(const blurrer *b, const cxai_real *input, int64_t step,
                         cxai_real *out)
{
    int64_t count = b->height * b->width;

    for (int64_t i = 0; i < count; i++)
        b->plane[i] = input[i * step];
    cx_filter_rows(b->filter, b->plane, b->height, b->width, b->rows);
    memset(b->out, 0, (size_t)count * sizeof *b->out);
    cx_filter_columns(b->filter, b->rows, b->height, b->width, b->out);
    for (int64_t y = 0; y < b->height; y++) {
        double weight = weight_inside(b->filter, y, b->height);
        for (int64_t x = 0; x < b->width; x++) {
            double share = weight * weight_inside(b->filter, x, b->width);
            int64_t i = y * b->width + x;
            out[i * step] = (cxai_real)((double)b->out[i] / share);
        }
    }
}

/* Weights of a Gaussian no wider than the picture; NULL: no memory. */
static cxai_real *make_weights(double sigma, int64_t radius)
{
    size_t count = (size_t)(2 * radius + 1);
    double *gaussian = calloc(count, sizeof *gaussian);
    cxai_real *weights = malloc(count * sizeof *weights);

    if (gaussian && weights) {
        cx_gaussian(gaussian + radius, sigma, radius);
        for (size_t i = 0; i < count; i++)
            weights[i] = (cxai_real)gaussian[i];
    } else {
        free(weights);
        weights = NULL;
    }
    free(gaussian);
    return weights;
}

cxai_status cxai_heatmap_blur(const cxai_real *input,
                              const cxai_shape *input_shape, int channels_last,
                              double sigma, cxai_real *out, cxai_error *error)
{
    const int64_t *dim = input_shape->dim;

    if (input_shape->rank != 4 || dim[0] != 1 ||
        cxai_shape_count(input_shape) < 1 || !(sigma >= 0))
        return cxai_fail(error, CXAI_INVALID,
                         "a blur takes one picture and a deviation of 0 or "
                         "more");
    int64_t channels = dim[channels_last ? 3 : 1];
    blurrer b = { .height = dim[channels_last ? 1 : 2],
                  .width = dim[channels_last ? 2 : 3] };
    int64_t side = b.height > b.width ? b.height : b.width;
    int64_t count = b.height * b.width;
    b.filter.radius =
        4 * sigma < (double)side ? cx_gaussian_radius(sigma) : side;
    cxai_real *weights = make_weights(sigma, b.filter.radius);
    cxai_real *planes = calloc((size_t)count, 3 * sizeof *planes);
    cxai_status status = CXAI_OK;
    if (weights && planes) {
        b.filter.weights = weights + b.filter.radius;
        b.plane = planes;
        b.rows = planes + count;
        b.out = planes + 2 * count;
        for (int64_t c = 0; c < channels; c++) {
            int64_t offset = channels_last ? c : c * count;
            blur_channel(&b, input + offset, channels_last ? channels : 1,
                         out + offset);
        }
    } else {
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for a blur");
    }
    free(weights);
    free(planes);
    return status;
}
