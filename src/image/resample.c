/*
 * Separable resampling with a kernel that widens as the picture shrinks, in
 * the arithmetic of Pillow (Image.resize on 8-bit channels), which most
 * networks were trained with: weights normalised in double and rounded to
 * multiples of 2^-22, rows first, each pass rounded to 8 bits.
 * Bicubic: R. Keys, "Cubic convolution interpolation for digital image
 * processing", IEEE ASSP 29, 1981, eq. 15 for a = -1/2.
 */
#include "image/resample.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 22 };

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* One axis: output i is the sum of weight[i * taps + k] times input
   first[i] + k over k < count[i]. */
typedef struct axis {
    int taps;
    int *first;
    int *count;
    int32_t *weight;
} axis;

static void axis_free(axis *a)
{
    free(a->first);
    free(a->count);
    free(a->weight);
}

static int axis_alloc(axis *a, int outputs, int taps)
{
    size_t n = (size_t)outputs;
    a->taps = taps;
    a->first = cx_alloc(n, sizeof *a->first);
    a->count = cx_alloc(n, sizeof *a->count);
    a->weight = cx_alloc(n, (size_t)taps * sizeof *a->weight);
    return a->first == NULL || a->count == NULL || a->weight == NULL ? -1 : 0;
}

/* Weights of outputs start .. start + outputs - 1 of an axis that is resized
   from `in` to `full` samples. exact is room for `taps` weights. */
static void fill_kernel(axis *a, double *exact, int in, int64_t full,
                        int64_t start, int outputs, cxai_filter filter)
{
    double (*kernel)(double) = filter == CXAI_BICUBIC ? cubic : triangle;
    double scale = (double)in / (double)full;
    double stretch = scale < 1 || filter == CXAI_LINEAR ? 1 : scale;
    double support = (filter == CXAI_BICUBIC ? 2 : 1) * stretch;
    double shrink = 1 / stretch;
    for (int i = 0; i < outputs; i++) {
        double centre = ((double)(start + i) + 0.5) * scale;
        int first = (int)(centre - support + 0.5);
        if (centre - support + 0.5 < 0)
            first = 0;
        int end = (int)fmin(centre + support + 0.5, in);
        double sum = 0;
        for (int k = 0; k < end - first; k++) {
            exact[k] = kernel((k + first - centre + 0.5) * shrink);
            sum += exact[k];
        }
        for (int k = 0; k < end - first; k++) {
            double w =
                (sum != 0 ? exact[k] / sum : exact[k]) * (1 << WEIGHT_BITS);
            a->weight[i * a->taps + k] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
        }
        a->first[i] = first;
        a->count[i] = end - first;
    }
}

static int make_axis(axis *a, int in, int64_t full, int64_t start, int outputs,
                     cxai_filter filter)
{
    double stretch =
        filter == CXAI_LINEAR ? 1 : fmax((double)in / (double)full, 1);
    int taps = 2 * (int)ceil((filter == CXAI_BICUBIC ? 2 : 1) * stretch) + 1;
    double *exact = cx_alloc((size_t)taps, sizeof *exact);
    int result = -1;
    if (exact != NULL && axis_alloc(a, outputs, taps) == 0) {
        fill_kernel(a, exact, in, full, start, outputs, filter);
        result = 0;
    }
    free(exact);
    return result;
}

/* Rounds to 8 bits and cuts off at 0 and 255. */
static uint8_t round8(int64_t sum)
{
    int64_t value = (sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of in to `outputs` samples of each channel. */
static void resample_row(const axis *a, const uint8_t *in, int channels,
                         int outputs, uint8_t *out)
{
    for (int x = 0; x < outputs; x++) {
        const int32_t *weight = a->weight + (size_t)x * (size_t)a->taps;
        const uint8_t *from = in + (size_t)a->first[x] * (size_t)channels;
        for (int c = 0; c < channels; c++) {
            int64_t sum = 0;
            for (int k = 0; k < a->count[x]; k++)
                sum += (int64_t)weight[k] * from[k * channels + c];
            *out++ = round8(sum);
        }
    }
}

/* Output row y from rows of `row_bytes` samples; row 0 of in is row `base` of
   the picture. sum is room for row_bytes numbers. */
static void resample_column(const axis *a, int y, const uint8_t *in, int base,
                            size_t row_bytes, int64_t *sum, uint8_t *out)
{
    memset(sum, 0, row_bytes * sizeof *sum);
    for (int k = 0; k < a->count[y]; k++) {
        const uint8_t *row = in + (size_t)(a->first[y] + k - base) * row_bytes;
        int64_t weight = a->weight[(size_t)y * (size_t)a->taps + (size_t)k];
        for (size_t i = 0; i < row_bytes; i++)
            sum[i] += weight * row[i];
    }
    for (size_t i = 0; i < row_bytes; i++)
        out[i] = round8(sum[i]);
}

/* Both passes; only the rows that the second needs go through the first. */
static int two_passes(const cx_resample *plan, const axis *columns,
                      const axis *rows, const uint8_t *in, int width,
                      int channels, uint8_t *out)
{
    int base = rows->first[0];
    int last = plan->height - 1;
    int needed = rows->first[last] + rows->count[last] - base;
    size_t in_bytes = (size_t)width * (size_t)channels;
    size_t row_bytes = (size_t)plan->width * (size_t)channels;
    uint8_t *middle = cx_alloc((size_t)needed, row_bytes);
    int64_t *sum = cx_alloc(row_bytes, sizeof *sum);
    int result = -1;
    if (middle != NULL && sum != NULL) {
        for (int y = 0; y < needed; y++)
            resample_row(columns, in + (size_t)(base + y) * in_bytes, channels,
                         plan->width, middle + (size_t)y * row_bytes);
        for (int y = 0; y < plan->height; y++)
            resample_column(rows, y, middle, base, row_bytes, sum,
                            out + (size_t)y * row_bytes);
        result = 0;
    }
    free(middle);
    free(sum);
    return result;
}

/* Which input sample each output takes. The position is summed up step by
   step as Pillow does, whose rounding decides ties. */
static void nearest_indices(int in, int64_t full, int64_t start, int outputs,
                            int *index)
{
    double step = (double)in / (double)full;
    double position = step * 0.5;
    for (int64_t i = 0; i < start; i++)
        position += step;
    for (int i = 0; i < outputs; i++, position += step)
        index[i] = position < in ? (int)position : in - 1;
}

static int nearest(const cx_resample *plan, const uint8_t *in, int width,
                   int height, int channels, uint8_t *out)
{
    int *column = cx_alloc((size_t)plan->width, sizeof *column);
    int *row = cx_alloc((size_t)plan->height, sizeof *row);
    int result = -1;
    if (column != NULL && row != NULL) {
        nearest_indices(width, plan->full_width, plan->left, plan->width,
                        column);
        nearest_indices(height, plan->full_height, plan->top, plan->height,
                        row);
        for (int y = 0; y < plan->height; y++)
            for (int x = 0; x < plan->width; x++, out += channels) {
                size_t at = (size_t)row[y] * (size_t)width + (size_t)column[x];
                memcpy(out, in + at * (size_t)channels, (size_t)channels);
            }
        result = 0;
    }
    free(column);
    free(row);
    return result;
}

int cx_resample_apply(const cx_resample *plan, const uint8_t *in, int width,
                      int height, int channels, uint8_t *out)
{
    if (plan->filter == CXAI_NEAREST)
        return nearest(plan, in, width, height, channels, out);
    axis columns = { 0 }, rows = { 0 };
    int result = -1;
    if (make_axis(&columns, width, plan->full_width, plan->left, plan->width,
                  plan->filter) == 0 &&
        make_axis(&rows, height, plan->full_height, plan->top, plan->height,
                  plan->filter) == 0)
        result = two_passes(plan, &columns, &rows, in, width, channels, out);
    axis_free(&columns);
    axis_free(&rows);
    return result;
}

cxai_status cxai_image_resize(cxai_image *out, const cxai_image *image,
                              int width, int height, cxai_filter filter,
                              cxai_error *error)
{
    cxai_status status =
        cxai_image_create(out, width, height, image->channels, error);
    if (status != CXAI_OK)
        return status;
    cx_resample plan = { width, height, 0, 0, width, height, filter };
    if (cx_resample_apply(&plan, image->pixels, image->width, image->height,
                          image->channels, out->pixels) == 0)
        return CXAI_OK;
    cxai_image_free(out);
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory to resize a picture to %d x %d pixels", width,
                     height);
}
