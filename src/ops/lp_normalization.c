/*
 * LpNormalization: y = x / norm, the norm being the sum of magnitudes (p = 1)
 * or Euclid's (p = 2) along one axis. Where it is 0, so are y and the gradient.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/rows.h"

typedef struct params {
    int axis;
    int64_t p;
} params;

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    p->p = cx_attribute_int(c->attributes, "p", 2);
    if (p->p != 1 && p->p != 2)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "norms of p = 1 and 2 are supported, not %lld",
                         (long long)p->p);
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = cx_read_axis(c, cx_attribute_int(c->attributes, "axis", -1),
                              c->x_shape[0].rank, &p->axis);
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, &c->x_shape[0]);
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

/* A dense tensor with a number for each norm. */
static cxai_tensor per_norm(const cx_call *call, void *memory)
{
    const params *p = call->c->params;
    cxai_tensor t = { .data = memory, .shape = call->c->x_shape[0] };
    t.shape.dim[p->axis] = 1;
    cx_shape_strides(&t.shape, t.stride);
    return t;
}

static cxai_tensor norm_of(const cx_call *call)
{
    return per_norm(call, call->saved != NULL ? call->saved : call->workspace);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    cxai_shape norms = c->x_shape[0];
    norms.dim[p->axis] = 1;
    size_t bytes = (size_t)cxai_shape_count(&norms) * sizeof(cxai_real);
    if (wanted & 1) {
        demand->keep_outputs = 1;
        demand->saved_bytes = demand->backward_workspace = bytes;
    } else {
        demand->forward_workspace = bytes;
    }
}

static inline cxai_real sign(cxai_real x)
{
    return (cxai_real)((x > 0) - (x < 0));
}

CX_ROW(magnitude, fabs(in[0][i]))
CX_ROW(square, in[0][i] * in[0][i])
CX_ROW(root, sqrt(in[0][i]))
/* of x, norm */
CX_ROW(quotient, in[1][i] == 0 ? 0 : in[0][i] / in[1][i])
/* of y, dy, norm, sum of y dy */
CX_ROW(product, in[0][i] * in[1][i])
CX_ROW(magnitude_slope,
       in[2][i] == 0 ? 0 : (in[1][i] - sign(in[0][i]) * in[3][i]) / in[2][i])
CX_ROW(square_slope,
       in[2][i] == 0 ? 0 : (in[1][i] - in[0][i] * in[3][i]) / in[2][i])

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor norm = norm_of(call);
    cx_rows rows = { .function = p->p == 1 ? magnitude : square,
                     .in = { call->x[0], norm },
                     .count = 1,
                     .threads = call->c->threads };
    cx_rows_reduce(&rows, CX_SUM, &norm);
    if (p->p == 2) {
        cx_rows root_of_sum = { .function = root,
                                .in = { norm },
                                .count = 1,
                                .threads = call->c->threads };
        cx_rows_map(&root_of_sum, &norm);
    }
    rows.function = quotient;
    rows.count = 2;
    cx_rows_map(&rows, &call->y[0]);
}

/* dx = (dy - slope * sum of y dy) / norm with a slope of sign(x) or y. */
static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_tensor sum = per_norm(call, call->workspace);
    cx_rows rows = { .function = product,
                     .in = { call->y[0], call->dy[0], norm_of(call), sum },
                     .count = 2,
                     .threads = call->c->threads };
    cx_rows_reduce(&rows, CX_SUM, &sum);
    rows.function = p->p == 1 ? magnitude_slope : square_slope;
    rows.count = 4;
    cx_rows_map(&rows, &call->dx[0]);
}

static const cx_sample samples[] = {
    { .inputs = "3,7" },
    { .inputs = "2,3,4,5", .attributes = "axis=1" },
    { .inputs = "2,3,4", .attributes = "axis=-2 p=1" },
};

static const cx_operator operators[] = {
    {
        .name = "LpNormalization",
        .min_inputs = 1,
        .max_inputs = 1,
        .layout = CX_STRIDED,
        .params_size = sizeof(params),
        .infer = infer,
        .demand = demand,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_lp_normalization = CX_FAMILY(operators);
