/*
 * QuantizeLinear.
 *
 * A quantised activation is carried as a real that happens to be a number of
 * its type. Rounding has no useful derivative, so that the gradient is the
 * straight-through one (Bengio et al., arXiv:1308.3432): that of x / scale
 * where the result lies within the range of its type, and 0 outside. Seen from
 * afar the staircase has that slope. Scales and zero points get no gradient.
 */
#include <math.h>
#include <tgmath.h>

#include "base/narrow.h"
#include "ops/common/constant.h"
#include "ops/common/rows.h"
#include "ops/common/scales.h"

/* A type that numbers are quantised to. */
typedef struct range {
    int code;     /* of TensorProto.DataType */
    cx_type type; /* CX_REAL: floating point, rounded to what it has */
    double low, high;
} range;

static const range ranges[] = {
    { 2, CX_UINT8, 0, 255 },
    { 3, CX_INT8, -128, 127 },
    { 4, CX_UINT16, 0, 65535 },
    { 5, CX_INT16, -32768, 32767 },
    { 6, CX_INT64, -0x1p31, 0x1p31 - 1 },
    { 21, CX_UINT8, 0, 15 },
    { 22, CX_INT8, -8, 7 },
    { 25, CX_UINT8, 0, 3 },
    { 26, CX_INT8, -2, 1 },
    { 17, CX_REAL, -448, 448 },
    { 18, CX_REAL, -240, 240 },
    { 19, CX_REAL, -57344, 57344 },
    { 20, CX_REAL, -57344, 57344 },
    { 23, CX_REAL, -6, 6 },
};

typedef struct params {
    cx_scales scales;
    int range; /* number in ranges */
} params;

static cxai_real narrow(const range *r, cxai_real value)
{
    return (cxai_real)cx_narrow_round(cx_narrow_find(r->code), (double)value, 1,
                                      CX_NARROW_NEAREST);
}

static inline cxai_real clamp(cxai_real v, cxai_real low, cxai_real high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static inline int is_within(cxai_real v, cxai_real low, cxai_real high)
{
    return v >= low && v <= high;
}

#define ROW(name, expression)                                                  \
    static void name(cxai_real *out, const cxai_real *const *in, int64_t n,    \
                     cxai_real parameter)                                      \
    {                                                                          \
        const range *r = &ranges[(int)parameter];                              \
        cxai_real low = (cxai_real)r->low, high = (cxai_real)r->high;          \
        const cxai_real *p0 = in[0], *p1 = in[1], *p2 = in[2];                 \
        const cxai_real *p3 = in[3] != NULL ? in[3] : p2;                      \
        (void)low, (void)high;                                                 \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real a = p0[i], b = p1[i], z = p2[i], d = p3[i];              \
            (void)a, (void)b, (void)z, (void)d;                                \
            out[i] = expression;                                               \
        }                                                                      \
    }

/* clang-format off */
ROW(quantize, clamp(rint(a / b) + z, low, high))
ROW(quantize_narrow, narrow(r, a / b + z))
ROW(quantize_by_x, is_within(rint(a / b) + z, low, high) ? d / b : 0)
/* clang-format on */

/* The type that is asked for, that of the zero point, or unsigned bytes. */
static cxai_status find_range(const cx_case *c, params *p)
{
    const cx_literal *zero =
        cx_has_input(c, CX_ZERO) ? c->x_literal[CX_ZERO] : NULL;
    int64_t code = cx_attribute_int(c->attributes, "output_dtype", 0);
    cx_type type =
        cx_has_input(c, CX_ZERO) ? cx_input_type(c, CX_ZERO) : CX_UINT8;
    if (code == 0 && zero != NULL)
        code = zero->code;
    for (p->range = 0; p->range < CX_COUNT(ranges); p->range++)
        if (code != 0 ? ranges[p->range].code == code
                      : ranges[p->range].type == type)
            return CXAI_OK;
    return cx_refuse(c, CXAI_UNSUPPORTED,
                     "its quantised type is not one of 2 to 32-bit integers "
                     "and floating point of 4 or 8 bits");
}

static cxai_status quantize_infer(const cx_case *c)
{
    params *p = c->params;
    if (cx_input_type(c, CX_QUANTIZED) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its input holds integers");
    cxai_status status = cx_scales_read(c, &p->scales);
    if (status == CXAI_OK)
        status = find_range(c, p);
    if (status != CXAI_OK)
        return status;
    c->y_type[0] = ranges[p->range].type;
    return cx_set_shape(c, 0, &c->x_shape[CX_QUANTIZED]);
}

static void quantize_to(const cx_call *call, const cxai_tensor *y)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = ranges[p->range].type == CX_REAL
                                     ? quantize_narrow
                                     : quantize,
                     .parameter = (cxai_real)p->range,
                     .in = { call->x[CX_QUANTIZED],
                             cx_scales_scale(call, &p->scales),
                             cx_scales_zero(call, &p->scales) },
                     .count = 3,
                     .threads = call->c->threads };
    cx_rows_map(&rows, y);
}

static void quantize_forward(const cx_call *call)
{
    quantize_to(call, &call->y[0]);
}

static void quantize_backward(const cx_call *call)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = quantize_by_x,
                     .parameter = (cxai_real)p->range,
                     .in = { call->x[CX_QUANTIZED],
                             cx_scales_scale(call, &p->scales),
                             cx_scales_zero(call, &p->scales), call->dy[0] },
                     .count = 4,
                     .threads = call->c->threads };
    if (call->dx[CX_QUANTIZED].data != NULL)
        cx_rows_map(&rows, &call->dx[CX_QUANTIZED]);
    for (int i = CX_SCALE; i < call->c->input_count; i++)
        cx_scales_clear(&call->dx[i]);
}

static void quantize_demand(const cx_case *c, uint64_t wanted,
                            cx_demand *demand)
{
    (void)c;
    if (wanted & 1u << CX_QUANTIZED)
        demand->keep_inputs =
            1u << CX_QUANTIZED | 1u << CX_SCALE | 1u << CX_ZERO;
}

/* Constants. */
static cxai_status quantize_fold(const cx_case *c, cx_literal *const *y)
{
    cx_literal *reals = cx_literal_create(c->arena, CX_REAL, &y[0]->shape);
    if (reals == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    cxai_tensor x[3] = { cx_literal_tensor(c->x_literal[CX_QUANTIZED]),
                         cx_literal_tensor(c->x_literal[CX_SCALE]) };
    const cx_call call = { .c = c, .x = x };
    const cxai_tensor out = cx_literal_tensor(reals);
    quantize_to(&call, &out);
    for (int64_t i = 0; i < cx_literal_count(reals); i++)
        cx_literal_set_int(y[0], i, cx_literal_int(reals, i));
    return CXAI_OK;
}

/* Steps so small that differences see their slope. */
static const cx_sample quantize_samples[] = {
    { .inputs = "3,4;1~1e-10",
      .attributes = "output_dtype=6",
      .low = -0.2,
      .high = 0.2 },
    { .inputs = "2,3;3~1e-10,3e-10,2e-10;3=5,0,-7",
      .attributes = "output_dtype=6",
      .low = -0.1,
      .high = 0.3 },
    { .inputs = "4~0.5,1,1.5,300;~1;=1", .attributes = "output_dtype=3" },
    { .inputs = "4~0.5,1,1.5,300;~1" },
    { .inputs = "4~0.5,1,1.5,300;~1", .attributes = "output_dtype=22" },
    { .inputs = "4~0.5,1,1.3,300;~1", .attributes = "output_dtype=17" },
};

static const cx_operator operators[] = {
    { .name = "QuantizeLinear",
      .min_inputs = 2,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .carries_integers = 1,
      .infer = quantize_infer,
      .demand = quantize_demand,
      .forward = quantize_forward,
      .backward = quantize_backward,
      .fold = quantize_fold,
      CX_SAMPLES(quantize_samples) },
};

const cx_operator_family cx_operators_quantize = CX_FAMILY(operators);
