/* Expand broadcasts, Tile repeats. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <inttypes.h>

/* ---- Expand ---- */

static cxai_status expand_infer(const cx_case *c)
{
    cx_list wanted;
    cxai_status status = cx_read_dimensions(c, 1, "shape", &wanted);
    if (status != CXAI_OK)
        return status;
    cxai_shape shape = { .rank = (int)wanted.count }, y;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = wanted.values[i];
    if (shape.rank > 0 && shape.rank == c->x_shape[0].rank)
        shape.dim[0] = cx_follow_batch(c, shape.dim[0]);
    if (cx_shape_broadcast(&c->x_shape[0], &shape, &y) != 0) {
        char from[128], to[128];
        return cx_refuse(c, CXAI_MALFORMED, "cannot broadcast %s to %s",
                         cxai_shape_text(&c->x_shape[0], from, sizeof from),
                         cxai_shape_text(&shape, to, sizeof to));
    }
    return cx_set_shape(c, 0, &y);
}

static void expand_describe(const cx_mover *m)
{
    cx_view y = cx_mover_y(m, 0);
    cx_view x = cx_view_broadcast(cx_mover_x(m, 0), &y.shape);
    cx_move(m, &x, &y);
}

static void expand_forward(const cx_call *call)
{
    cx_move_forward(call, expand_describe);
}

static void expand_backward(const cx_call *call)
{
    cx_move_backward(call, expand_describe, CX_ANY_NUMBER);
}

static cxai_status expand_fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, expand_describe);
}

static const cx_sample expand_samples[] = {
    { .inputs = "3,1;2=3,4" },
    { .inputs = "3,1;3=2,1,4" },
    { .inputs = "1,3,1,2;4=2,3,2,1" },
};

/* ---- Tile ---- */

/* y's dimension is a multiple of x's on every axis. */
static cxai_status tile_infer(const cx_case *c)
{
    cx_list repeats;
    cxai_shape y = c->x_shape[0];
    cxai_status status = cx_read_list(c, 1, "repeats", &repeats);
    if (status != CXAI_OK)
        return status;
    if (repeats.values == NULL || repeats.count != y.rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%" PRId64 " repeats for %d dimensions", repeats.count,
                         y.rank);
    for (int i = 0; i < y.rank; i++) {
        int64_t times = repeats.values[i];
        if (times < 0 || (times > 0 && y.dim[i] > INT64_MAX / times))
            return cx_refuse(c, CXAI_MALFORMED,
                             "axis %d cannot be repeated %" PRId64 " times", i,
                             times);
        y.dim[i] *= times;
    }
    return cx_set_shape(c, 0, &y);
}

/* An axis of one element is broadcast, so that only axes with more are
   repeated piece by piece. */
static cxai_shape tile_of(const cxai_shape *x, const cxai_shape *y)
{
    cxai_shape tile = *x;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] == 1)
            tile.dim[i] = y->dim[i];
    return tile;
}

static void tile_describe(const cx_mover *m)
{
    cx_view y = cx_mover_y(m, 0);
    cxai_shape shape = tile_of(&m->c->x_shape[0], &y.shape);
    cx_view x = cx_view_broadcast(cx_mover_x(m, 0), &shape);
    if (cxai_shape_count(&y.shape) == 0)
        return;
    int64_t start[CXAI_MAX_RANK] = { 0 };
    int axis;
    do {
        cx_view part = y;
        for (int i = 0; i < shape.rank; i++)
            part = cx_view_slice(part, i, start[i], 1, shape.dim[i]);
        cx_move(m, &x, &part);
        for (axis = shape.rank - 1; axis >= 0; axis--) {
            start[axis] += shape.dim[axis];
            if (start[axis] < y.shape.dim[axis])
                break;
            start[axis] = 0;
        }
    } while (axis >= 0);
}

static void tile_forward(const cx_call *call)
{
    cx_move_forward(call, tile_describe);
}

static void tile_backward(const cx_call *call)
{
    cx_move_backward(call, tile_describe, CX_ANY_NUMBER);
}

static cxai_status tile_fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, tile_describe);
}

static const cx_sample tile_samples[] = {
    { .inputs = "2,3;2=2,3" },
    { .inputs = "1,3,2,1;4=2,2,1,3" },
};

static const cx_operator operators[] = {
    { .name = "Expand",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .carries_integers = 1,
      .infer = expand_infer,
      .forward = expand_forward,
      .backward = expand_backward,
      .fold = expand_fold,
      CX_SAMPLES(expand_samples) },
    { .name = "Tile",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .carries_integers = 1,
      .infer = tile_infer,
      .forward = tile_forward,
      .backward = tile_backward,
      .fold = tile_fold,
      CX_SAMPLES(tile_samples) },
};

const cx_operator_family cx_operators_expand = CX_FAMILY(operators);
