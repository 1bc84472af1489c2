/* Where with a constant condition: y = condition ? x[1] : x[2], broadcast. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

static cxai_status where_infer(const cx_case *c)
{
    if (c->x_literal[0] == NULL || c->x_literal[0]->type == CX_REAL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its condition is computed from the data; only "
                         "constants are supported");
    if (cx_input_type(c, 1) != cx_input_type(c, 2))
        return cx_refuse(c, CXAI_MALFORMED,
                         "inputs 1 and 2 are of different types");
    c->y_type[0] = cx_input_type(c, 1);
    cxai_shape y;
    if (cx_shape_broadcast(&c->x_shape[1], &c->x_shape[2], &y) != 0 ||
        cx_shape_broadcast(&y, &c->x_shape[0], &y) != 0) {
        char text[3][128];
        for (int i = 0; i < 3; i++)
            cxai_shape_text(&c->x_shape[i], text[i], sizeof text[i]);
        return cx_refuse(c, CXAI_MALFORMED,
                         "shapes %s, %s and %s cannot be broadcast", text[0],
                         text[1], text[2]);
    }
    return cx_set_shape(c, 0, &y);
}

/* The part of a view of y's shape that `count` entries of the condition
   decide, beginning at row-major number `entry`; they lie on its last axis.
   Axes on which the condition is broadcast stay whole. */
static cx_view decided_by(cx_view view, const cxai_shape *condition,
                          int64_t entry, int64_t count)
{
    int shift = view.shape.rank - condition->rank;
    for (int i = condition->rank - 1; i >= 0; i--) {
        int64_t dim = condition->dim[i];
        int64_t length = i == condition->rank - 1 ? count : 1;
        if (dim != 1)
            view = cx_view_slice(view, i + shift, entry % dim, 1, length);
        entry /= dim;
    }
    return view;
}

/* How many entries from `entry` on, up to the end of their row, are alike. */
static int64_t alike(const cx_literal *condition, int64_t entry)
{
    const cxai_shape *shape = &condition->shape;
    int64_t row = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    int64_t end = entry - entry % row + row, next = entry + 1;
    int chosen = cx_literal_int(condition, entry) != 0;
    while (next < end && (cx_literal_int(condition, next) != 0) == chosen)
        next++;
    return next - entry;
}

static void describe(const cx_mover *m)
{
    const cx_literal *condition = m->c->x_literal[0];
    cx_view y = cx_mover_y(m, 0);
    cx_view x[2] = { cx_view_broadcast(cx_mover_x(m, 2), &y.shape),
                     cx_view_broadcast(cx_mover_x(m, 1), &y.shape) };
    int64_t total = cx_literal_count(condition), count;
    for (int64_t entry = 0; entry < total; entry += count) {
        count = alike(condition, entry);
        const cx_view *source = &x[cx_literal_int(condition, entry) != 0];
        cx_view from = decided_by(*source, &condition->shape, entry, count);
        cx_view to = decided_by(y, &condition->shape, entry, count);
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
    { .inputs = "2,3=1,0,1,1,0,0;2,3;2,3" },
    { .inputs = "2,1=1,0;2,3;1" },
    { .inputs = "3=0,1,1;1;2,2,3" },
    { .inputs = "1=1;2,3;3" },
};

static const cx_operator operators[] = {
    { .name = "Where",
      .min_inputs = 3,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .infer = where_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_where = CX_FAMILY(operators);
