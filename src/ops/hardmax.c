/*
 * Hardmax: 1 at the first of the largest elements, 0 elsewhere. From opset 13
 * on along one axis (default the last); before, over the rows of a matrix that
 * begin at the axis (default 1).
 */
#include "ops/common/check.h"
#include "ops/common/constant.h"

/* Elements of x as before, along, after the axis. */
typedef struct params {
    int64_t before, along, after;
} params;

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    int matrix = c->opset < 13, axis = 0;
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = cx_read_axis(
            c, cx_attribute_int(c->attributes, "axis", matrix ? 1 : -1),
            x->rank, &axis);
    if (status != CXAI_OK)
        return status;
    int end = matrix ? x->rank : axis + 1;
    p->before = cx_shape_product(x, 0, axis);
    p->along = cx_shape_product(x, axis, end);
    p->after = cx_shape_product(x, end, x->rank);
    return cx_set_shape(c, 0, x);
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    for (int64_t i = 0; i < p->before * p->after; i++) {
        int64_t start = i / p->after * p->along * p->after + i % p->after;
        const cxai_real *x = call->x[0].data + start;
        cxai_real *y = call->y[0].data + start;
        int64_t largest = 0;
        for (int64_t k = 0; k < p->along; k++) {
            y[k * p->after] = 0;
            if (x[k * p->after] > x[largest])
                largest = k * p->after;
        }
        if (p->along > 0)
            y[largest] = 1;
    }
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4" },
    { .inputs = "2,3,4", .attributes = "axis=1" },
    { .inputs = "2,3,4", .opset = 11 },
};

static const cx_operator operators[] = {
    {
        .name = "Hardmax",
        .min_inputs = 1,
        .max_inputs = 1,
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(params),
        .infer = infer,
        .forward = forward,
        .not_differentiable = "its output only says which element is largest",
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_hardmax = CX_FAMILY(operators);
