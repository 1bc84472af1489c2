/* Transpose: y[i_perm(0), i_perm(1), ...] = x[i_0, i_1, ...]. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <inttypes.h>

typedef struct transpose_params {
    int order[CXAI_MAX_RANK]; /* axis i of y is axis order[i] of x */
} transpose_params;

static cxai_status read_order(const cx_case *c, int *order)
{
    int rank = c->x_shape[0].rank, place[CXAI_MAX_RANK];
    cx_list perm;
    cxai_status status = cx_read_list(c, -1, "perm", &perm);
    if (status != CXAI_OK)
        return status;
    if (perm.values != NULL && perm.count != rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "perm has %" PRId64 " entries for %d dimensions",
                         perm.count, rank);
    status = cx_read_axes(c, &perm, rank, place);
    if (status != CXAI_OK)
        return status;
    for (int i = 0; i < rank; i++) {
        if (perm.values == NULL)
            order[i] = rank - 1 - i;
        else
            order[place[i]] = i;
    }
    return CXAI_OK;
}

static cxai_status transpose_infer(const cx_case *c)
{
    transpose_params *params = c->params;
    cxai_status status = read_order(c, params->order);
    if (status != CXAI_OK)
        return status;
    cxai_shape y = { .rank = c->x_shape[0].rank };
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = c->x_shape[0].dim[params->order[i]];
    return cx_set_shape(c, 0, &y);
}

static void describe(const cx_mover *m)
{
    const transpose_params *params = m->c->params;
    cx_view x = cx_view_permute(cx_mover_x(m, 0), params->order);
    cx_view y = cx_mover_y(m, 0);
    cx_move(m, &x, &y);
}

static int is_view(const cx_case *c, const cx_view *x, cx_view *y)
{
    *y = cx_view_permute(*x, ((const transpose_params *)c->params)->order);
    return 1;
}

static void forward(const cx_call *call)
{
    cx_move_forward(call, describe);
}

static void backward(const cx_call *call)
{
    cx_move_backward(call, describe, CX_EXACTLY_ONCE);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4" },
    { .inputs = "2,3,4,2", .attributes = "perm=0,2,3,1" },
    { .inputs = "2,3,4,2", .attributes = "perm=0,3,1,2" },
    { .inputs = "2,2,3,2,2", .attributes = "perm=0,2,1,3,4" },
};

static const cx_operator operators[] = {
    { .name = "Transpose",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .params_size = sizeof(transpose_params),
      .moves_axes = 1,
      .is_view = is_view,
      .carries_integers = 1,
      .infer = transpose_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_transpose = CX_FAMILY(operators);
