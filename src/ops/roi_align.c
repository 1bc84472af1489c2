/*
 * RoiAlign (He et al., arXiv:1703.06870, section 3): each region is divided
 * into bins, each bin into a grid of samples between four pixels; a bin's value
 * is the mean of its samples, or the greatest of their weighted pixels. Regions
 * and their pictures are constants.
 */
#include <math.h>
#include <string.h>

#include "ops/common/constant.h"

enum { X, REGIONS, PICTURES, INPUTS };
enum { MOST_SAMPLES = 4096, TAPS = 4 }; /* along one axis of a bin */

/* Bins along one axis of a region. */
typedef struct span {
    double start, bin; /* in pixels */
    int64_t samples;   /* of a bin */
} span;

typedef struct region {
    int64_t picture;
    span axis[2]; /* height, width */
} region;

typedef struct params {
    int64_t channels, in[2], out[2], count;
    int greatest;
    region *region;
} params;

/* Pixels of a plane and their weights; a sample outside has weights of 0. */
typedef struct taps {
    int64_t pixel[TAPS];
    cxai_real weight[TAPS];
} taps;

/* ---- reading ------------------------------------------------------------- */

static cxai_status read_region(const cx_case *c, int64_t i)
{
    params *p = c->params;
    const cx_literal *rois = c->x_literal[REGIONS];
    double scale = cx_attribute_float(c->attributes, "spatial_scale", 1);
    int64_t ratio = cx_attribute_int(c->attributes, "sampling_ratio", 0);
    int is_old = strcmp(cx_attribute_string(
                            c->attributes, "coordinate_transformation_mode",
                            c->opset < 16 ? "output_half_pixel" : "half_pixel"),
                        "half_pixel") != 0;
    region *r = &p->region[i];
    r->picture = cx_literal_int(c->x_literal[PICTURES], i);
    if (r->picture < 0 || r->picture >= c->x_shape[X].dim[0])
        return cx_refuse(c, CXAI_MALFORMED, "region %lld is of picture %lld",
                         (long long)i, (long long)r->picture);
    for (int a = 0; a < 2; a++) {
        double from = cx_literal_number(rois, 4 * i + 1 - a) * scale;
        double to = cx_literal_number(rois, 4 * i + 3 - a) * scale;
        double size = is_old ? fmax(to - from, 1) : to - from;
        double bin = size / (double)p->out[a];
        double samples = ratio > 0 ? (double)ratio : fmax(ceil(bin), 0);
        if (!isfinite(from) || !(samples <= MOST_SAMPLES))
            return cx_refuse(c, CXAI_LIMIT,
                             "region %lld needs %g samples along an axis of a "
                             "bin; at most %d are possible",
                             (long long)i, samples, MOST_SAMPLES);
        r->axis[a] = (span){ from - (is_old ? 0 : 0.5), bin, (int64_t)samples };
    }
    return CXAI_OK;
}

static cxai_status check(const cx_case *c)
{
    const cxai_shape *rois = &c->x_shape[REGIONS];
    if (c->x_literal[REGIONS] == NULL || c->x_literal[PICTURES] == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its regions are computed from the data; only "
                         "constants are supported");
    if (cx_input_type(c, X) != CX_REAL || c->x_shape[X].rank != 4 ||
        rois->rank != 2 || rois->dim[1] != 4 ||
        cxai_shape_count(&c->x_shape[PICTURES]) != rois->dim[0])
        return cx_refuse(c, CXAI_MALFORMED,
                         "it needs pictures, regions of 4 numbers, and the "
                         "picture of each");
    return CXAI_OK;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    cxai_status status = check(c);
    if (status != CXAI_OK)
        return status;
    p->channels = c->x_shape[X].dim[1];
    p->count = c->x_shape[REGIONS].dim[0];
    p->in[0] = c->x_shape[X].dim[2];
    p->in[1] = c->x_shape[X].dim[3];
    p->out[0] = cx_attribute_int(c->attributes, "output_height", 1);
    p->out[1] = cx_attribute_int(c->attributes, "output_width", 1);
    p->greatest =
        strcmp(cx_attribute_string(c->attributes, "mode", "avg"), "max") == 0;
    if (p->out[0] < 1 || p->out[1] < 1 || p->in[0] < 1 || p->in[1] < 1)
        return cx_refuse(c, CXAI_MALFORMED, "its input or output is empty");
    const cxai_shape y = { 4, { p->count, p->channels, p->out[0], p->out[1] } };
    p->region =
        cx_arena_alloc(c->arena, (size_t)p->count + 1, sizeof *p->region);
    if (p->region == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    for (int64_t i = 0; status == CXAI_OK && i < p->count; i++)
        status = read_region(c, i);
    return status == CXAI_OK ? cx_set_shape(c, 0, &y) : status;
}

/* ---- samples ------------------------------------------------------------- */

/* The two pixels around a place and the share of the second; -1 outside. */
static double between(double place, int64_t size, int64_t pixel[2])
{
    if (!(place >= -1 && place <= (double)size)) /* NaN, too */
        return -1;
    place = place > 0 ? place : 0;
    pixel[0] = (int64_t)place;
    if (pixel[0] >= size - 1) {
        pixel[0] = pixel[1] = size - 1;
        return 0;
    }
    pixel[1] = pixel[0] + 1;
    return place - (double)pixel[0];
}

/* Sample s, of samples of both axes together, of a bin. */
static taps take(const params *p, const region *r, const int64_t bin[2],
                 int64_t s)
{
    taps t = { .pixel = { 0 } };
    int64_t pixel[2][2] = { { 0 } };
    double share[2];
    const int64_t at[2] = { s / r->axis[1].samples, s % r->axis[1].samples };
    for (int a = 0; a < 2; a++) {
        const span *axis = &r->axis[a];
        double place = ((double)at[a] + 0.5) / (double)axis->samples;
        share[a] = between(axis->start + ((double)bin[a] + place) * axis->bin,
                           p->in[a], pixel[a]);
        if (share[a] < 0)
            return t;
    }
    for (int k = 0; k < TAPS; k++) {
        int i = k / 2, j = k % 2;
        t.pixel[k] = pixel[0][i] * p->in[1] + pixel[1][j];
        t.weight[k] = (cxai_real)((i ? share[0] : 1 - share[0]) *
                                  (j ? share[1] : 1 - share[1]));
    }
    return t;
}

/* The mean over a bin of one plane. */
static cxai_real mean(const params *p, const region *r, const int64_t bin[2],
                      const cxai_real *plane)
{
    int64_t samples = r->axis[0].samples * r->axis[1].samples;
    cxai_real sum = 0;
    for (int64_t s = 0; s < samples; s++) {
        const taps t = take(p, r, bin, s);
        for (int k = 0; k < TAPS; k++)
            sum += t.weight[k] * plane[t.pixel[k]];
    }
    return samples > 0 ? sum / (cxai_real)samples : 0;
}

/* The greatest weighted pixel; *pixel and *weight say which. */
static cxai_real greatest(const params *p, const region *r,
                          const int64_t bin[2], const cxai_real *plane,
                          int64_t *pixel, cxai_real *weight)
{
    int64_t samples = r->axis[0].samples * r->axis[1].samples;
    cxai_real most = 0;
    *pixel = 0;
    *weight = 0;
    for (int64_t s = 0; s < samples; s++) {
        const taps t = take(p, r, bin, s);
        for (int k = 0; k < TAPS; k++) {
            cxai_real value = t.weight[k] * plane[t.pixel[k]];
            if ((s == 0 && k == 0) || value > most) {
                most = value;
                *pixel = t.pixel[k];
                *weight = t.weight[k];
            }
        }
    }
    return most;
}

/* dplane += the gradient of a bin. */
static void spread(const params *p, const region *r, const int64_t bin[2],
                   const cxai_real *plane, cxai_real dy, cxai_real *dplane)
{
    int64_t samples = r->axis[0].samples * r->axis[1].samples, pixel;
    cxai_real weight;
    if (p->greatest) {
        greatest(p, r, bin, plane, &pixel, &weight);
        dplane[pixel] += weight * dy;
        return;
    }
    for (int64_t s = 0; s < samples; s++) {
        const taps t = take(p, r, bin, s);
        for (int k = 0; k < TAPS; k++)
            dplane[t.pixel[k]] += t.weight[k] * dy / (cxai_real)samples;
    }
}

/* ---- passes -------------------------------------------------------------- */

/* Element i of y: its region and bin; returns where its plane begins in x. */
static int64_t locate(const params *p, int64_t i, const region **r,
                      int64_t bin[2])
{
    bin[1] = i % p->out[1];
    bin[0] = i / p->out[1] % p->out[0];
    int64_t plane = i / (p->out[0] * p->out[1]);
    *r = &p->region[plane / p->channels];
    return ((*r)->picture * p->channels + plane % p->channels) * p->in[0] *
           p->in[1];
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    int threads = call->c->threads;
    int64_t count = cxai_shape_count(&call->y[0].shape);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i++) {
        const region *r;
        int64_t bin[2], pixel;
        cxai_real weight;
        const cxai_real *plane = call->x[X].data + locate(p, i, &r, bin);
        call->y[0].data[i] = p->greatest
                                 ? greatest(p, r, bin, plane, &pixel, &weight)
                                 : mean(p, r, bin, plane);
    }
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_real *dx = call->dx[X].data;
    memset(dx, 0, (size_t)cxai_shape_count(&call->dx[X].shape) * sizeof *dx);
    for (int64_t i = 0; i < cxai_shape_count(&call->dy[0].shape); i++) {
        const region *r;
        int64_t bin[2], at = locate(p, i, &r, bin);
        const cxai_real *plane = p->greatest ? call->x[X].data + at : NULL;
        spread(p, r, bin, plane, call->dy[0].data[i], dx + at);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (wanted & 1u << X && ((const params *)c->params)->greatest)
        demand->keep_inputs = 1u << X;
}

static const cx_sample samples[] = {
    { .inputs = "2,2,6,7;2,4~0,1,5,4,1.5,-1,7,6.5;2=1,0",
      .attributes = "output_height=2 output_width=3 sampling_ratio=2" },
    { .inputs = "1,2,6,7;1,4~2,4,11,10;1=0",
      .attributes = "output_height=2 output_width=2 spatial_scale=0.5f "
                    "coordinate_transformation_mode=output_half_pixel" },
    { .inputs = "1,3,6,7;1,4~0,1,5,4;1=0",
      .attributes = "output_height=2 output_width=2 sampling_ratio=2 mode=max",
      .low = 0.1,
      .high = 1 },
};

static const cx_operator operators[] = {
    { .name = "RoiAlign",
      .min_inputs = INPUTS,
      .max_inputs = INPUTS,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = infer,
      .demand = demand,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_roi_align = CX_FAMILY(operators);
