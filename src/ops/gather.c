/* Gather: picks entries of one axis by constant indices of any shape. */
#include "ops/common/constant.h"
#include "ops/common/move.h"
#include "ops/common/places.h"

typedef struct gather_params {
    int axis;
} gather_params;

static cxai_status check_indices(const cx_case *c, int64_t size)
{
    const cx_literal *indices;
    cxai_status status = cx_read_indices(c, 1, &indices);
    int64_t count = status == CXAI_OK ? cx_literal_count(indices) : 0;
    for (int64_t i = 0, index; status == CXAI_OK && i < count; i++)
        status = cx_read_index(c, cx_literal_int(indices, i), size, &index);
    return status;
}

/* y: x's dimensions before axis, those of indices, x's behind axis */
static cxai_status gather_infer(const cx_case *c)
{
    gather_params *params = c->params;
    const cxai_shape *x = &c->x_shape[0], *indices = &c->x_shape[1];
    int64_t named = cx_attribute_int(c->attributes, "axis", 0);
    cxai_status status = cx_read_axis(c, named, x->rank, &params->axis);
    if (status == CXAI_OK)
        status = check_indices(c, x->dim[params->axis]);
    if (status != CXAI_OK)
        return status;
    if (x->rank + indices->rank - 1 > CXAI_MAX_RANK)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%d dimensions, at most %d are supported",
                         x->rank + indices->rank - 1, CXAI_MAX_RANK);
    cxai_shape y = { .rank = 0 };
    for (int i = 0; i < params->axis; i++)
        y.dim[y.rank++] = x->dim[i];
    for (int i = 0; i < indices->rank; i++)
        y.dim[y.rank++] = indices->dim[i];
    for (int i = params->axis + 1; i < x->rank; i++)
        y.dim[y.rank++] = x->dim[i];
    return cx_set_shape(c, 0, &y);
}

/* The part of y for entry number `entry` of indices, row-major: the axes of
   indices in y are replaced by one index each, the last of them first. */
static cx_view entry_of(cx_view y, int axis, const cxai_shape *indices,
                        int64_t entry)
{
    for (int i = indices->rank - 1; i >= 0; i--) {
        y = cx_view_select(y, axis + i, entry % indices->dim[i]);
        entry /= indices->dim[i];
    }
    return y;
}

static void describe(const cx_mover *m)
{
    int axis = ((const gather_params *)m->c->params)->axis;
    const cx_literal *indices = m->c->x_literal[1];
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    int64_t count = cx_literal_count(indices);
    for (int64_t entry = 0; entry < count; entry++) {
        int64_t index = cx_literal_int(indices, entry);
        index += index < 0 ? x.shape.dim[axis] : 0;
        cx_view from = cx_view_select(x, axis, index);
        cx_view to = entry_of(y, axis, &indices->shape, entry);
        cx_move(m, &from, &to);
    }
}

static void forward(const cx_call *call)
{
    cx_move_forward(call, describe);
}

static void backward(const cx_call *call)
{
    cx_move_backward(call, describe, CX_ANY_NUMBER);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "4,3;3=0,-1,0" },
    { .inputs = "2,4,3;2,2=3,1,1,0", .attributes = "axis=1" },
    { .inputs = "2,4,3;1=-2", .attributes = "axis=-1" },
};

static const cx_operator operators[] = {
    { .name = "Gather",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .params_size = sizeof(gather_params),
      .carries_integers = 1,
      .infer = gather_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_gather = CX_FAMILY(operators);
