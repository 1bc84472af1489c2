#include "segments.h"

#include <math.h>
#include <stdlib.h>

/* of the Gaussian, in deviations, as scipy's gaussian_filter */
static const double truncation = 4;

typedef struct edge {
    double weight;
    int32_t from, to;
} edge;

/* Regions as trees over the pixels. */
typedef struct forest {
    int32_t *parent;
    int32_t *size;    /* of a root's region */
    double *internal; /* Int(C), section 3.1: the largest weight inside it */
} forest;

/* ---- smoothing ---- */

/* Place i of a line that is mirrored at both ends, dcba|abcd|dcba. */
static int64_t mirrored(int64_t i, int64_t count)
{
    int64_t period = 2 * count;

    i %= period;
    i += i < 0 ? period : 0;
    return i < count ? i : period - 1 - i;
}

/* Smooths along one axis: count places that lie step apart, in line, which
   holds a copy. */
static void smooth_line(double *place, int64_t count, int64_t step,
                        const double *kernel, int64_t radius, double *line)
{
    for (int64_t i = 0; i < count; i++)
        line[i] = place[i * step];
    for (int64_t i = 0; i < count; i++) {
        double sum = line[i] * kernel[0];
        for (int64_t k = radius; k > 0; k--) {
            int inside = i >= k && i + k < count;
            double before = inside ? line[i - k] : line[mirrored(i - k, count)];
            double after = inside ? line[i + k] : line[mirrored(i + k, count)];
            sum += (before + after) * kernel[k];
        }
        place[i * step] = sum;
    }
}

/* kernel[0..radius], the half of a Gaussian that sums to 1. */
static void make_kernel(double *kernel, int64_t radius, double sigma)
{
    double sum = 0;

    for (int64_t k = radius; k >= 0; k--) {
        kernel[k] = exp(-0.5 * (double)(k * k) / (sigma * sigma));
        sum += k > 0 ? 2 * kernel[k] : kernel[k];
    }
    for (int64_t k = 0; k <= radius; k++)
        kernel[k] /= sum;
}

static cxai_status smooth(double *picture, int64_t height, int64_t width,
                          int64_t channels, double sigma, cxai_error *error)
{
    int64_t radius = (int64_t)(truncation * sigma + 0.5);
    size_t longest = (size_t)(height > width ? height : width);
    double *kernel = malloc(((size_t)radius + 1 + longest) * sizeof *kernel);

    if (!kernel)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for smoothing");
    double *line = kernel + radius + 1;
    int64_t row = width * channels;
    make_kernel(kernel, radius, sigma);
    for (int64_t i = 0; i < row; i++)
        smooth_line(picture + i, height, row, kernel, radius, line);
    for (int64_t y = 0; y < height; y++)
        for (int64_t c = 0; c < channels; c++)
            smooth_line(picture + y * row + c, width, channels, kernel, radius,
                        line);
    free(kernel);
    return CXAI_OK;
}

/* ---- the graph ---- */

/* What is not a number is as far as can be: edges can be sorted. */
static double distance(const double *a, const double *b, int64_t channels)
{
    double sum = 0;

    for (int64_t c = 0; c < channels; c++)
        sum += (a[c] - b[c]) * (a[c] - b[c]);
    return isnan(sum) ? (double)INFINITY : sqrt(sum);
}

/* The edges from every pixel to the neighbour dx, dy further, if it exists. */
static int64_t add_edges(edge *edges, const double *picture, int64_t height,
                         int64_t width, int64_t channels, int64_t dx,
                         int64_t dy)
{
    int64_t count = 0;

    for (int64_t y = 0; y + dy < height; y++)
        for (int64_t x = dx < 0 ? 1 : 0; x < width && x + dx < width; x++) {
            int64_t from = y * width + x, to = from + dy * width + dx;
            double weight = distance(picture + from * channels,
                                     picture + to * channels, channels);
            edges[count++] = (edge){ weight, (int32_t)from, (int32_t)to };
        }
    return count;
}

/* By weight; equal ones by their places, so that any sort gives one order. */
static int compare_edges(const void *left, const void *right)
{
    const edge *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static int32_t root_of(const forest *f, int32_t node)
{
    while (f->parent[node] != node) {
        f->parent[node] = f->parent[f->parent[node]];
        node = f->parent[node];
    }
    return node;
}

/* The root is the first pixel. */
static void join(const forest *f, int32_t a, int32_t b, double weight)
{
    int32_t root = a < b ? a : b, other = a < b ? b : a;

    f->parent[other] = root;
    f->size[root] += f->size[other];
    f->internal[root] = weight;
}

/* Algorithm 1 with the threshold k / |C| of equation 5. */
static void join_alike(const forest *f, const edge *edges, int64_t count,
                       double k)
{
    for (int64_t e = 0; e < count; e++) {
        int32_t a = root_of(f, edges[e].from), b = root_of(f, edges[e].to);
        if (a != b && edges[e].weight <= fmin(f->internal[a] + k / f->size[a],
                                              f->internal[b] + k / f->size[b]))
            join(f, a, b, edges[e].weight);
    }
}

/* As the authors' program: what is too small joins its most similar
   neighbour. */
static void join_small(const forest *f, const edge *edges, int64_t count,
                       int64_t least)
{
    for (int64_t e = 0; e < count; e++) {
        int32_t a = root_of(f, edges[e].from), b = root_of(f, edges[e].to);
        if (a != b && (f->size[a] < least || f->size[b] < least))
            join(f, a, b, edges[e].weight);
    }
}

/* Numbers the regions; a root comes before the rest of its tree. */
static int32_t number_regions(const forest *f, int64_t pixels, int32_t *labels)
{
    int32_t count = 0;

    for (int32_t i = 0; i < pixels; i++) {
        int32_t root = root_of(f, i);
        labels[i] = root == i ? count++ : labels[root];
    }
    return count;
}

static int32_t divide(const forest *f, edge *edges, const double *picture,
                      int64_t height, int64_t width, int64_t channels,
                      const cx_segmentation *how, int32_t *labels)
{
    static const int neighbours[][2] = {
        { 1, 0 }, { 0, 1 }, { 1, 1 }, { -1, 1 }
    };
    int64_t pixels = height * width, count = 0;

    for (int i = 0; i < 4; i++)
        count += add_edges(edges + count, picture, height, width, channels,
                           neighbours[i][0], neighbours[i][1]);
    qsort(edges, (size_t)count, sizeof *edges, compare_edges);
    for (int32_t i = 0; i < pixels; i++) {
        f->parent[i] = i;
        f->size[i] = 1;
        f->internal[i] = 0;
    }
    join_alike(f, edges, count, how->scale / 255);
    join_small(f, edges, count, how->least);
    return number_regions(f, pixels, labels);
}

cxai_status cx_segment(const double *picture, int64_t height, int64_t width,
                       int64_t channels, const cx_segmentation *how,
                       int32_t *labels, int32_t *count, cxai_error *error)
{
    size_t pixels = (size_t)(height * width);
    size_t numbers = pixels * (size_t)channels;

    if (height > INT32_MAX / 4 / width)
        return cxai_fail(error, CXAI_LIMIT,
                         "a picture of %lldx%lld is too large for regions",
                         (long long)height, (long long)width);
    double *smoothed = calloc(numbers, sizeof *smoothed);
    edge *edges = malloc(4 * pixels * sizeof *edges);
    forest f = { malloc(pixels * sizeof *f.parent),
                 malloc(pixels * sizeof *f.size),
                 malloc(pixels * sizeof *f.internal) };
    cxai_status status =
        smoothed && edges && f.parent && f.size && f.internal
            ? CXAI_OK
            : cxai_fail(error, CXAI_NO_MEMORY,
                        "no memory for the regions of a picture");

    for (size_t i = 0; status == CXAI_OK && i < numbers; i++)
        smoothed[i] = picture[i];
    if (status == CXAI_OK && how->sigma > 0)
        status = smooth(smoothed, height, width, channels, how->sigma, error);
    if (status == CXAI_OK)
        *count =
            divide(&f, edges, smoothed, height, width, channels, how, labels);
    free(smoothed);
    free(edges);
    free(f.parent);
    free(f.size);
    free(f.internal);
    return status;
}

cxai_status cx_segment_input(const cxai_heatmap_call *call,
                             const cx_segmentation *how, int32_t *labels,
                             int32_t *count, cxai_error *error)
{
    int64_t pixels = call->height * call->width, channels = call->channels;
    int last = call->options->channels_last != 0;
    double *picture = calloc((size_t)(pixels * channels), sizeof *picture);
    double low = (double)call->input[0], high = low;

    if (!picture)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for the regions of a picture");
    for (int64_t i = 0; i < pixels * channels; i++) {
        double sample = (double)call->input[i];
        low = sample < low ? sample : low;
        high = sample > high ? sample : high;
    }
    double range = high > low ? high - low : 1;
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < channels; c++) {
            int64_t at = last ? i * channels + c : c * pixels + i;
            picture[i * channels + c] = ((double)call->input[at] - low) / range;
        }
    cxai_status status = cx_segment(picture, call->height, call->width,
                                    channels, how, labels, count, error);
    free(picture);
    return status;
}
