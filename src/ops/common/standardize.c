#include "ops/common/standardize.h"

#include <math.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/rows.h"

enum {
    X = CX_STANDARDIZE_X,
    SCALE = CX_STANDARDIZE_SCALE,
    BIAS = CX_STANDARDIZE_BIAS,
};
enum {
    Y = CX_STANDARDIZE_Y,
    MEAN = CX_STANDARDIZE_MEAN,
    INVERSE = CX_STANDARDIZE_INVERSE,
};
enum { STATISTICS = 2, SUMS = 4 }; /* tensors of one number for each set */

typedef cx_standardize params;

/* ---- views --------------------------------------------------------------- */

/* x, y or a gradient of theirs with the groups as an axis. */
static cxai_tensor whole(const params *p, const cxai_tensor *t)
{
    if (p->groups == 0)
        return *t;
    cx_view view = cx_view_of(t);
    view = cx_view_split(view, 1, t->shape.dim[1] / p->groups);
    return cx_view_tensor(&view);
}

/* A dense tensor with one number for each set. */
static cxai_tensor per_set(const cx_call *call, void *memory, int number)
{
    const params *p = call->c->params;
    cxai_tensor t = whole(p, &call->x[X]);
    for (int a = 0; a < t.shape.rank; a++)
        if (p->axes >> a & 1)
            t.shape.dim[a] = 1;
    cx_shape_strides(&t.shape, t.stride);
    t.data = (cxai_real *)memory + number * p->sets;
    return t;
}

static cxai_tensor number(cxai_real *value)
{
    return (cxai_tensor){ .data = value };
}

/* Scale or bias, or its gradient, so that it broadcasts to whole(x): of groups
   it has a number for each channel or, before opset 21, for each group. */
static cxai_tensor parameter(const cx_call *call, const cxai_tensor *t)
{
    const params *p = call->c->params;
    if (p->groups == 0)
        return *t;
    int64_t inner = t->shape.dim[0] / p->groups;
    cxai_tensor out = { .data = t->data };
    out.shape.rank = call->x[X].shape.rank + 1;
    for (int a = 0; a < out.shape.rank; a++)
        out.shape.dim[a] = 1;
    out.shape.dim[1] = p->groups;
    out.shape.dim[2] = inner;
    out.stride[1] = t->stride[0] * inner;
    out.stride[2] = t->stride[0];
    return out;
}

static cxai_tensor parameter_or(const cx_call *call, int input,
                                cxai_real *otherwise)
{
    return cx_has_input(call->c, input) ? parameter(call, &call->x[input])
                                        : number(otherwise);
}

/* Mean and inverse, which forward leaves to backward. */
static cxai_tensor statistic(const cx_call *call, int output)
{
    return per_set(call, call->saved != NULL ? call->saved : call->workspace,
                   output - MEAN);
}

/* ---- rows ---------------------------------------------------------------- */

/* of x, mean */
CX_ROW(square_deviation, (in[0][i] - in[1][i]) * (in[0][i] - in[1][i]))
/* of x, mean, inverse, scale, bias */
CX_ROW(standardized, (in[0][i] - in[1][i]) * in[2][i] * in[3][i] + in[4][i])
/* of dy, scale, x, mean */
CX_ROW(scaled, in[0][i] * in[1][i])
CX_ROW(scaled_moment, in[0][i] * in[1][i] * (in[2][i] - in[3][i]))
/* of dy, x, mean, inverse */
CX_ROW(scale_slope, in[0][i] * (in[1][i] - in[2][i]) * in[3][i])
/* of dy, scale, inverse, x, mean, slope, offset */
CX_ROW(input_slope, in[0][i] * in[1][i] * in[2][i] +
                        (in[3][i] - in[4][i]) * in[5][i] + in[6][i])

/* ---- passes -------------------------------------------------------------- */

static void fill(const cxai_tensor *t, cxai_real value)
{
    cx_view view = cx_view_of(t);
    cx_view_fill(&view, value);
}

static void copy(const cxai_tensor *to, const cxai_tensor *from)
{
    cx_view to_view = cx_view_of(to), from_view = cx_view_of(from);
    cx_view_copy(&to_view, &from_view);
}

/* Two passes over x, so that a large mean takes nothing from the variance. */
static void measure(const cx_call *call, const cxai_tensor *mean,
                    const cxai_tensor *inverse)
{
    const params *p = call->c->params;
    cx_rows rows = { .in = { whole(p, &call->x[X]), *mean },
                     .count = 1,
                     .threads = call->c->threads };
    if (p->centered) {
        cx_rows_reduce(&rows, CX_SUM, mean);
        for (int64_t i = 0; i < p->sets; i++)
            mean->data[i] /= (cxai_real)p->elements;
    } else {
        fill(mean, 0);
    }
    rows.function = square_deviation;
    rows.count = 2;
    cx_rows_reduce(&rows, CX_SUM, inverse);
    for (int64_t i = 0; i < p->sets; i++) {
        double variance = (double)inverse->data[i] / (double)p->elements;
        inverse->data[i] =
            (cxai_real)(1 / (sqrt(variance + p->epsilon) + p->epsilon_outside));
    }
}

/* ---- sets that are rows -------------------------------------------------- */

static int is_dense(const cxai_tensor *t)
{
    cx_view view = cx_view_of(t);
    return cx_view_is_dense(&view);
}

/* Whether scale or bias, unless left out, is one number for each element of a
   set. */
static int fits_row(const cx_call *call, int input)
{
    const params *p = call->c->params;
    return !cx_has_input(call->c, input) ||
           (cxai_shape_count(&call->x[input].shape) == p->elements &&
            is_dense(&call->x[input]));
}

/* Whether every set of a tensor that lies like x is a row of its own. */
static int has_rows(const cx_call *call, const cxai_tensor *like)
{
    const params *p = call->c->params;
    const cxai_shape *shape = &call->x[X].shape;
    uint32_t trailing = 0;
    int64_t count = 1;
    for (int a = shape->rank - 1; a >= 0 && count < p->elements; a--) {
        trailing |= (uint32_t)1 << a;
        count *= shape->dim[a];
    }
    for (int a = 0; a < shape->rank; a++)
        if (shape->dim[a] > 1 && ((p->axes ^ trailing) >> a & 1))
            return 0;
    return p->groups == 0 && count == p->elements && is_dense(&call->x[X]) &&
           is_dense(like) && fits_row(call, SCALE) && fits_row(call, BIAS);
}

static const cxai_real *row_parameter(const cx_call *call, int input)
{
    return cx_has_input(call->c, input) ? call->x[input].data : NULL;
}

/* A thread's minimum of sets. */
static int64_t few_sets(const params *p)
{
    return cx_maximum(1, CX_SMALL_WORK / cx_maximum(1, p->elements));
}

static void standardize_rows(const cx_call *call, cxai_real *mean,
                             cxai_real *inverse)
{
    const params *p = call->c->params;
    const cx_standard_row all = {
        .count = p->elements,
        .scale = row_parameter(call, SCALE),
        .shift = row_parameter(call, BIAS),
        .centered = p->centered,
        .epsilon = p->epsilon,
        .outside = p->epsilon_outside,
    };
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (p->sets > 2 * few_sets(p))
    for (int64_t i = 0; i < p->sets; i++) {
        cx_standard_row row = all;
        row.x = call->x[X].data + i * p->elements;
        row.y =
            call->y[Y].data == NULL ? NULL : call->y[Y].data + i * p->elements;
        row.mean = mean + i;
        row.inverse = inverse + i;
        call->c->kernels->standardize(&row);
    }
}

void cx_standardize_forward(const cx_call *call)
{
    params *p = call->c->params;
    cxai_tensor mean = statistic(call, MEAN), y = whole(p, &call->y[Y]);
    cxai_tensor inverse = statistic(call, INVERSE);
    int rows_alone = has_rows(call, y.data != NULL ? &y : &call->x[X]);
    if (rows_alone)
        standardize_rows(call, mean.data, inverse.data);
    else
        measure(call, &mean, &inverse);
    cx_rows rows = { .function = standardized,
                     .in = { whole(p, &call->x[X]), mean, inverse,
                             parameter_or(call, SCALE, &p->one),
                             parameter_or(call, BIAS, &p->zero) },
                     .count = 5,
                     .threads = call->c->threads };
    if (y.data != NULL && !rows_alone)
        cx_rows_map(&rows, &y);
    for (int k = MEAN; k < call->c->output_count; k++)
        if (call->y[k].data != NULL)
            copy(&call->y[k], k == MEAN ? &mean : &inverse);
}

/* The gradient of output k, or NULL. */
static const cxai_tensor *output_gradient(const cx_call *call, int k)
{
    return k < call->c->output_count && call->dy[k].data != NULL ? &call->dy[k]
                                                                 : NULL;
}

/* Reads the gradient of mean or inverse, 0 when there is none. */
static cxai_tensor statistic_gradient(const cx_call *call, int output)
{
    cxai_tensor t = per_set(call, call->workspace, output - MEAN);
    if (output_gradient(call, output) != NULL)
        copy(&t, &call->dy[output]);
    else
        fill(&t, 0);
    return t;
}

/* With g = scale * dy, summed over a set, the gradient through
     inverse: d = sum of g (x - mean), of it -inverse^3 / n * (x - mean)
     mean: m = -inverse * sum of g, of it 1 / n.
   (With epsilon outside of the root, 1e-9, inverse^2 / deviation would be
   exact; that is the same to 1e-9 of the deviation.) */
static void set_slopes(const cx_call *call, const cx_rows *g,
                       const cxai_tensor *slope, const cxai_tensor *offset)
{
    const params *p = call->c->params;
    cxai_tensor inverse = statistic(call, INVERSE);
    cxai_tensor dmean = statistic_gradient(call, MEAN);
    cxai_tensor dinverse = statistic_gradient(call, INVERSE);
    fill(slope, 0);
    fill(offset, 0);
    if (output_gradient(call, Y) != NULL) {
        cx_rows sum = *g;
        sum.function = scaled_moment;
        cx_rows_reduce(&sum, CX_SUM, slope);
        sum.function = scaled;
        if (p->centered)
            cx_rows_reduce(&sum, CX_SUM, offset);
    }
    cxai_real n = (cxai_real)p->elements;
    for (int64_t i = 0; i < p->sets; i++) {
        cxai_real v = inverse.data[i];
        slope->data[i] = -(slope->data[i] + dinverse.data[i]) * v * v * v / n;
        offset->data[i] = (dmean.data[i] - offset->data[i] * v) / n;
    }
}

static void input_gradient(const cx_call *call)
{
    params *p = call->c->params;
    const cxai_tensor *dy = output_gradient(call, Y);
    cxai_tensor slope = per_set(call, call->workspace, 2);
    cxai_tensor offset = per_set(call, call->workspace, 3);
    cxai_tensor x = whole(p, &call->x[X]), mean = statistic(call, MEAN);
    cxai_tensor scale = parameter_or(call, SCALE, &p->one);
    cxai_tensor top = dy != NULL ? whole(p, dy) : number(&p->zero);
    const cx_rows g = { .in = { top, scale, x, mean },
                        .count = 4,
                        .threads = call->c->threads };
    set_slopes(call, &g, &slope, &offset);
    cxai_tensor dx = whole(p, &call->dx[X]);
    cx_rows rows = { .function = input_slope,
                     .in = { top, scale, statistic(call, INVERSE), x, mean,
                             slope, offset },
                     .count = 7,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &dx);
}

/* The same where the sets are rows and dy is there. */
static void gradient_rows(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor mean = statistic(call, MEAN);
    cxai_tensor inverse = statistic(call, INVERSE);
    cxai_tensor dmean = statistic_gradient(call, MEAN);
    cxai_tensor dinverse = statistic_gradient(call, INVERSE);
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (p->sets > 2 * few_sets(p))
    for (int64_t i = 0; i < p->sets; i++) {
        const cx_standard_slope slope = {
            .count = p->elements,
            .x = call->x[X].data + i * p->elements,
            .dy = call->dy[Y].data + i * p->elements,
            .scale = row_parameter(call, SCALE),
            .centered = p->centered,
            .mean = mean.data[i],
            .inverse = inverse.data[i],
            .dmean = dmean.data[i],
            .dinverse = dinverse.data[i],
            .dx = call->dx[X].data + i * p->elements,
        };
        call->c->kernels->standardize_gradient(&slope);
    }
}

static void parameter_gradient(const cx_call *call, int input)
{
    const params *p = call->c->params;
    cxai_tensor out = parameter(call, &call->dx[input]);
    if (output_gradient(call, Y) == NULL) {
        fill(&out, 0);
        return;
    }
    cx_rows rows = { .in = { whole(p, &call->dy[Y]) },
                     .count = 1,
                     .threads = call->c->threads };
    if (input == SCALE) {
        rows.function = scale_slope;
        rows.in[1] = whole(p, &call->x[X]);
        rows.in[2] = statistic(call, MEAN);
        rows.in[3] = statistic(call, INVERSE);
        rows.count = 4;
    }
    cx_rows_gradient(&rows, &out);
}

void cx_standardize_backward(const cx_call *call)
{
    if (call->dx[X].data != NULL && output_gradient(call, Y) != NULL &&
        has_rows(call, &call->dy[Y]) && is_dense(&call->dx[X]))
        gradient_rows(call);
    else if (call->dx[X].data != NULL)
        input_gradient(call);
    for (int k = SCALE; k < call->c->input_count; k++)
        if (call->dx[k].data != NULL)
            parameter_gradient(call, k);
}

void cx_standardize_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t bytes = cx_size_times((size_t)p->sets, sizeof(cxai_real));
    if (wanted == 0) {
        demand->forward_workspace = cx_size_times(STATISTICS, bytes);
        return;
    }
    demand->saved_bytes = cx_size_times(STATISTICS, bytes);
    demand->keep_inputs = wanted & (1u << X | 1u << SCALE) ? 1u << X : 0;
    if (wanted & 1u << X) {
        if (cx_has_input(c, SCALE))
            demand->keep_inputs |= 1u << SCALE;
        demand->backward_workspace = cx_size_times(SUMS, bytes);
    }
}

cxai_status cx_standardize_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X];
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = cx_set_shape(c, Y, x);
    if (status != CXAI_OK)
        return status;
    p->one = 1;
    p->elements = p->sets = 1;
    cxai_tensor all = { .shape = *x };
    all = whole(p, &all);
    for (int a = 0; a < all.shape.rank; a++)
        *(p->axes >> a & 1 ? &p->elements : &p->sets) *= all.shape.dim[a];
    return cx_check_demand(c, cx_standardize_demand, 7);
}
