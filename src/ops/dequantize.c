/*
 * DequantizeLinear: y = (x - zero) * scale. Numbers of few bits become real:
 * weights of 8, 4 and 2-bit integers or floating point of 8 and 4 bits, and
 * quantised activations, which are carried as reals.
 */
#include "ops/common/constant.h"
#include "ops/common/rows.h"
#include "ops/common/scales.h"

#define ROW(name, expression)                                                  \
    static void name(cxai_real *out, const cxai_real *const *in, int64_t n,    \
                     cxai_real parameter)                                      \
    {                                                                          \
        const cxai_real *p0 = in[0], *p1 = in[1], *p2 = in[2];                 \
        const cxai_real *p3 = in[3] != NULL ? in[3] : p2;                      \
        (void)parameter;                                                       \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real a = p0[i], b = p1[i], z = p2[i], d = p3[i];              \
            (void)a, (void)b, (void)z, (void)d;                                \
            out[i] = expression;                                               \
        }                                                                      \
    }

/* clang-format off */
ROW(dequantize, (a - z) * b)
ROW(dequantize_by_x, a * b)
ROW(dequantize_by_scale, (a - z) * d)
/* clang-format on */

static cxai_status dequantize_infer(const cx_case *c)
{
    cx_type type = cx_input_type(c, CX_QUANTIZED);
    if (type != CX_REAL && cx_has_input(c, CX_ZERO) &&
        cx_input_type(c, CX_ZERO) != type)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its zero point is not of the data's type");
    cxai_status status = cx_scales_read(c, c->params);
    c->y_type[0] = CX_REAL;
    return status == CXAI_OK ? cx_set_shape(c, 0, &c->x_shape[CX_QUANTIZED])
                             : status;
}

/* x as reals: itself, or a constant converted into y, dense as that is. */
static cxai_tensor reals_of(const cx_call *call, const cxai_tensor *into)
{
    const cx_literal *x = call->c->x_literal[CX_QUANTIZED];
    if (x == NULL || x->type == CX_REAL)
        return call->x[CX_QUANTIZED];
    cx_literal_reals(x, into->data);
    return *into;
}

static void dequantize_forward(const cx_call *call)
{
    const cx_scales *p = call->c->params;
    cx_rows rows = { .function = dequantize,
                     .in = { reals_of(call, &call->y[0]),
                             cx_scales_scale(call, p),
                             cx_scales_zero(call, p) },
                     .count = 3,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &call->y[0]);
}

/* The scales of blocks are constants and get none. */
static void scale_gradient(const cx_call *call)
{
    const cx_scales *p = call->c->params;
    cxai_tensor converted =
        cxai_tensor_dense(call->workspace, &call->c->x_shape[CX_QUANTIZED]);
    cxai_tensor out = cxai_tensor_dense(call->dx[CX_SCALE].data, &p->shape);
    cx_rows rows = { .function = dequantize_by_scale,
                     .in = { reals_of(call, &converted), call->dy[0],
                             cx_scales_zero(call, p), call->dy[0] },
                     .count = 4,
                     .threads = call->c->threads };
    if (p->scale != NULL)
        cx_scales_clear(&call->dx[CX_SCALE]);
    else
        cx_rows_gradient(&rows, &out);
}

static void dequantize_backward(const cx_call *call)
{
    const cx_scales *p = call->c->params;
    cx_rows rows = { .function = dequantize_by_x,
                     .in = { call->dy[0], cx_scales_scale(call, p),
                             call->dy[0] },
                     .count = 3,
                     .threads = call->c->threads };
    if (call->dx[CX_QUANTIZED].data != NULL)
        cx_rows_map(&rows, &call->dx[CX_QUANTIZED]);
    if (call->dx[CX_SCALE].data != NULL)
        scale_gradient(call);
    if (cx_has_input(call->c, CX_ZERO))
        cx_scales_clear(&call->dx[CX_ZERO]);
}

static void dequantize_demand(const cx_case *c, uint64_t wanted,
                              cx_demand *demand)
{
    const cx_literal *x = c->x_literal[CX_QUANTIZED];
    if (wanted & 1u << CX_QUANTIZED)
        demand->keep_inputs |= 1u << CX_SCALE;
    if (!(wanted & 1u << CX_SCALE))
        return;
    demand->keep_inputs |= 1u << CX_QUANTIZED | 1u << CX_ZERO;
    if (x != NULL && x->type != CX_REAL)
        demand->backward_workspace =
            (size_t)cx_literal_count(x) * sizeof(cxai_real);
}

static const cx_sample dequantize_samples[] = {
    { .inputs = "2,3=-4,0,7,1,2,3;1" },
    { .inputs = "2,3=-4,0,7,1,2,3;3;3=1,0,-1" },
    { .inputs = "2,3=-4,0,7,1,2,3;2", .attributes = "axis=-2" },
    { .inputs = "2,3,2,2;3;3=1,0,-1" },
    { .inputs = "2,3,2;;=4" },
    { .inputs = "2,3;2,2~1,2,3,4;2,2=1,2,3,4",
      .attributes = "axis=1 block_size=2" },
};

static const cx_operator operators[] = {
    { .name = "DequantizeLinear",
      .min_inputs = 2,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .params_size = sizeof(cx_scales),
      .carries_integers = 1,
      .infer = dequantize_infer,
      .demand = dequantize_demand,
      .forward = dequantize_forward,
      .backward = dequantize_backward,
      CX_SAMPLES(dequantize_samples) },
};

const cx_operator_family cx_operators_dequantize = CX_FAMILY(operators);
