/*
 * Functions made of straight lines with two slopes: Relu, Clip, HardSigmoid,
 * LeakyRelu, ThresholdedRelu. Which slope an element has is all that backward
 * needs, so forward saves one bit an element and no activation is kept.
 *
 * At a kink the slope is the outer one, as in PyTorch's relu, relu6 and
 * hardtanh. (torch.clamp differs: it takes the inner one; ONNX has one
 * operator, Clip, for both, and relu6 is what convolutional networks use.)
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/common/flat.h"
#include "ops/common/fold.h"
#include "ops/operator.h"

/* y = min(max(scale * x + offset, low), high), or for a bent line
   y = x > low ? x : outside * x. */
typedef struct params {
    int bent;
    cxai_real scale, offset;
    cxai_real low, high;
    cxai_real inside, outside; /* slopes */
    int takes_integers;        /* Clip; its bounds are then: */
    int64_t least, greatest;
} params;

static cxai_status piecewise_infer(const cx_case *c, const params *p)
{
    memcpy(c->params, p, sizeof *p);
    c->y_shape[0] = c->x_shape[0];
    if (c->y_type[0] != CX_REAL && !p->takes_integers)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its input must be real numbers");
    return CXAI_OK;
}

static cxai_real attribute(const cx_case *c, const char *name, double otherwise)
{
    return (cxai_real)cx_attribute_float(c->attributes, name, otherwise);
}

static cxai_status relu_infer(const cx_case *c)
{
    return piecewise_infer(
        c, &(params){ .scale = 1, .high = (cxai_real)INFINITY, .inside = 1 });
}

static cxai_status leaky_relu_infer(const cx_case *c)
{
    return piecewise_infer(c,
                           &(params){ .bent = 1,
                                      .high = (cxai_real)INFINITY,
                                      .inside = 1,
                                      .outside = attribute(c, "alpha", 0.01) });
}

static cxai_status thresholded_relu_infer(const cx_case *c)
{
    return piecewise_infer(c, &(params){ .bent = 1,
                                         .low = attribute(c, "alpha", 1),
                                         .high = (cxai_real)INFINITY,
                                         .inside = 1 });
}

static cxai_status hard_sigmoid_infer(const cx_case *c)
{
    cxai_real alpha = attribute(c, "alpha", 0.2);
    return piecewise_infer(c, &(params){ .scale = alpha,
                                         .offset = attribute(c, "beta", 0.5),
                                         .high = 1,
                                         .inside = alpha });
}

/* Clip's bound: an attribute before opset 11, then an optional input. */
static cxai_status clip_bound(const cx_case *c, int input, const char *name,
                              cxai_real *bound, int64_t *integer)
{
    if (c->opset < 11) {
        *bound = attribute(c, name, (double)*bound);
        return CXAI_OK;
    }
    if (input >= c->input_count || c->x_shape[input].rank < 0)
        return CXAI_OK;
    const cx_literal *literal = c->x_literal[input];
    if (literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "%s is not a constant", name);
    if (cx_literal_count(literal) != 1)
        return cx_refuse(c, CXAI_MALFORMED, "%s is not a single number", name);
    *bound = (cxai_real)cx_literal_number(literal, 0);
    *integer = cx_literal_int(literal, 0);
    return CXAI_OK;
}

static cxai_status clip_infer(const cx_case *c)
{
    params p = { .scale = 1,
                 .low = (cxai_real)-INFINITY,
                 .high = (cxai_real)INFINITY,
                 .inside = 1,
                 .takes_integers = 1,
                 .least = INT64_MIN,
                 .greatest = INT64_MAX };
    cxai_status status = clip_bound(c, 1, "min", &p.low, &p.least);
    if (status == CXAI_OK)
        status = clip_bound(c, 2, "max", &p.high, &p.greatest);
    return status == CXAI_OK ? piecewise_infer(c, &p) : status;
}

/* Clip of integers; infer lets no other operator come here. */
static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    int64_t count = cx_literal_count(y[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t v = cx_literal_int(c->x_literal[0], i);
        v = v < p->least ? p->least : v;
        cx_literal_set_int(y[0], i, v > p->greatest ? p->greatest : v);
    }
    return CXAI_OK;
}

enum { X = 1, BOUNDS = 2 | 4 }; /* inputs, as bits */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (wanted & X)
        demand->saved_bytes =
            (size_t)(cxai_shape_count(&c->y_shape[0]) + 7) / 8;
    if (wanted & BOUNDS)
        demand->keep_inputs = X;
}

static void values(const params *p, cxai_real *y, const cxai_real *x, int64_t n)
{
    const cxai_real low = p->low, high = p->high;
    const cxai_real scale = p->scale, offset = p->offset;
    if (p->bent) {
        const cxai_real outside = p->outside;
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] <= low ? (outside == 0 ? 0 : outside * x[i]) : x[i];
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        cxai_real v = scale * x[i] + offset;
        v = v < low ? low : v; /* a NaN passes */
        y[i] = v > high ? high : v;
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *x = call->x[0].data;
    cxai_real *y = call->y[0].data;
    uint8_t *mask = call->saved;
    void (*passed)(uint8_t *, const cxai_real *, int64_t, cxai_real,
                   cxai_real) = call->c->kernels->passed;
    int64_t n = cxai_shape_count(&call->y[0].shape);
#pragma omp parallel for num_threads(cx_flat_threads(call->c->threads, n))     \
    schedule(static)
    for (int64_t i = 0; i < n; i += CX_FLAT_CHUNK) {
        int64_t length = cx_flat_length(i, n);
        if (mask != NULL && p->bent) /* first: y may be x */
            passed(mask + i / 8, x + i, length, p->low, p->high);
        values(p, y + i, x + i, length);
        if (mask != NULL && !p->bent)
            passed(mask + i / 8, y + i, length, p->low, p->high);
    }
}

static void slopes(const cx_case *c, cxai_real *dx, const cxai_real *dy,
                   const uint8_t *mask, int64_t n)
{
    const params *p = c->params;
    const cxai_real inside = p->inside, outside = p->outside;
    if (outside != 0) {
        for (int64_t i = 0; i < n; i++)
            dx[i] = dy[i] * (mask[i / 8] >> i % 8 & 1 ? inside : outside);
        return;
    }
    c->kernels->keep(dx, dy, mask, n);
    if (inside != 1)
        for (int64_t i = 0; i < n; i++)
            dx[i] *= inside;
}

/* The gradient of Clip's min or max: of all that it stands for in y. */
static void bound_gradient(const cx_call *call, int input)
{
    const params *p = call->c->params;
    const cxai_real *x = call->x[0].data, *dy = call->dy[0].data;
    int64_t n = cxai_shape_count(&call->dy[0].shape);
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (input == 1 ? x[i] < p->low : x[i] > p->high)
            sum += (double)dy[i];
    call->dx[input].data[0] = (cxai_real)sum;
}

static void backward(const cx_call *call)
{
    const cxai_real *dy = call->dy[0].data;
    cxai_real *dx = call->dx[0].data;
    const uint8_t *mask = call->saved;
    for (int k = 1; k < call->c->input_count; k++)
        if (call->dx[k].data != NULL)
            bound_gradient(call, k);
    if (dx == NULL)
        return;
    int64_t n = cxai_shape_count(&call->dx[0].shape);
#pragma omp parallel for num_threads(cx_flat_threads(call->c->threads, n))     \
    schedule(static)
    for (int64_t i = 0; i < n; i += CX_FLAT_CHUNK)
        slopes(call->c, dx + i, dy + i, mask + i / 8, cx_flat_length(i, n));
}

static const cx_sample plain[] = {
    { .inputs = "2,5,3,4" },
    { .inputs = "19", .low = -3, .high = 3 },
};
static const cx_sample with_alpha[] = {
    { .inputs = "2,5,3,4", .low = -2, .high = 2 },
    { .inputs = "19", .attributes = "alpha=0.3f", .low = -2, .high = 2 },
};
static const cx_sample hard_sigmoid_samples[] = {
    { .inputs = "2,5,3,4", .low = -5, .high = 5 },
    { .inputs = "19",
      .attributes = "alpha=0.5f beta=0.6f",
      .low = -3,
      .high = 3 },
};
static const cx_sample clip_samples[] = {
    { .inputs = "2,5,3,4", .low = -9, .high = 9 },
    { .inputs = "19",
      .attributes = "min=-0.5f max=0.25f",
      .low = -1,
      .high = 1,
      .opset = 10 },
    { .inputs = "2,3,5;=0;=6", .low = -9, .high = 9 },
    { .inputs = "2,3,5;-;=1", .low = -3, .high = 3 },
    { .inputs = "2,3,5;=-1", .low = -3, .high = 3 },
    { .inputs = "4=1,5,9,-2;=0;=6" },
};

#define ENTRY(operator_name, inputs, infer_function, operator_samples)         \
    {                                                                          \
        .name = operator_name, .min_inputs = 1, .max_inputs = inputs,          \
        .layout = CX_SAME, .params_size = sizeof(params),                      \
        .infer = infer_function, .demand = demand, .forward = forward,         \
        .backward = backward, .fold = fold, CX_SAMPLES(operator_samples)       \
    }

static const cx_operator operators[] = {
    ENTRY("Relu", 1, relu_infer, plain),
    ENTRY("LeakyRelu", 1, leaky_relu_infer, with_alpha),
    ENTRY("ThresholdedRelu", 1, thresholded_relu_infer, with_alpha),
    ENTRY("HardSigmoid", 1, hard_sigmoid_infer, hard_sigmoid_samples),
    ENTRY("Clip", 3, clip_infer, clip_samples),
};
const cx_operator_family cx_operators_piecewise = CX_FAMILY(operators);
