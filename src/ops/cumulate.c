/* CumSum along a constant axis: y[i] is the sum of x up to i, without x[i]
   itself when exclusive, from the other end when reverse. The gradient is the
   same sum of dy from the opposite end. */
#include "kernels/work.h"
#include "ops/common/constant.h"

typedef struct params {
    int64_t outer, size, inner;
    int exclusive, reverse;
} params;

static cxai_status infer(const cx_case *c)
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
    };
    return cx_set_shape(c, 0, x);
}

/* Sums of one row of `size` steps, each `inner` elements from the next. */
#define CUMULATE(name, type)                                                   \
    static void name(const params *p, int reverse, const type *x, type *y)     \
    {                                                                          \
        int64_t step = reverse ? -p->inner : p->inner;                         \
        int64_t at = reverse ? (p->size - 1) * p->inner : 0;                   \
        type sum = 0;                                                          \
        for (int64_t i = 0; i < p->size; i++, at += step) {                    \
            type next = sum + x[at];                                           \
            y[at] = p->exclusive ? sum : next;                                 \
            sum = next;                                                        \
        }                                                                      \
    }

CUMULATE(cumulate_reals, cxai_real)
CUMULATE(cumulate_integers, uint64_t)

static void run(const cx_call *call, int reverse, const cxai_tensor *from,
                const cxai_tensor *to)
{
    const params *p = call->c->params;
    int64_t rows = p->outer * p->inner;
    int threads = call->c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (rows * p->size > CX_SMALL_WORK)
    for (int64_t row = 0; row < rows; row++) {
        int64_t at = row / p->inner * p->size * p->inner + row % p->inner;
        cumulate_reals(p, reverse, from->data + at, to->data + at);
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, p->reverse, &call->x[0], &call->y[0]);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, !p->reverse, &call->dy[0], &call->dx[0]);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    if (y[0]->type != CX_INT64)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "sums of 8-bit integers are not supported");
    for (int64_t row = 0; row < p->outer * p->inner; row++) {
        int64_t at = row / p->inner * p->size * p->inner + row % p->inner;
        cumulate_integers(p, p->reverse, (uint64_t *)c->x_literal[0]->data + at,
                          (uint64_t *)y[0]->data + at);
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

static const cx_operator operators[] = {
    { .name = "CumSum",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_cumulate = CX_FAMILY(operators);
