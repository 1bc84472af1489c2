/*
 * QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
 *
 * A quantised activation is carried as a real that happens to be a whole
 * number. Rounding has no useful derivative, so that QuantizeLinear's gradient
 * is the straight-through one (Bengio et al., arXiv:1308.3432): that of x /
 * scale where the result lies within the range of its type, and 0 outside. Seen
 * from afar the staircase has that slope. Scales and zero points of
 * QuantizeLinear get no gradient.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/common/constant.h"
#include "ops/common/rows.h"

enum { X, SCALE, ZERO }; /* inputs */

/* A type that numbers are quantised to. */
typedef struct range {
    int code; /* of TensorProto.DataType */
    cx_type type;
    double low, high;
} range;

static const range ranges[] = {
    { 2, CX_UINT8, 0, 255 },
    { 3, CX_INT8, -128, 127 },
    { 4, CX_UINT16, 0, 65535 },
    { 5, CX_INT16, -32768, 32767 },
    { 6, CX_INT64, -0x1p31, 0x1p31 - 1 },
};

typedef struct params {
    cxai_shape shape;       /* of scale and zero, broadcast to x */
    const cxai_real *scale; /* NULL: input 1 as it is */
    const cxai_real *zero;  /* NULL: input 2, which is computed */
    int range;              /* number in ranges */
} params;

/* ---- scales and zero points ---------------------------------------------- */

/* How scales lie along one axis of x: each serves `block` entries. */
typedef struct blocks {
    int axis;
    int64_t block;
} blocks;

static cxai_status refuse_scales(const cx_case *c)
{
    char scale[128], x[128];
    return cx_refuse(c, CXAI_MALFORMED, "scales of %s do not fit to %s",
                     cxai_shape_text(&c->x_shape[SCALE], scale, sizeof scale),
                     cxai_shape_text(&c->x_shape[X], x, sizeof x));
}

static int fits_blocks(const cxai_shape *x, const cxai_shape *scale,
                       const blocks *b)
{
    int fits = scale->rank == x->rank;
    for (int i = 0; fits && i < x->rank; i++)
        fits = scale->dim[i] == (i == b->axis ? x->dim[i] / b->block +
                                                    (x->dim[i] % b->block != 0)
                                              : x->dim[i]);
    return fits;
}

/* One scale, one for each channel, or one for each block of an axis. block is
   0 in the first two cases. */
static cxai_status read_scales(const cx_case *c, params *p, blocks *b)
{
    const cxai_shape *x = &c->x_shape[X], *scale = &c->x_shape[SCALE];
    *b = (blocks){ 0, cx_attribute_int(c->attributes, "block_size", 0) };
    p->shape = (cxai_shape){ .rank = 0 };
    if (cx_input_type(c, SCALE) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its scale is an integer");
    if (b->block == 0 && cxai_shape_count(scale) == 1)
        return CXAI_OK;
    cxai_status status = cx_read_axis(
        c, cx_attribute_int(c->attributes, "axis", 1), x->rank, &b->axis);
    if (status != CXAI_OK)
        return status;
    if (b->block != 0) {
        p->shape = *x;
        return b->block > 0 && fits_blocks(x, scale, b) ? CXAI_OK
                                                        : refuse_scales(c);
    }
    if (scale->rank != 1 || scale->dim[0] != x->dim[b->axis])
        return refuse_scales(c);
    p->shape.rank = x->rank - b->axis;
    for (int i = 1; i < p->shape.rank; i++)
        p->shape.dim[i] = 1;
    p->shape.dim[0] = scale->dim[0];
    return CXAI_OK;
}

/* Numbers as p->shape asks for them: repeated for the entries of a block. */
static cxai_status expand(const cx_case *c, const params *p, const blocks *b,
                          const cx_literal *literal, const cxai_real **out)
{
    int64_t count = cxai_shape_count(&p->shape);
    cxai_real *numbers =
        cx_arena_alloc(c->arena, (size_t)count, sizeof *numbers);
    *out = numbers;
    if (numbers == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its scales");
    if (b->block == 0) {
        cx_literal_reals(literal, numbers);
        return CXAI_OK;
    }
    int64_t inner = cx_shape_product(&p->shape, b->axis + 1, p->shape.rank);
    int64_t size = p->shape.dim[b->axis];
    int64_t parts = literal->shape.dim[b->axis];
    for (int64_t i = 0; i < count; i++) {
        int64_t entry = i / inner % size, outer = i / inner / size;
        numbers[i] = (cxai_real)cx_literal_number(
            literal, (outer * parts + entry / b->block) * inner + i % inner);
    }
    return CXAI_OK;
}

static cxai_status expand_scales(const cx_case *c, params *p, const blocks *b)
{
    if (b->block == 0)
        return CXAI_OK;
    if (c->x_literal[SCALE] == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "the scales of its blocks are computed from the "
                         "data; only constants are supported");
    return expand(c, p, b, c->x_literal[SCALE], &p->scale);
}

static cxai_status read_zeros(const cx_case *c, params *p, const blocks *b)
{
    if (!cx_has_input(c, ZERO)) {
        const cx_literal *none =
            cx_literal_create(c->arena, CX_REAL, &p->shape);
        if (none == NULL)
            return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its zeros");
        p->zero = none->data;
        return CXAI_OK;
    }
    if (cxai_shape_count(&c->x_shape[ZERO]) !=
            cxai_shape_count(&c->x_shape[SCALE]) ||
        (b->block != 0 && c->x_literal[ZERO] == NULL))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its zero point does not have the scale's shape");
    if (c->x_literal[ZERO] != NULL)
        return expand(c, p, b, c->x_literal[ZERO], &p->zero);
    return CXAI_OK;
}

static cxai_status read_params(const cx_case *c)
{
    params *p = c->params;
    blocks b;
    cxai_status status = read_scales(c, p, &b);
    if (status == CXAI_OK)
        status = expand_scales(c, p, &b);
    if (status == CXAI_OK)
        status = read_zeros(c, p, &b);
    return status;
}

static cxai_tensor scale_of(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_real *data = p->scale != NULL ? (cxai_real *)(uintptr_t)p->scale
                                       : call->x[SCALE].data;
    return cxai_tensor_dense(data, &p->shape);
}

static cxai_tensor zero_of(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_real *data =
        p->zero != NULL ? (cxai_real *)(uintptr_t)p->zero : call->x[ZERO].data;
    return cxai_tensor_dense(data, &p->shape);
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

static inline cxai_real clamp(cxai_real v, cxai_real low, cxai_real high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static inline int is_within(cxai_real v, cxai_real low, cxai_real high)
{
    return v >= low && v <= high;
}

/* clang-format off */
ROW(quantize, clamp(rint(a / b) + z, low, high))
ROW(quantize_by_x, is_within(rint(a / b) + z, low, high) ? d / b : 0)
ROW(dequantize, (a - z) * b)
ROW(dequantize_by_x, a * b)
ROW(dequantize_by_scale, (a - z) * d)
/* clang-format on */

static void fill_zero(const cxai_tensor *t)
{
    cx_view view = cx_view_of(t);
    if (view.data != NULL)
        cx_view_fill(&view, 0);
}

/* ---- QuantizeLinear ------------------------------------------------------ */

static cxai_status find_range(const cx_case *c, params *p)
{
    int64_t code = cx_attribute_int(c->attributes, "output_dtype", 0);
    cx_type type = cx_has_input(c, ZERO) ? cx_input_type(c, ZERO) : CX_UINT8;
    for (p->range = 0; p->range < CX_COUNT(ranges); p->range++)
        if (code != 0 ? ranges[p->range].code == code
                      : ranges[p->range].type == type)
            return CXAI_OK;
    return cx_refuse(c, CXAI_UNSUPPORTED,
                     "only 8 and 16-bit integers are supported as quantised "
                     "types");
}

static cxai_status quantize_infer(const cx_case *c)
{
    params *p = c->params;
    if (cx_input_type(c, X) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its input holds integers");
    cxai_status status = read_params(c);
    if (status == CXAI_OK)
        status = find_range(c, p);
    if (status != CXAI_OK)
        return status;
    c->y_type[0] = ranges[p->range].type;
    return cx_set_shape(c, 0, &c->x_shape[X]);
}

static void quantize_to(const cx_call *call, const cxai_tensor *y)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = quantize,
                     .parameter = (cxai_real)p->range,
                     .in = { call->x[X], scale_of(call), zero_of(call) },
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
                     .in = { call->x[X], scale_of(call), zero_of(call),
                             call->dy[0] },
                     .count = 4,
                     .threads = call->c->threads };
    if (call->dx[X].data != NULL)
        cx_rows_map(&rows, &call->dx[X]);
    for (int i = SCALE; i < call->c->input_count; i++)
        fill_zero(&call->dx[i]);
}

static void quantize_demand(const cx_case *c, uint64_t wanted,
                            cx_demand *demand)
{
    (void)c;
    if (wanted & 1u << X)
        demand->keep_inputs = 1u << X | 1u << SCALE | 1u << ZERO;
}

/* Constants. */
static cxai_status quantize_fold(const cx_case *c, cx_literal *const *y)
{
    cx_literal *reals = cx_literal_create(c->arena, CX_REAL, &y[0]->shape);
    if (reals == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    cxai_tensor x[3] = { cx_literal_tensor(c->x_literal[X]),
                         cx_literal_tensor(c->x_literal[SCALE]) };
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
};

/* ---- DequantizeLinear ---------------------------------------------------- */

static cxai_status dequantize_infer(const cx_case *c)
{
    cx_type type = cx_input_type(c, X);
    if (type != CX_REAL && cx_has_input(c, ZERO) &&
        cx_input_type(c, ZERO) != type)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its zero point is not of the data's type");
    cxai_status status = read_params(c);
    c->y_type[0] = CX_REAL;
    return status == CXAI_OK ? cx_set_shape(c, 0, &c->x_shape[X]) : status;
}

/* x as reals: itself, or a constant converted into y, dense as that is. */
static cxai_tensor reals_of(const cx_call *call, const cxai_tensor *into)
{
    const cx_literal *x = call->c->x_literal[X];
    if (x == NULL || x->type == CX_REAL)
        return call->x[X];
    cx_literal_reals(x, into->data);
    return *into;
}

static void dequantize_forward(const cx_call *call)
{
    cx_rows rows = { .function = dequantize,
                     .in = { reals_of(call, &call->y[0]), scale_of(call),
                             zero_of(call) },
                     .count = 3,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &call->y[0]);
}

/* The scales of blocks are constants and get none. */
static void scale_gradient(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor converted =
        cxai_tensor_dense(call->workspace, &call->c->x_shape[X]);
    cxai_tensor out = cxai_tensor_dense(call->dx[SCALE].data, &p->shape);
    cx_rows rows = { .function = dequantize_by_scale,
                     .in = { reals_of(call, &converted), call->dy[0],
                             zero_of(call), call->dy[0] },
                     .count = 4,
                     .threads = call->c->threads };
    if (p->scale != NULL)
        fill_zero(&call->dx[SCALE]);
    else
        cx_rows_gradient(&rows, &out);
}

static void dequantize_backward(const cx_call *call)
{
    cx_rows rows = { .function = dequantize_by_x,
                     .in = { call->dy[0], scale_of(call), call->dy[0] },
                     .count = 3,
                     .threads = call->c->threads };
    if (call->dx[X].data != NULL)
        cx_rows_map(&rows, &call->dx[X]);
    if (call->dx[SCALE].data != NULL)
        scale_gradient(call);
    if (cx_has_input(call->c, ZERO))
        fill_zero(&call->dx[ZERO]);
}

static void dequantize_demand(const cx_case *c, uint64_t wanted,
                              cx_demand *demand)
{
    const cx_literal *x = c->x_literal[X];
    if (wanted & 1u << X)
        demand->keep_inputs |= 1u << SCALE;
    if (!(wanted & 1u << SCALE))
        return;
    demand->keep_inputs |= 1u << X | 1u << ZERO;
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

/* ---- DynamicQuantizeLinear ----------------------------------------------- */

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

/* The range of x and 0, in 255 steps. */
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
    d.zero = rint(clamp(-low / d.scale, 0, 255));
    return d;
}

static cxai_real quantize_dynamically(const dynamic *d, cxai_real x)
{
    return clamp(rint(x / d->scale) + d->zero, 0, 255);
}

static void dynamic_forward(const cx_call *call)
{
    const cxai_tensor *y = call->y;
    const cxai_real *x = call->x[X].data;
    int64_t count = cxai_shape_count(&call->x[X].shape);
    const dynamic d = measure(x, count);
    for (int64_t i = 0; y[X].data != NULL && i < count; i++)
        y[X].data[i] = quantize_dynamically(&d, x[i]);
    if (call->c->output_count > SCALE && y[SCALE].data != NULL)
        *y[SCALE].data = d.scale;
    if (call->c->output_count > ZERO && y[ZERO].data != NULL)
        *y[ZERO].data = d.zero;
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
    { .inputs = "2,3", .outputs = 3 },
    { .inputs = "3~-1,0,4", .outputs = 3 },
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
    { .name = "DequantizeLinear",
      .min_inputs = 2,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .carries_integers = 1,
      .infer = dequantize_infer,
      .demand = dequantize_demand,
      .forward = dequantize_forward,
      .backward = dequantize_backward,
      CX_SAMPLES(dequantize_samples) },
    { .name = "DynamicQuantizeLinear",
      .min_inputs = 1,
      .max_inputs = 1,
      .max_outputs = 3,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = dynamic_infer,
      .forward = dynamic_forward,
      .fold = dynamic_fold,
      .not_differentiable = "its scale depends on the whole input",
      CX_SAMPLES(dynamic_samples) },
};

const cx_operator_family cx_operators_quantize = CX_FAMILY(operators);
