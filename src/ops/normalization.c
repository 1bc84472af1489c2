/*
 * BatchNormalization in inference:
 *
 *   y = (x - mean) * s + shift,  s = scale / sqrt(variance + epsilon)
 *
 * for each channel (Ioffe and Szegedy, "Batch Normalization", 2015, algorithm
 * 2), so one multiplication and one addition an element.
 */
#include <math.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/channel_sum.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/window.h"

enum { X, SCALE, SHIFT, MEAN, VARIANCE, INPUTS };

typedef struct params {
    double epsilon;
    int64_t channels, pixels; /* pixels of the whole batch */
} params;

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status check_parameters(const cx_case *c, int64_t channels)
{
    static const char *const name[] = { "x", "scale", "B", "mean", "var" };
    for (int i = SCALE; i < INPUTS; i++) {
        const cxai_shape *shape = &c->x_shape[i];
        char text[128];
        if (!cx_has_input(c, i))
            return cx_refuse(c, CXAI_MALFORMED, "its input %s is missing",
                             name[i]);
        if (shape->rank != 1 || shape->dim[0] != channels)
            return cx_refuse(c, CXAI_INVALID,
                             "%s has the shape %s; its input has %lld channels",
                             name[i], cxai_shape_text(shape, text, sizeof text),
                             (long long)channels);
    }
    return CXAI_OK;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X];
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (x->rank < 2)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input has %d dimensions; batch and channels are "
                         "needed",
                         x->rank);
    if (cx_attribute_int(c->attributes, "training_mode", 0) != 0 ||
        (c->opset < 7 && cx_attribute_int(c->attributes, "is_test", 0) == 0))
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "it is in training mode; export the model in "
                         "inference (eval) mode");
    /* MXNet wrote spatial=0 where there is one number for each channel */
    if (cx_attribute_int(c->attributes, "spatial", 1) == 0 &&
        c->x_shape[SCALE].rank != 1)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "statistics for each position (spatial=0) are not "
                         "supported");
    status = check_parameters(c, x->dim[1]);
    if (status != CXAI_OK)
        return status;
    status = cx_set_shape(c, 0, x);
    if (status != CXAI_OK)
        return status;
    p->epsilon = cx_attribute_float(c->attributes, "epsilon", 1e-5);
    p->channels = x->dim[1];
    p->pixels = p->channels > 0 ? cxai_shape_count(x) / p->channels : 0;
    return cx_check_demand(c, demand, (1u << INPUTS) - 1);
}

/* ---- scale and shift ----------------------------------------------------- */

static double inverse_deviation(const params *p, cxai_real variance)
{
    return 1 / sqrt((double)variance + p->epsilon);
}

/* The factor of each channel and, unless shift is NULL, what is added. */
static void merge(const params *p, const cxai_real *const data[INPUTS],
                  cxai_real *factor, cxai_real *shift)
{
    for (int64_t i = 0; i < p->channels; i++) {
        double s =
            (double)data[SCALE][i] * inverse_deviation(p, data[VARIANCE][i]);
        factor[i] = (cxai_real)s;
        if (shift != NULL)
            shift[i] =
                (cxai_real)((double)data[SHIFT][i] - (double)data[MEAN][i] * s);
    }
}

static int is_constant(const cx_case *c)
{
    for (int i = SCALE; i < INPUTS; i++)
        if (c->x_literal[i] == NULL)
            return 0;
    return 1;
}

/* Both passes read what is prepared for the first. */
static void prepare(const cx_case *c, int pass, void *prepared)
{
    (void)pass;
    const params *p = c->params;
    const cxai_real *data[INPUTS] = { NULL };
    for (int i = SCALE; i < INPUTS; i++)
        data[i] = c->x_literal[i]->data;
    merge(p, data, prepared, (cxai_real *)prepared + p->channels);
}

/* Factor, then shift, of the channels; the shift is not made for backward. */
static const cxai_real *merged(const cx_call *call, int with_shift)
{
    const params *p = call->c->params;
    const cxai_real *data[INPUTS];
    cxai_real *factor = call->workspace;
    if (call->prepared[CX_FORWARD] != NULL)
        return call->prepared[CX_FORWARD];
    for (int i = SCALE; i < INPUTS; i++)
        data[i] = call->x[i].data;
    merge(p, data, factor, with_shift ? factor + p->channels : NULL);
    return factor;
}

/* ---- passes -------------------------------------------------------------- */

/* Runs over blocks of pixels on all threads. */
static void run(const cx_case *c, const cx_affine *all)
{
    const params *p = c->params;
    int64_t block = cx_maximum(1, CX_SMALL_WORK / cx_maximum(1, p->channels));
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (p->pixels > 2 * block)
    for (int64_t from = 0; from < p->pixels; from += block) {
        cx_affine part = *all;
        part.pixels = cx_minimum(block, p->pixels - from);
        part.x += from * all->x_pixel;
        part.y += from * all->y_pixel;
        if (part.residual != NULL)
            part.residual += from * all->y_pixel;
        c->kernels->affine(&part);
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_epilogue epilogue = cx_call_epilogue(call);
    const cxai_real *factor = merged(call, 1);
    const cx_affine affine = {
        .channels = p->channels,
        .x = call->x[X].data,
        .x_pixel = cx_pixel_stride(&call->x[X]),
        .scale = factor,
        .shift = factor + p->channels,
        .residual = cx_epilogue_residual(&epilogue),
        .y = call->y[0].data,
        .y_pixel = cx_pixel_stride(&call->y[0]),
        .low = epilogue.low,
        .high = epilogue.high,
    };
    run(call->c, &affine);
    cx_save_mask(call);
}

/* Of scale, shift, mean and variance. With g = sum of dy and h = sum of
   dy * (x - mean), over pixels:
     dscale = h / deviation          dshift = g
     dmean = -g * scale / deviation
     dvariance = -h * scale / (2 * deviation^3) */
static void parameter_gradients(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_tensor *x = &call->x[X], *dy = &call->dy[0];
    double *g = call->workspace, *h = g + p->channels;
    int64_t x_pixel = cx_pixel_stride(x), dy_pixel = cx_pixel_stride(dy);
    cx_channel_sums(g, p->channels, p->pixels, dy->data, dy_pixel, NULL, 0,
                    call->c->threads);
    cx_channel_sums(h, p->channels, p->pixels, dy->data, dy_pixel, x->data,
                    x_pixel, call->c->threads);
    for (int64_t i = 0; i < p->channels; i++) {
        double inverse = inverse_deviation(p, call->x[VARIANCE].data[i]);
        double scale = (double)call->x[SCALE].data[i];
        double moment = h[i] - (double)call->x[MEAN].data[i] * g[i];
        const double gradient[INPUTS] = {
            [SCALE] = moment * inverse,
            [SHIFT] = g[i],
            [MEAN] = -g[i] * scale * inverse,
            [VARIANCE] = -moment * scale * inverse * inverse * inverse / 2,
        };
        for (int k = SCALE; k < INPUTS; k++)
            if (call->dx[k].data != NULL)
                call->dx[k].data[i] = (cxai_real)gradient[k];
    }
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_epilogue none = cx_no_epilogue();
    int parameters = 0;
    for (int i = SCALE; i < INPUTS; i++)
        parameters |= call->dx[i].data != NULL;
    if (call->dx[X].data != NULL) {
        const cx_affine affine = {
            .channels = p->channels,
            .x = call->dy[0].data,
            .x_pixel = cx_pixel_stride(&call->dy[0]),
            .scale = merged(call, 0),
            .y = call->dx[X].data,
            .y_pixel = cx_pixel_stride(&call->dx[X]),
            .low = none.low,
            .high = none.high,
        };
        run(call->c, &affine);
    }
    if (parameters)
        parameter_gradients(call);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t rows = cx_size_times((size_t)p->channels, 2 * sizeof(double));
    if (is_constant(c))
        demand->prepared_bytes[CX_FORWARD] = rows;
    else
        demand->forward_workspace = rows;
    if (wanted == 0)
        return;
    demand->backward_workspace = rows;
    if (!is_constant(c))
        demand->keep_inputs |= 1u << SCALE | 1u << VARIANCE;
    if (wanted & ~(uint64_t)1)
        demand->keep_inputs |= (1u << INPUTS) - 1;
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4,5;3;3;3;3", .low = 0.1, .high = 2 },
    { .inputs = "1,17,3,3;17;17;17;17",
      .attributes = "epsilon=0.01f",
      .low = 0.1,
      .high = 2 },
    { .inputs = "4,9;9;9;9;9", .low = 0.1, .high = 2 },
    { .inputs = "2,3,7;3;3;3;3", .low = 0.1, .high = 2 },
    { .inputs = "1,3,2,3,4;3;3;3;3", .low = 0.1, .high = 2, .opset = 9 },
};

static const cx_operator operators[] = {
    {
        .name = "BatchNormalization",
        .min_inputs = 5,
        .max_inputs = 5,
        .max_outputs = 5, /* those after the first, of training, are refused */
        .layout = CX_CHANNELS_LAST,
        .params_size = sizeof(params),
        .fuses_epilogue = 1,
        .takes_gaps = 1,
        .infer = infer,
        .demand = demand,
        .prepare = prepare,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_normalization = CX_FAMILY(operators);
