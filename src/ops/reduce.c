/*
 * Reductions over axes: ReduceSum, Mean, Max, Min, Prod, L1, L2, SumSquare,
 * LogSum and LogSumExp.
 *
 * Each is: combine f(x) over the axes, then finish the result. The gradient is
 * elementwise in x, y and dy, both repeated along the axes again; Max, Min and
 * Prod first count something per result. Where several elements are the
 * greatest they share the gradient evenly, as in PyTorch's amax.
 */
#include <math.h>
#include <tgmath.h>

#include "kernels/exponential.h"
#include "ops/common/rows.h"
#include "ops/operator.h"

enum { KEEPS_X = 1, KEEPS_Y = 2, COUNTS = 4, SUBTRACTS_MAXIMUM = 8 };

typedef struct reduction {
    cx_combine combine;
    cx_row_function *term;   /* of x, and of the maximum; NULL: x */
    cx_row_function *finish; /* of the combined, the maximum; NULL: as it is */
    cx_row_function *slope;  /* of dy, x, y, count, as far as kept */
    int flags;
    int axes_opset; /* from which the axes are an input */
} reduction;

typedef struct params {
    const reduction *r;
    uint32_t axes; /* bit a: axis a is reduced */
    int keeps_dims;
    cxai_real elements; /* that a mean is of; 1 for the others */
} params;

static cxai_status add_axis(const cx_case *c, params *p, int64_t axis)
{
    int rank = c->x_shape[0].rank;
    if (axis < -rank || axis >= rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "axis %lld does not exist in rank %d", (long long)axis,
                         rank);
    p->axes |= (uint32_t)1 << (axis < 0 ? axis + rank : axis);
    return CXAI_OK;
}

/* Reads axes from the second input or the attribute. */
static cxai_status read_axes(const cx_case *c, params *p)
{
    const cx_attribute *ints =
        cx_attribute_find(c->attributes, "axes", CX_ATTRIBUTE_INTS);
    int is_input = c->input_count > 1 && c->x_shape[1].rank >= 0;
    const cx_literal *literal = is_input ? c->x_literal[1] : NULL;
    if (is_input && literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its axes are not a constant");
    int64_t count = is_input       ? cx_literal_count(literal)
                    : ints != NULL ? ints->count
                                   : 0;
    cxai_status status = CXAI_OK;
    for (int64_t i = 0; status == CXAI_OK && i < count; i++)
        status = add_axis(
            c, p, is_input ? cx_literal_int(literal, i) : ints->ints[i]);
    if (count == 0 &&
        cx_attribute_int(c->attributes, "noop_with_empty_axes", 0) == 0)
        p->axes = ((uint32_t)1 << c->x_shape[0].rank) - 1;
    return status;
}

static cxai_status reduce_infer(const cx_case *c, const reduction *r)
{
    params *p = c->params;
    p->r = r;
    p->keeps_dims = cx_attribute_int(c->attributes, "keepdims", 1) != 0;
    cxai_status status = read_axes(c, p);
    if (status != CXAI_OK)
        return status;
    const cxai_shape *x = &c->x_shape[0];
    cxai_shape *y = &c->y_shape[0];
    y->rank = 0;
    for (int a = 0; a < x->rank; a++) {
        int reduced = p->axes >> a & 1;
        if (!reduced)
            y->dim[y->rank++] = x->dim[a];
        else if (p->keeps_dims)
            y->dim[y->rank++] = 1;
    }
    p->elements = 1;
    return CXAI_OK;
}

static cxai_status mean_infer_of(const cx_case *c, const reduction *r)
{
    cxai_status status = reduce_infer(c, r);
    if (status != CXAI_OK)
        return status;
    params *p = c->params;
    double count = 1;
    for (int a = 0; a < c->x_shape[0].rank; a++)
        if (p->axes >> a & 1)
            count *= (double)c->x_shape[0].dim[a];
    p->elements = (cxai_real)count;
    return CXAI_OK;
}

static size_t result_bytes(const cx_case *c)
{
    return (size_t)cxai_shape_count(&c->y_shape[0]) * sizeof(cxai_real);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    int flags = ((const params *)c->params)->r->flags;
    if (flags & SUBTRACTS_MAXIMUM)
        demand->forward_workspace = result_bytes(c);
    if (!(wanted & 1))
        return;
    demand->keep_inputs = (flags & KEEPS_X) != 0;
    demand->keep_outputs = (flags & KEEPS_Y) != 0;
    if (flags & COUNTS)
        demand->backward_workspace = 2 * result_bytes(c);
}

/* A tensor of y's shape with the reduced axes put back, of size one. */
static cxai_tensor with_axes(const cx_call *call, const cxai_tensor *y)
{
    const params *p = call->c->params;
    cxai_tensor full = { .data = y->data, .shape = call->c->x_shape[0] };
    int own = 0;
    for (int a = 0; a < full.shape.rank; a++) {
        int reduced = p->axes >> a & 1;
        if (reduced)
            full.shape.dim[a] = 1;
        else
            full.stride[a] = y->stride[own];
        own += !reduced || p->keeps_dims;
    }
    return full;
}

/* A dense tensor in the workspace, shaped as with_axes. */
static cxai_tensor scratch(const cx_call *call, int number)
{
    cxai_tensor t = with_axes(call, &call->y[0]);
    t.data = (cxai_real *)call->workspace + number * cxai_shape_count(&t.shape);
    cx_shape_strides(&t.shape, t.stride);
    return t;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor y = with_axes(call, &call->y[0]);
    cx_rows rows = { .in = { call->x[0] },
                     .count = 1,
                     .threads = call->c->threads };
    cx_rows finish = { .function = p->r->finish,
                       .in = { y },
                       .count = 1,
                       .parameter = p->elements,
                       .threads = call->c->threads };
    if (p->r->flags & SUBTRACTS_MAXIMUM) {
        cxai_tensor maximum = scratch(call, 0);
        cx_rows_reduce(&rows, CX_MAXIMUM, &maximum);
        rows.in[rows.count++] = maximum;
        finish.in[finish.count++] = maximum;
    }
    rows.function = p->r->term;
    cx_rows_reduce(&rows, p->r->combine, &y);
    if (finish.function != NULL)
        cx_rows_map(&finish, &y);
}

/* ROW(name, expression): out = expression of what a row sees, in order. */
#define ROW(name, a, b, c, d, expression)                                      \
    static void name(cxai_real *out, const cxai_real *const *in, int64_t n,    \
                     cxai_real number)                                         \
    {                                                                          \
        const cxai_real *p0 = in[0], *p1 = in[1] != NULL ? in[1] : p0;         \
        const cxai_real *p2 = in[2] != NULL ? in[2] : p0;                      \
        const cxai_real *p3 = in[3] != NULL ? in[3] : p0;                      \
        (void)number;                                                          \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real a = p0[i], b = p1[i], c = p2[i], d = p3[i];              \
            (void)a, (void)b, (void)c, (void)d;                                \
            out[i] = expression;                                               \
        }                                                                      \
    }

static inline cxai_real sign(cxai_real x)
{
    return (cxai_real)((x > 0) - (x < 0));
}

/* An infinite maximum is not subtracted: inf - inf is no number. */
static inline cxai_real exp_below(cxai_real x, cxai_real maximum)
{
    return cx_exp(isfinite(maximum) ? x - maximum : x);
}

static inline cxai_real log_above(cxai_real sum, cxai_real maximum)
{
    return log(sum) + (isfinite(maximum) ? maximum : 0);
}

/* Terms and finishes. */
ROW(magnitude, x, u, v, w, fabs(x))
ROW(square, x, u, v, w, x *x)
ROW(exponential, x, maximum, v, w, exp_below(x, maximum))
ROW(divide, sum, u, v, w, sum / number)
ROW(root, sum, u, v, w, sqrt(sum))
ROW(logarithm, sum, u, v, w, log(sum))
ROW(log_of_exponentials, sum, maximum, v, w, log_above(sum, maximum))

/* Slopes. */
ROW(weigh, dy, u, v, w, number *dy)
ROW(magnitude_slope, dy, x, v, w, dy *sign(x))
ROW(square_slope, dy, x, v, w, 2 * x * dy)
ROW(root_slope, dy, x, y, w, y == 0 ? 0 : dy * x / y)
ROW(logarithm_slope, dy, y, v, w, dy / cx_exp(y))
ROW(log_of_exponentials_slope, dy, x, y, w, dy *cx_exp(x - y))
ROW(pick_slope, dy, x, y, ties, x == y ? dy / ties : 0)

/* Product of the others: y / x, unless there are zeros. */
ROW(product_slope, dy, x, nonzero_product, zeros,
    zeros == 0             ? dy * nonzero_product / x
    : zeros == 1 && x == 0 ? dy * nonzero_product
                           : 0)
ROW(is_tie, x, y, v, w, x == y ? 1 : 0)
ROW(is_zero, x, u, v, w, x == 0 ? 1 : 0)
ROW(or_one, x, u, v, w, x == 0 ? 1 : x)

/* Fills in what Max, Min (the number of ties) and Prod (the number of zeros,
   the product of the rest, in y's place) need per result. */
static void count_results(const cx_call *call, cx_rows *slope)
{
    const params *p = call->c->params;
    cxai_tensor count = scratch(call, 0), product = scratch(call, 1);
    cx_rows rows = { .function = is_tie,
                     .in = { call->x[0] },
                     .count = 1,
                     .threads = call->c->threads };
    if (p->r->combine == CX_PRODUCT) {
        rows.function = is_zero;
        cx_rows_reduce(&rows, CX_SUM, &count);
        rows.function = or_one;
        cx_rows_reduce(&rows, CX_PRODUCT, &product);
        slope->in[slope->count++] = product;
    } else {
        rows.in[rows.count++] = with_axes(call, &call->y[0]);
        cx_rows_reduce(&rows, CX_SUM, &count);
    }
    slope->in[slope->count++] = count;
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    if (call->dx[0].data == NULL)
        return;
    cx_rows rows = { .function = p->r->slope,
                     .in = { with_axes(call, &call->dy[0]) },
                     .count = 1,
                     .parameter = 1 / p->elements,
                     .threads = call->c->threads };
    if (p->r->flags & KEEPS_X)
        rows.in[rows.count++] = call->x[0];
    if (p->r->flags & KEEPS_Y)
        rows.in[rows.count++] = with_axes(call, &call->y[0]);
    if (p->r->flags & COUNTS)
        count_results(call, &rows);
    cx_rows_map(&rows, &call->dx[0]);
}

/* Sum, Prod, Max and Min of integers. */
static int64_t combine_integers(cx_combine combine, int64_t a, int64_t b)
{
    switch (combine) {
    case CX_SUM: return (int64_t)((uint64_t)a + (uint64_t)b);
    case CX_PRODUCT: return (int64_t)((uint64_t)a * (uint64_t)b);
    case CX_MAXIMUM: return a > b ? a : b;
    case CX_MINIMUM: return a < b ? a : b;
    }
    return 0;
}

/* Number in y of the result that element i of x goes into. */
static int64_t result_of(const cx_case *c, int64_t i)
{
    const params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    int64_t result = 0, stride = 1;
    for (int a = x->rank - 1; a >= 0; a--) {
        if (!(p->axes >> a & 1)) {
            result += i % x->dim[a] * stride;
            stride *= x->dim[a];
        }
        i /= x->dim[a];
    }
    return result;
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    static const int64_t neutral[] = { [CX_SUM] = 0,
                                       [CX_PRODUCT] = 1,
                                       [CX_MAXIMUM] = INT64_MIN,
                                       [CX_MINIMUM] = INT64_MAX };
    const reduction *r = ((const params *)c->params)->r;
    if (y[0]->type != CX_INT64 || r->term != NULL || r->finish != NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "this reduction is not supported on integers");
    int64_t *to = y[0]->data;
    int64_t results = cx_literal_count(y[0]);
    int64_t count = cx_literal_count(c->x_literal[0]);
    for (int64_t i = 0; i < results; i++)
        to[i] = neutral[r->combine];
    for (int64_t i = 0; i < count; i++) {
        int64_t at = result_of(c, i);
        to[at] = combine_integers(r->combine, to[at],
                                  cx_literal_int(c->x_literal[0], i));
    }
    return CXAI_OK;
}

/* REDUCTION(operator, infer, reduction's fields) */
#define REDUCTION(name, infer_function, ...)                                   \
    static cxai_status name##_infer(const cx_case *c)                          \
    {                                                                          \
        static const reduction r = { __VA_ARGS__ };                            \
        return infer_function(c, &r);                                          \
    }

REDUCTION(ReduceSum, reduce_infer, CX_SUM, .slope = weigh)
REDUCTION(ReduceMean, mean_infer_of, CX_SUM, .finish = divide, .slope = weigh)
REDUCTION(ReduceMax, reduce_infer, CX_MAXIMUM, .slope = pick_slope,
          .flags = KEEPS_X | KEEPS_Y | COUNTS)
REDUCTION(ReduceMin, reduce_infer, CX_MINIMUM, .slope = pick_slope,
          .flags = KEEPS_X | KEEPS_Y | COUNTS)
REDUCTION(ReduceProd, reduce_infer, CX_PRODUCT, .slope = product_slope,
          .flags = KEEPS_X | COUNTS)
REDUCTION(ReduceL1, reduce_infer, CX_SUM, .term = magnitude,
          .slope = magnitude_slope, .flags = KEEPS_X)
REDUCTION(ReduceL2, reduce_infer, CX_SUM, .term = square, .finish = root,
          .slope = root_slope, .flags = KEEPS_X | KEEPS_Y)
REDUCTION(ReduceSumSquare, reduce_infer, CX_SUM, .term = square,
          .slope = square_slope, .flags = KEEPS_X)
REDUCTION(ReduceLogSum, reduce_infer, CX_SUM, .finish = logarithm,
          .slope = logarithm_slope, .flags = KEEPS_Y)
REDUCTION(ReduceLogSumExp, reduce_infer, CX_SUM, .term = exponential,
          .finish = log_of_exponentials, .slope = log_of_exponentials_slope,
          .flags = KEEPS_X | KEEPS_Y | SUBTRACTS_MAXIMUM)

static const cx_sample anywhere[] = {
    { .inputs = "2,3,4,5", .opset = 11 },
    { .inputs = "2,3,4,5", .attributes = "axes=2,3", .opset = 11 },
    { .inputs = "2,3,4,5", .attributes = "axes=-3,0 keepdims=0", .opset = 11 },
    { .inputs = "2,3,4,5;2=-1,-2" },
    { .inputs = "2,3,4,5;1=1", .attributes = "keepdims=0" },
    { .inputs = "2,3,4;-" },
    { .inputs = "2,3,4;-", .attributes = "noop_with_empty_axes=1" },
};
static const cx_sample positive[] = {
    { .inputs = "2,3,4,5", .low = 0.5, .high = 2, .opset = 11 },
    { .inputs = "2,3,4,5;2=-1,-2", .low = 0.5, .high = 2 },
    { .inputs = "2,3,4;1=1",
      .attributes = "keepdims=0",
      .low = 0.5,
      .high = 2 },
};

#define ENTRY(operator_name, operator_samples)                                 \
    {                                                                          \
        .name = #operator_name, .min_inputs = 1, .max_inputs = 2,              \
        .layout = CX_STRIDED, .params_size = sizeof(params),                   \
        .infer = operator_name##_infer, .demand = demand, .forward = forward,  \
        .backward = backward, .fold = fold, CX_SAMPLES(operator_samples)       \
    }

static const cx_operator operators[] = {
    ENTRY(ReduceSum, anywhere),    ENTRY(ReduceMean, anywhere),
    ENTRY(ReduceMax, anywhere),    ENTRY(ReduceMin, anywhere),
    ENTRY(ReduceProd, anywhere),   ENTRY(ReduceL1, anywhere),
    ENTRY(ReduceL2, anywhere),     ENTRY(ReduceSumSquare, anywhere),
    ENTRY(ReduceLogSum, positive), ENTRY(ReduceLogSumExp, anywhere),
};
const cx_operator_family cx_operators_reduce = CX_FAMILY(operators);
