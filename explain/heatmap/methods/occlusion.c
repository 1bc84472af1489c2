/*
 * Occlusion. Zeiler and Fergus, "Visualizing and understanding convolutional
 * networks", ECCV 2014, section 4.2: the fall of the score while a window of
 * the picture is covered, as captum's Occlusion computes it: the windows start
 * at multiples of the stride until one reaches the far side, what of the last
 * one lies outside is cut off, and a pixel gets the mean fall over the windows
 * that cover it. They cover all channels, and show the baseline of the options
 * (0, as in captum; the paper's grey is --baseline grey).
 *
 * By default the window is an eighth of the shorter side and the stride half a
 * window: captum leaves both to the user.
 */
#include <stdlib.h>
#include <string.h>

#include "../gradient.h"
#include "../regions.h"
#include "../trials.h"

typedef struct occlusion {
    int64_t height, width, stride; /* of a window */
    int64_t rows, columns;         /* of windows */
    double *falls;                 /* [targets][height*width] */
    double *covers; /* [height*width] how many windows lie there */
} occlusion;

typedef struct rectangle {
    int64_t left, top, right, bottom; /* the last two lie outside */
} rectangle;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static rectangle window_of(const cxai_heatmap_call *call, const occlusion *o,
                           int64_t index)
{
    int64_t at = cx_spread(index, o->rows * o->columns);
    int64_t top = at / o->columns * o->stride;
    int64_t left = at % o->columns * o->stride;

    return (rectangle){ left, top, smaller(left + o->width, call->width),
                        smaller(top + o->height, call->height) };
}

static void cover(const cxai_heatmap_call *call, int64_t at, cxai_real *point)
{
    const cxai_real *baseline = call->options->baseline;

    point[at] = baseline ? baseline[at] : 0;
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const occlusion *o = payload;
    rectangle w = window_of(call, o, index);
    int64_t pixels = call->height * call->width;
    int last = call->options->channels_last != 0;

    memcpy(point, call->input,
           (size_t)(pixels * call->channels) * sizeof *point);
    for (int64_t c = 0; c < call->channels; c++)
        for (int64_t y = w.top; y < w.bottom; y++)
            for (int64_t x = w.left; x < w.right; x++) {
                int64_t i = y * call->width + x;
                cover(call, last ? i * call->channels + c : c * pixels + i,
                      point);
            }
}

static void take_trial(const cxai_heatmap_call *call, void *payload,
                       int64_t index, const double *scores)
{
    const occlusion *o = payload;
    rectangle w = window_of(call, o, index);
    int64_t pixels = call->height * call->width;

    for (int64_t y = w.top; y < w.bottom; y++)
        for (int64_t x = w.left; x < w.right; x++) {
            int64_t i = y * call->width + x;
            o->covers[i]++;
            for (int t = 0; t < call->target_count; t++)
                o->falls[t * pixels + i] += call->results[t].score - scores[t];
        }
}

static cxai_status occlude(const cxai_heatmap_call *call, occlusion *o,
                           cxai_error *error)
{
    int64_t pixels = call->height * call->width;
    int64_t count = o->rows * o->columns;
    const cx_trials trials = {
        .value = call->input_value,
        .count = count,
        .write = write_trial,
        .apart = 1,
        .take = take_trial,
        .payload = o,
    };
    cxai_status status = cx_begin(call, NULL, NULL, error);

    if (status == CXAI_OK)
        status = cx_try(call, &trials, NULL, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++) {
        double *falls = o->falls + t * pixels;
        for (int64_t i = 0; i < pixels; i++)
            falls[i] /= o->covers[i] > 0 ? o->covers[i] : 1;
        status = cx_pixels_attribute(call, t, falls, error);
    }
    return status;
}

/* How many windows reach across a side. */
static int64_t steps(int64_t side, int64_t window, int64_t stride)
{
    return (side - window + stride - 1) / stride + 1;
}

static cxai_status place_windows(const cxai_heatmap_call *call, occlusion *o,
                                 cxai_error *error)
{
    int64_t shorter = smaller(call->height, call->width);
    int64_t window = (int64_t)cxai_heatmap_setting(call, "window");

    o->stride = (int64_t)cxai_heatmap_setting(call, "stride");
    if (window == 0)
        window = shorter / 8 > 1 ? shorter / 8 : 1;
    if (o->stride == 0)
        o->stride = (window + 1) / 2;
    if (o->stride > window)
        return cxai_fail(error, CXAI_INVALID,
                         "a stride of %lld leaves gaps between windows of %lld "
                         "pixels",
                         (long long)o->stride, (long long)window);
    o->height = smaller(window, call->height);
    o->width = smaller(window, call->width);
    o->rows = steps(call->height, o->height, o->stride);
    o->columns = steps(call->width, o->width, o->stride);
    return CXAI_OK;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    size_t pixels = (size_t)(call->height * call->width);
    occlusion o = { 0 };
    cxai_status status = place_windows(call, &o, error);

    if (status != CXAI_OK)
        return status;
    o.falls = calloc((size_t)call->target_count, pixels * sizeof *o.falls);
    o.covers = calloc(pixels, sizeof *o.covers);
    status = o.falls && o.covers
                 ? occlude(call, &o, error)
                 : cxai_fail(error, CXAI_NO_MEMORY, "no memory for occlusion");
    free(o.falls);
    free(o.covers);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "window", 0, 0, 1e6, NULL,
      "pixels of its side; 0: an eighth of the picture's shorter side" },
    { "stride", 0, 0, 1e6, NULL,
      "pixels from one window to the next; 0: half a window" },
    { 0 },
};

const cxai_heatmap_method cxai_method_occlusion = {
    .name = "occlusion",
    .title = "Occlusion",
    .family = "perturbation",
    .paper = "Zeiler and Fergus, 2014, ECCV",
    .summary = "by how much the score falls while a window covers the place",
    .cost = "1 + windows forward",
    .needs = CXAI_NEEDS_BASELINE | CXAI_IS_ANYTIME,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
