/* CenterCropPad: along each axis the middle is cut out, or zeros are put
   around it; of an odd difference the smaller half comes first. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

/* The part of a view along an axis that `size` others share with it. */
static cx_view middle(cx_view view, int axis, int64_t size)
{
    int64_t over = view.shape.dim[axis] - size;
    return over > 0 ? cx_view_slice(view, axis, over / 2, 1, size) : view;
}

static cxai_status infer(const cx_case *c)
{
    cxai_shape y = c->x_shape[0];
    cx_list shape, axes;
    int place[CXAI_MAX_RANK];
    cxai_status status = cx_read_list(c, 1, "shape", &shape);
    if (status == CXAI_OK)
        status = cx_read_list(c, -1, "axes", &axes);
    if (status == CXAI_OK)
        status = cx_read_axes(c, &axes, y.rank, place);
    if (status != CXAI_OK)
        return status;
    if (shape.count != (axes.values != NULL ? axes.count : y.rank))
        return cx_refuse(c, CXAI_MALFORMED, "%lld sizes do not fit to its axes",
                         (long long)shape.count);
    for (int i = 0; i < y.rank; i++) {
        int at = axes.values != NULL ? place[i] : i;
        y.dim[i] = at >= 0 ? shape.values[at] : y.dim[i];
    }
    return cx_set_shape(c, 0, &y);
}

static void describe(const cx_mover *m)
{
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    for (int i = 0; i < y.shape.rank; i++) {
        int64_t have = x.shape.dim[i], want = y.shape.dim[i];
        x = middle(x, i, want);
        y = middle(y, i, have);
    }
    cx_move(m, &x, &y);
}

static void forward(const cx_call *call)
{
    cx_view y = cx_view_of(&call->y[0]);
    cx_view_fill(&y, 0);
    cx_move_forward(call, describe);
}

static void backward(const cx_call *call)
{
    cx_move_backward(call, describe, CX_AT_MOST_ONCE);
}

/* y is zero already. */
static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "5,4,3;3=2,7,3" },
    { .inputs = "1,2,6,3;2=3,4", .attributes = "axes=2,-1" },
    { .inputs = "3=1,2,3;1=6" },
};

static const cx_operator operators[] = {
    { .name = "CenterCropPad",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .infer = infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_crop = CX_FAMILY(operators);
