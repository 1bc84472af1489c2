/*
 * CumSum and CumProd along a constant axis: y[i] is the sum or product of x up
 * to i, without x[i] itself when exclusive, from the other end when reverse.
 * The gradient of CumSum is the same sum of dy from the opposite end; CumProd's
 * adds for each x the products it is part of, so that zeros do no harm.
 */
#include "kernels/work.h"
#include "ops/common/constant.h"

typedef struct params {
    int64_t outer, size, inner;
    int exclusive, reverse, multiplies;
} params;

static cxai_status cumulate_infer(const cx_case *c, int multiplies)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    const cx_literal *literal = c->x_literal[1];
    int axis = 0;
    if (literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its axis is computed from the data; only constants "
                         "are supported");
    if (literal->type == CX_REAL || cx_literal_count(literal) != 1)
        return cx_refuse(c, CXAI_MALFORMED, "its axis is not one integer");
    cxai_status status =
        cx_read_axis(c, cx_literal_int(literal, 0), x->rank, &axis);
    if (status != CXAI_OK)
        return status;
    *p = (params){
        .outer = cx_shape_product(x, 0, axis),
        .size = x->dim[axis],
        .inner = cx_shape_product(x, axis + 1, x->rank),
        .exclusive = cx_attribute_int(c->attributes, "exclusive", 0) != 0,
        .reverse = cx_attribute_int(c->attributes, "reverse", 0) != 0,
        .multiplies = multiplies,
    };
    return cx_set_shape(c, 0, x);
}

static cxai_status sum_infer(const cx_case *c)
{
    return cumulate_infer(c, 0);
}

static cxai_status product_infer(const cx_case *c)
{
    return cumulate_infer(c, 1);
}

/* Sums of one row of `size` steps, each `inner` elements from the next. */
#define CUMULATE(name, type, neutral, operation)                               \
    static void name(const params *p, int reverse, const type *x, type *y)     \
    {                                                                          \
        int64_t step = reverse ? -p->inner : p->inner;                         \
        int64_t at = reverse ? (p->size - 1) * p->inner : 0;                   \
        type sum = neutral;                                                    \
        for (int64_t i = 0; i < p->size; i++, at += step) {                    \
            type next = sum operation x[at];                                   \
            y[at] = p->exclusive ? sum : next;                                 \
            sum = next;                                                        \
        }                                                                      \
    }

/* clang-format off */
CUMULATE(sum_reals, cxai_real, 0, +)
CUMULATE(sum_integers, uint64_t, 0, +)
CUMULATE(multiply_reals, cxai_real, 1, *)
CUMULATE(multiply_integers, uint64_t, 1, *)
/* clang-format on */

/* dx of a row's products. */
static void multiply_back(const params *p, const cxai_real *x,
                          const cxai_real *dy, cxai_real *dx)
{
    int64_t step = p->reverse ? -p->inner : p->inner;
    int64_t first = p->reverse ? (p->size - 1) * p->inner : 0;
    cxai_real before = 1;
    for (int64_t j = 0; j < p->size; j++) {
        cxai_real product = before, sum = 0;
        for (int64_t i = j; i < p->size; i++) {
            if (p->exclusive && i > j)
                sum += dy[first + i * step] * product;
            if (i > j)
                product *= x[first + i * step];
            if (!p->exclusive)
                sum += dy[first + i * step] * product;
        }
        dx[first + j * step] = sum;
        before *= x[first + j * step];
    }
}

static int64_t row_start(const params *p, int64_t row)
{
    return row / p->inner * p->size * p->inner + row % p->inner;
}

static void run(const cx_call *call, int reverse, const cxai_tensor *from,
                const cxai_tensor *to)
{
    const params *p = call->c->params;
    int64_t rows = p->outer * p->inner;
    int threads = call->c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (rows * p->size > CX_SMALL_WORK)
    for (int64_t row = 0; row < rows; row++) {
        int64_t at = row_start(p, row);
        if (p->multiplies)
            multiply_reals(p, reverse, from->data + at, to->data + at);
        else
            sum_reals(p, reverse, from->data + at, to->data + at);
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, p->reverse, &call->x[0], &call->y[0]);
}

static void sum_backward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, !p->reverse, &call->dy[0], &call->dx[0]);
}

static void product_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    (void)c;
    demand->keep_inputs = wanted & 1;
}

static void product_backward(const cx_call *call)
{
    const params *p = call->c->params;
    for (int64_t row = 0; row < p->outer * p->inner; row++) {
        int64_t at = row_start(p, row);
        multiply_back(p, call->x[0].data + at, call->dy[0].data + at,
                      call->dx[0].data + at);
    }
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    if (y[0]->type != CX_INT64)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "8 and 16-bit integers are not supported");
    for (int64_t row = 0; row < p->outer * p->inner; row++) {
        int64_t at = row_start(p, row);
        const uint64_t *from = (uint64_t *)c->x_literal[0]->data + at;
        uint64_t *to = (uint64_t *)y[0]->data + at;
        if (p->multiplies)
            multiply_integers(p, p->reverse, from, to);
        else
            sum_integers(p, p->reverse, from, to);
    }
    return CXAI_OK;
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4;1=1" },
    { .inputs = "2,3,4;1=-1", .attributes = "exclusive=1" },
    { .inputs = "2,3,4;1=0", .attributes = "reverse=1" },
    { .inputs = "5;1=0", .attributes = "reverse=1 exclusive=1" },
    { .inputs = "3=1,2,3;1=0" },
};

#define CUMULATION(type, reads, demands, backwards)                            \
    {                                                                          \
        .name = type, .min_inputs = 2, .max_inputs = 2,                        \
        .layout = CX_ROW_MAJOR, .params_size = sizeof(params), .infer = reads, \
        .demand = demands, .forward = forward, .backward = backwards,          \
        .fold = fold, CX_SAMPLES(samples)                                      \
    }

static const cx_operator operators[] = {
    CUMULATION("CumSum", sum_infer, NULL, sum_backward),
    CUMULATION("CumProd", product_infer, product_demand, product_backward),
};

const cx_operator_family cx_operators_cumulate = CX_FAMILY(operators);
