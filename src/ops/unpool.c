/*
 * MaxUnpool: puts each element where the second output of a MaxPool says that
 * it was, among zeros. Its size is that of the pool's input, as far as the
 * pool's attributes tell; a given output shape may be larger, and begins in the
 * same corner. Numbers of elements get no gradient.
 */
#include <string.h>

#include "ops/common/constant.h"
#include "ops/common/window.h"

enum { X, INDICES, SHAPE, INPUTS };

typedef struct params {
    cxai_shape pooled;   /* which the indices count through */
    cxai_tensor indices; /* constant; data NULL: input 1 */
} params;

static cxai_status read_output(const cx_case *c, cxai_shape *y)
{
    const params *p = c->params;
    cx_list list;
    *y = p->pooled;
    if (!cx_has_input(c, SHAPE))
        return CXAI_OK;
    cxai_status status = cx_read_dimensions(c, SHAPE, "output_shape", &list);
    int fits = status == CXAI_OK && list.count == y->rank;
    for (int i = 0; fits && i < y->rank; i++) {
        y->dim[i] = list.values[i];
        fits = i < 2 ? y->dim[i] == p->pooled.dim[i]
                     : y->dim[i] >= p->pooled.dim[i];
    }
    if (status == CXAI_OK && !fits)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its output shape is smaller than what was pooled");
    return status;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    cx_window window;
    cxai_shape y;
    cxai_status status = cx_window_read_transposed(c, NULL, &window);
    if (status != CXAI_OK)
        return status;
    if (cx_input_type(c, X) != CX_REAL ||
        !cxai_shape_equal(&c->x_shape[X], &c->x_shape[INDICES]))
        return cx_refuse(c, CXAI_MALFORMED,
                         "it needs an index for each of its real numbers");
    p->pooled = cx_window_input(&window, c->x_shape[X].dim[1]);
    status = read_output(c, &y);
    if (status == CXAI_OK)
        status = cx_constant_reals(c, INDICES, &p->indices);
    return status == CXAI_OK ? cx_set_shape(c, 0, &y) : status;
}

/* Where element i goes in y; -1 for an index that is none. */
static int64_t place(const cx_call *call, int64_t i)
{
    const params *p = call->c->params;
    const cxai_shape *y = &call->c->y_shape[0];
    const cxai_real *indices =
        p->indices.data != NULL ? p->indices.data : call->x[INDICES].data;
    int64_t stride = 1, at = 0;
    cxai_real index = indices[i];
    if (!(index >= 0 && index < (cxai_real)cxai_shape_count(&p->pooled)))
        return -1;
    int64_t rest = (int64_t)index;
    for (int a = y->rank - 1; a >= 0; a--) {
        at += rest % p->pooled.dim[a] * stride;
        rest /= p->pooled.dim[a];
        stride *= y->dim[a];
    }
    return at;
}

static void forward(const cx_call *call)
{
    const cxai_tensor *x = &call->x[X], *y = &call->y[0];
    memset(y->data, 0, (size_t)cxai_shape_count(&y->shape) * sizeof *y->data);
    for (int64_t i = 0; i < cxai_shape_count(&x->shape); i++) {
        int64_t at = place(call, i);
        if (at >= 0)
            y->data[at] = x->data[i];
    }
}

static void backward(const cx_call *call)
{
    const cxai_tensor *dx = &call->dx[X], *dy = &call->dy[0];
    for (int64_t i = 0; dx->data != NULL && i < cxai_shape_count(&dx->shape);
         i++) {
        int64_t at = place(call, i);
        dx->data[i] = at >= 0 ? dy->data[at] : 0;
    }
    if (call->dx[INDICES].data != NULL)
        memset(call->dx[INDICES].data, 0,
               (size_t)cxai_shape_count(&call->dx[INDICES].shape) *
                   sizeof(cxai_real));
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    (void)c;
    if (wanted != 0)
        demand->keep_inputs = 1u << INDICES;
}

static const cx_sample samples[] = {
    { .inputs = "1,2,2,2;1,2,2,2=0,3,8,15,17,18,24,31",
      .attributes = "kernel_shape=2,2 strides=2,2" },
    { .inputs = "1,1,2,2;1,1,2,2=5,7,13,15;4=1,1,5,6",
      .attributes = "kernel_shape=2,2 strides=2,2" },
};

static const cx_operator operators[] = {
    { .name = "MaxUnpool",
      .min_inputs = 2,
      .max_inputs = INPUTS,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .carries_integers = 1,
      .infer = infer,
      .demand = demand,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_unpool = CX_FAMILY(operators);
