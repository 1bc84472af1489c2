/*
 * Blur integrated gradients. Xu, Venugopalan and Sundararajan, "Attribution in
 * scale and space", CVPR 2020, equation 7: the path leads from the picture
 * blurred beyond recognition to the picture; L(s) being the picture blurred
 * with deviation s,
 *
 *     - integral over s in 0..S of dy/dL dL/ds,
 *
 * which sums to y(x) - y(L(S)). As in the authors' library (PAIR saliency,
 * core/blur_ig.py): S is 50 pixels, the sum has 100 even steps, each taken at
 * its sharper end, dL/ds is (L(s + 0.01) - L(s)) / 0.01, and the picture is 0
 * outside of its edges. Here that difference is taken of the Gaussians, not of
 * the blurred pictures, in which it would drown in float32.
 */
#include <stdlib.h>
#include <string.h>

#include "../blur.h"
#include "../gradient.h"
#include "../points.h"

enum { default_steps = 100, most_steps = 100000 };

static const double difference = 0.01;

/* L(s) is `now` along columns and rows. dL/ds is `wider` along the columns of
   `change` along the rows, and `change` along those of `now`. */
enum { now, wider, change, filters };

typedef struct blurring {
    double sigma; /* S */
    int steps;
    int64_t radius;              /* of the widest filter */
    double *gaussians[2];        /* now, wider; room for that radius each */
    cxai_real *weights[filters]; /* the same */
    cxai_real *plane;            /* a channel of the picture */
    cxai_real *rows[2];          /* it filtered along its rows by now, change */
    cxai_real *planes[2];        /* it as a part of L(s), dL/ds */
    cxai_real *changes;          /* dL/ds of the steps under way, (slots, x) */
    int64_t slots;               /* steps of a batch, at most */
    double *sums;
} blurring;

static void set_filters(blurring *b, double s)
{
    int64_t radius = b->radius;
    double *gaussian[2] = { b->gaussians[now] + radius,
                            b->gaussians[wider] + radius };

    cx_gaussian(gaussian[now], s, radius);
    cx_gaussian(gaussian[wider], s + difference, radius);
    for (int64_t i = -radius; i <= radius; i++) {
        double d = gaussian[wider][i] - gaussian[now][i];
        b->weights[now][radius + i] = (cxai_real)gaussian[now][i];
        b->weights[wider][radius + i] = (cxai_real)gaussian[wider][i];
        b->weights[change][radius + i] = (cxai_real)(d / difference);
    }
}

/* Channel c of an array shaped as the input, copied to or from a plane. */
static void move_channel(const cxai_heatmap_call *call, int64_t c,
                         cxai_real *array, cxai_real *plane, int out)
{
    int64_t count = call->height * call->width;
    int last = call->options->channels_last != 0;
    int64_t step = last ? call->channels : 1;

    array += last ? c : c * count;
    for (int64_t i = 0; i < count; i++)
        if (out)
            array[i * step] = plane[i];
        else
            plane[i] = array[i * step];
}

/* L(s) and, unless it is NULL, dL/ds. */
static void blur(const cxai_heatmap_call *call, blurring *b, double s,
                 cxai_real *blurred, cxai_real *changed)
{
    int64_t height = call->height, width = call->width;
    size_t bytes = (size_t)(height * width) * sizeof(cxai_real);
    cx_filter f[filters];

    set_filters(b, s);
    for (int i = 0; i < filters; i++)
        f[i] = (cx_filter){ cx_gaussian_radius(s + difference),
                            b->weights[i] + b->radius };
    for (int64_t c = 0; c < call->channels; c++) {
        /* only read */
        move_channel(call, c, (cxai_real *)call->input, b->plane, 0);
        cx_filter_rows(f[now], b->plane, height, width, b->rows[0]);
        memset(b->planes[0], 0, bytes);
        cx_filter_columns(f[now], b->rows[0], height, width, b->planes[0]);
        move_channel(call, c, blurred, b->planes[0], 1);
        if (!changed)
            continue;
        cx_filter_rows(f[change], b->plane, height, width, b->rows[1]);
        memset(b->planes[1], 0, bytes);
        cx_filter_columns(f[wider], b->rows[1], height, width, b->planes[1]);
        cx_filter_columns(f[change], b->rows[0], height, width, b->planes[1]);
        move_channel(call, c, changed, b->planes[1], 1);
    }
}

static void write_step(const cxai_heatmap_call *call, void *payload,
                       int64_t index, cxai_real *point)
{
    blurring *b = payload;
    int64_t count = cxai_shape_count(&call->input_shape);

    blur(call, b, b->sigma * (double)index / b->steps, point,
         b->changes + index % b->slots * count);
}

static void take(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value)
{
    const blurring *b = payload;
    int64_t count = cxai_shape_count(&call->input_shape);
    const cxai_real *changed = b->changes + index % b->slots * count;
    double *sum = b->sums + target * count;
    double step = b->sigma / b->steps;

    (void)value;
    for (int64_t e = 0; e < count; e++)
        sum[e] -= step * (double)changed[e] * (double)gradient[e];
}

static cxai_status integrate(const cxai_heatmap_call *call, blurring *b,
                             double *scores, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    cx_points points = { .feed = call->input_value,
                         .wrt = call->input_value,
                         .count = b->steps,
                         .write = write_step,
                         .take = take,
                         .payload = b };

    blur(call, b, b->sigma, b->changes, NULL);
    cxai_status status = cx_begin(call, b->changes, scores, error);
    if (status == CXAI_OK)
        status = cx_gradients(call, &points, error);
    if (status == CXAI_OK)
        status = cx_set_attributions(call, b->sums, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        cx_note_delta(&call->results[i], b->sums + i * count, NULL, count,
                      scores[i]);
    return status;
}

/* 1 when all memory was there. */
static int allocate(const cxai_heatmap_call *call, blurring *b)
{
    size_t weights = (size_t)(2 * b->radius + 1);
    size_t positions = (size_t)(call->height * call->width);
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    int ok = 1;

    for (int i = 0; i < 2; i++) {
        b->gaussians[i] = calloc(weights, sizeof(double));
        b->rows[i] = calloc(positions, sizeof(cxai_real));
        b->planes[i] = calloc(positions, sizeof(cxai_real));
        ok = ok && b->gaussians[i] && b->rows[i] && b->planes[i];
    }
    for (int i = 0; i < filters; i++) {
        b->weights[i] = calloc(weights, sizeof(cxai_real));
        ok = ok && b->weights[i];
    }
    b->plane = calloc(positions, sizeof *b->plane);
    b->changes = calloc((size_t)b->slots, count * sizeof *b->changes);
    b->sums = calloc((size_t)call->target_count, count * sizeof *b->sums);
    return ok && b->plane && b->changes && b->sums;
}

static void release(blurring *b)
{
    for (int i = 0; i < 2; i++) {
        free(b->gaussians[i]);
        free(b->rows[i]);
        free(b->planes[i]);
    }
    for (int i = 0; i < filters; i++)
        free(b->weights[i]);
    free(b->plane);
    free(b->changes);
    free(b->sums);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    blurring b = { .steps = options->steps ? options->steps : default_steps,
                   .sigma = cxai_heatmap_setting(call, "sigma") };

    if (b.steps < 1 || b.steps > most_steps)
        return cxai_fail(error, CXAI_INVALID, "steps must be 1 to %d, not %d",
                         most_steps, b.steps);
    b.slots = options->batch < b.steps ? options->batch : b.steps;
    b.radius = cx_gaussian_radius(b.sigma + difference);
    double *scores = calloc((size_t)call->target_count, sizeof *scores);
    cxai_status status = allocate(call, &b) && scores
                             ? integrate(call, &b, scores, error)
                             : cxai_fail(error, CXAI_NO_MEMORY,
                                         "no memory for blurred pictures");
    free(scores);
    release(&b);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "sigma", 50, 0.1, 1000, NULL,
      "deviation of the Gaussian that blurs most, in pixels of the input" },
    { 0 }
};

const cxai_heatmap_method cxai_method_blur_ig = {
    .name = "blur_ig",
    .title = "Blur integrated gradients",
    .family = "path",
    .paper = "Xu et al., 2020, CVPR",
    .summary = "gradient along the way from the blurred to the sharp picture, "
               "times its change",
    .cost = "2 + steps forward, steps backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
