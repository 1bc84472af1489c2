/* Slice: numpy's x[start:end:step] on some axes. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <inttypes.h>

/* What is taken of one axis. */
typedef struct range {
    int64_t start, step, count;
} range;

typedef struct slice_params {
    range axis[CXAI_MAX_RANK];
} slice_params;

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Negative indices count from the end; what lies outside is cut off, so that
   INT64_MAX and INT64_MIN mean "as far as it goes". */
static range range_of(int64_t start, int64_t end, int64_t step, int64_t dim)
{
    start += start < 0 ? dim : 0;
    end += end < 0 ? dim : 0;
    if (step == INT64_MIN)
        step++; /* so that it has an opposite */
    range r = { .step = step };
    if (step > 0) {
        r.start = clamp(start, 0, dim);
        end = clamp(end, 0, dim);
        r.count = end > r.start ? (end - r.start - 1) / step + 1 : 0;
    } else {
        r.start = clamp(start, -1, dim - 1);
        end = clamp(end, -1, dim - 1);
        r.count = r.start > end ? (r.start - end - 1) / -step + 1 : 0;
    }
    return r;
}

typedef struct lists {
    cx_list starts, ends, axes, steps;
} lists;

static cxai_status read_lists(const cx_case *c, lists *l)
{
    cxai_status status = cx_read_list(c, 1, "starts", &l->starts);
    if (status == CXAI_OK)
        status = cx_read_list(c, 2, "ends", &l->ends);
    if (status == CXAI_OK)
        status = cx_read_list(c, 3, "axes", &l->axes);
    if (status == CXAI_OK)
        status = cx_read_list(c, 4, "steps", &l->steps);
    if (status != CXAI_OK)
        return status;
    int64_t count = l->starts.count;
    if (l->starts.values == NULL || l->ends.values == NULL)
        return cx_refuse(c, CXAI_MALFORMED, "it has no starts or no ends");
    if (l->ends.count != count ||
        (l->axes.values != NULL && l->axes.count != count) ||
        (l->steps.values != NULL && l->steps.count != count))
        return cx_refuse(c, CXAI_MALFORMED,
                         "starts, ends, axes and steps differ in length");
    if (count > c->x_shape[0].rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%" PRId64 " slices of %d dimensions", count,
                         c->x_shape[0].rank);
    return CXAI_OK;
}

static cxai_status slice_infer(const cx_case *c)
{
    slice_params *params = c->params;
    cxai_shape y = c->x_shape[0];
    lists l;
    int place[CXAI_MAX_RANK];
    cxai_status status = read_lists(c, &l);
    if (status == CXAI_OK)
        status = cx_read_axes(c, &l.axes, y.rank, place);
    if (status != CXAI_OK)
        return status;
    for (int axis = 0; axis < y.rank; axis++) {
        range *r = &params->axis[axis];
        *r = (range){ .start = 0, .step = 1, .count = y.dim[axis] };
        int i = place[axis];
        if (l.axes.values == NULL)
            i = axis < l.starts.count ? axis : -1;
        if (i < 0)
            continue;
        int64_t step = l.steps.values != NULL ? l.steps.values[i] : 1;
        if (step == 0)
            return cx_refuse(c, CXAI_MALFORMED, "axis %d has a step of 0",
                             axis);
        *r = range_of(l.starts.values[i], l.ends.values[i], step, y.dim[axis]);
        y.dim[axis] = r->count;
    }
    return cx_set_shape(c, 0, &y);
}

static void describe(const cx_mover *m)
{
    const slice_params *params = m->c->params;
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    for (int axis = 0; axis < x.shape.rank; axis++) {
        const range *r = &params->axis[axis];
        x = cx_view_slice(x, axis, r->start, r->step, r->count);
    }
    cx_move(m, &x, &y);
}

static void forward(const cx_call *call)
{
    cx_move_forward(call, describe);
}

static void backward(const cx_call *call)
{
    cx_move_backward(call, describe, CX_AT_MOST_ONCE);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "4,5;1=1;1=9223372036854775807;1=-1" },
    { .inputs = "4,5,3;2=3,-1;2=-9,0;2=0,1;2=-2,-1" },
    { .inputs = "4,6;2=0,1;2=3,-1;-;2=1,2" },
    { .inputs = "3,8,2,2",
      .attributes = "starts=2, ends=6, axes=1,",
      .opset = 9 },
    { .inputs = "4,5", .attributes = "starts=-2,0 ends=100,2", .opset = 9 },
};

static const cx_operator operators[] = {
    { .name = "Slice",
      .min_inputs = 1,
      .max_inputs = 5,
      .layout = CX_STRIDED,
      .params_size = sizeof(slice_params),
      .carries_integers = 1,
      .infer = slice_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_slice = CX_FAMILY(operators);
