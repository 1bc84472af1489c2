/*
 * DynamicQuantizeLinear: the range of the input and 0 in 255 steps.
 *
 * The gradient is the straight-through one (quantize.c) with scale and zero
 * point as they are: where the result is dequantised again, what depends on
 * the scale cancels out, and the pair passes the gradient on unchanged. The
 * outputs scale and zero point pass none.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/common/constant.h"

enum { X, SCALE, ZERO }; /* outputs; X: the quantised input */

static cxai_status dynamic_infer(const cx_case *c)
{
    const cxai_shape scalar = { .rank = 0 };
    if (cx_input_type(c, X) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its input holds integers");
    for (int i = 0; i < c->output_count; i++) {
        c->y_type[i] = i == SCALE ? CX_REAL : CX_UINT8;
        c->y_shape[i] = i == X ? c->x_shape[X] : scalar;
    }
    return CXAI_OK;
}

typedef struct dynamic {
    cxai_real scale, zero;
} dynamic;

static dynamic measure(const cxai_real *x, int64_t count)
{
    cxai_real low = 0, high = 0;
    for (int64_t i = 0; i < count; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    dynamic d = { (high - low) / 255, 0 };
    if (d.scale == 0)
        d.scale = 1;
    d.zero = rint(-low / d.scale);
    return d;
}

static cxai_real quantize_dynamically(const dynamic *d, cxai_real x)
{
    return fmin(fmax(rint(x / d->scale) + d->zero, (cxai_real)0),
                (cxai_real)255);
}

static void dynamic_forward(const cx_call *call)
{
    const cxai_tensor *y = call->y;
    const cxai_real *x = call->x[X].data;
    int64_t count = cxai_shape_count(&call->x[X].shape);
    const dynamic d = measure(x, count);
    if (call->saved != NULL)
        *(cxai_real *)call->saved = d.scale;
    for (int64_t i = 0; y[X].data != NULL && i < count; i++)
        y[X].data[i] = quantize_dynamically(&d, x[i]);
    if (call->c->output_count > SCALE && y[SCALE].data != NULL)
        *y[SCALE].data = d.scale;
    if (call->c->output_count > ZERO && y[ZERO].data != NULL)
        *y[ZERO].data = d.zero;
}

static void dynamic_backward(const cx_call *call)
{
    cxai_real scale = *(const cxai_real *)call->saved;
    int64_t count = cxai_shape_count(&call->dx[X].shape);
    for (int64_t i = 0; i < count; i++)
        call->dx[X].data[i] =
            call->dy[X].data != NULL ? call->dy[X].data[i] / scale : 0;
}

static void dynamic_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    (void)c;
    if (wanted != 0)
        demand->saved_bytes = sizeof(cxai_real);
}

static cxai_status dynamic_fold(const cx_case *c, cx_literal *const *y)
{
    const cxai_real *x = c->x_literal[X]->data;
    int64_t count = cx_literal_count(c->x_literal[X]);
    const dynamic d = measure(x, count);
    for (int64_t i = 0; i < count; i++)
        cx_literal_set_int(y[X], i, (int64_t)quantize_dynamically(&d, x[i]));
    if (c->output_count > SCALE && y[SCALE] != NULL)
        *(cxai_real *)y[SCALE]->data = d.scale;
    if (c->output_count > ZERO && y[ZERO] != NULL)
        cx_literal_set_int(y[ZERO], 0, (int64_t)d.zero);
    return CXAI_OK;
}

static const cx_sample dynamic_samples[] = {
    { .inputs = "3~-1,0,4", .outputs = 3 },
};

static const cx_operator operators[] = {
    { .name = "DynamicQuantizeLinear",
      .min_inputs = 1,
      .max_inputs = 1,
      .max_outputs = 3,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = dynamic_infer,
      .demand = dynamic_demand,
      .backward = dynamic_backward,
      .forward = dynamic_forward,
      .fold = dynamic_fold,
      CX_SAMPLES(dynamic_samples) },
};

const cx_operator_family cx_operators_dynamic_quantize = CX_FAMILY(operators);
