/*
 * Softmax and LogSoftmax. From opset 13 on along one axis (default the last);
 * before, the input is seen as a matrix whose rows begin at the axis (default
 * 1). Both are sums over axes of the input, so that no element is moved.
 */
#include <math.h>
#include <tgmath.h>

#include "kernels/exponential.h"
#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/rows.h"
#include "ops/operator.h"

typedef struct params {
    uint32_t axes; /* bit a: normalised over axis a */
    int logarithmic;
} params;

static cxai_status softmax_infer(const cx_case *c, int logarithmic)
{
    params *p = c->params;
    int rank = c->x_shape[0].rank;
    int64_t axis =
        cx_attribute_int(c->attributes, "axis", c->opset < 13 ? 1 : -1);
    int end = rank + (c->opset < 13); /* an axis behind the last: rows of 1 */
    if (c->y_type[0] != CX_REAL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its input must be real numbers");
    if (axis < -rank || axis >= end)
        return cx_refuse(c, CXAI_MALFORMED,
                         "axis %lld does not exist in rank %d", (long long)axis,
                         rank);
    int first = (int)(axis < 0 ? axis + rank : axis);
    int last = c->opset < 13 ? rank - 1 : first;
    for (int a = first; a <= last; a++)
        p->axes |= (uint32_t)1 << a;
    p->logarithmic = logarithmic;
    c->y_shape[0] = c->x_shape[0];
    return CXAI_OK;
}

static cxai_status plain_infer(const cx_case *c)
{
    return softmax_infer(c, 0);
}

static cxai_status logarithmic_infer(const cx_case *c)
{
    return softmax_infer(c, 1);
}

/* A dense tensor in the workspace with one number for each distribution. */
static cxai_tensor scratch(const cx_call *call, int number)
{
    const params *p = call->c->params;
    cxai_tensor t = { .shape = call->c->x_shape[0] };
    for (int a = 0; a < t.shape.rank; a++)
        if (p->axes >> a & 1)
            t.shape.dim[a] = 1;
    cx_shape_strides(&t.shape, t.stride);
    t.data = (cxai_real *)call->workspace + number * cxai_shape_count(&t.shape);
    return t;
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t count = 1;
    for (int a = 0; a < c->x_shape[0].rank; a++)
        if (!(p->axes >> a & 1))
            count *= (size_t)c->x_shape[0].dim[a];
    demand->forward_workspace = 2 * count * sizeof(cxai_real);
    if (wanted & 1) {
        demand->keep_outputs = 1;
        demand->backward_workspace = count * sizeof(cxai_real);
    }
}

/* of x, maximum, sum */
CX_ROW(exponential, cx_exp(in[0][i] - in[1][i]))
CX_ROW(probability, cx_exp(in[0][i] - in[1][i]) / in[2][i])
CX_ROW(log_probability, in[0][i] - in[1][i] - in[2][i])
CX_ROW(logarithm, log(in[0][i]))
/* of y, dy, sum of (y *) dy */
CX_ROW(product, in[0][i] * in[1][i])
CX_ROW(probability_slope, in[0][i] * (in[1][i] - in[2][i]))
CX_ROW(log_probability_slope, in[1][i] - cx_exp(in[0][i]) * in[2][i])

/* ---- distributions that are rows ----------------------------------------- */

static int is_dense(const cxai_tensor *t)
{
    cx_view view = cx_view_of(t);
    return cx_view_is_dense(&view);
}

/* The length of a distribution where each is a row of its own, or 0. */
static int64_t row_length(const cx_case *c)
{
    const params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    int64_t length = 1;
    int a = x->rank - 1;
    if (p->logarithmic)
        return 0;
    for (; a >= 0 && (p->axes >> a & 1); a--)
        length *= x->dim[a];
    for (; a >= 0; a--)
        if (p->axes >> a & 1)
            return 0;
    return length;
}

/* out: y from x, or, where there is dy, dx from y (as x) and dy. */
static void run_rows(const cx_case *c, int64_t length, const cxai_real *x,
                     const cxai_real *dy, cxai_real *out)
{
    int64_t rows = cxai_shape_count(&c->x_shape[0]) / length;
    int64_t few = cx_maximum(1, CX_SMALL_WORK / (8 * length));
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (rows > 2 * few)
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * length;
        if (dy == NULL)
            c->kernels->softmax(out + at, x + at, length);
        else
            c->kernels->softmax_gradient(out + at, x + at, dy + at, length);
    }
}

/* ---- passes -------------------------------------------------------------- */

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    int64_t length = row_length(call->c);
    if (length > 0 && is_dense(&call->x[0]) && is_dense(&call->y[0])) {
        run_rows(call->c, length, call->x[0].data, NULL, call->y[0].data);
        return;
    }
    cxai_tensor maximum = scratch(call, 0), sum = scratch(call, 1);
    cx_rows rows = { .in = { call->x[0], maximum, sum },
                     .count = 1,
                     .threads = call->c->threads };
    cx_rows_reduce(&rows, CX_MAXIMUM, &maximum);
    rows.function = exponential;
    rows.count = 2;
    cx_rows_reduce(&rows, CX_SUM, &sum);
    if (p->logarithmic) {
        cx_rows log_of_sum = { .function = logarithm,
                               .in = { sum },
                               .count = 1,
                               .threads = call->c->threads };
        cx_rows_map(&log_of_sum, &sum);
    }
    rows.function = p->logarithmic ? log_probability : probability;
    rows.count = 3;
    cx_rows_map(&rows, &call->y[0]);
}

/* dx = y (dy - sum of y dy); of the logarithm: dy - exp(y) sum of dy. */
static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor sum = scratch(call, 0);
    int64_t length = row_length(call->c);
    if (length > 0 && is_dense(&call->y[0]) && is_dense(&call->dy[0]) &&
        is_dense(&call->dx[0])) {
        run_rows(call->c, length, call->y[0].data, call->dy[0].data,
                 call->dx[0].data);
        return;
    }
    cx_rows total = { .in = { call->dy[0] },
                      .count = 1,
                      .threads = call->c->threads };
    if (!p->logarithmic) {
        total.function = product;
        total.in[total.count++] = call->y[0];
    }
    cx_rows_reduce(&total, CX_SUM, &sum);
    cx_rows rows = { .function = p->logarithmic ? log_probability_slope
                                                : probability_slope,
                     .in = { call->y[0], call->dy[0], sum },
                     .count = 3,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &call->dx[0]);
}

static const cx_sample samples[] = {
    { .inputs = "3,7", .low = -3, .high = 3 },
    { .inputs = "2,3,4,5", .attributes = "axis=1", .low = -3, .high = 3 },
    { .inputs = "2,3,4", .attributes = "axis=0", .low = -3, .high = 3 },
    { .inputs = "2,3,4", .low = -3, .high = 3, .opset = 11 },
    { .inputs = "2,3,4",
      .attributes = "axis=2",
      .low = -3,
      .high = 3,
      .opset = 11 },
};

#define ENTRY(operator_name, infer_function)                                   \
    {                                                                          \
        .name = operator_name, .min_inputs = 1, .max_inputs = 1,               \
        .layout = CX_STRIDED, .params_size = sizeof(params),                   \
        .infer = infer_function, .demand = demand, .forward = forward,         \
        .backward = backward, CX_SAMPLES(samples)                              \
    }

static const cx_operator operators[] = {
    ENTRY("Softmax", plain_infer),
    ENTRY("LogSoftmax", logarithmic_infer),
};
const cx_operator_family cx_operators_softmax = CX_FAMILY(operators);
