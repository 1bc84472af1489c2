/* ReverseSequence: of each batch item the first sequence_lens steps in time,
   turned around. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

typedef struct params {
    int batch, time;       /* axes */
    const int64_t *length; /* by batch item */
} params;

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    cx_list lengths;
    cxai_status status =
        cx_read_axis(c, cx_attribute_int(c->attributes, "batch_axis", 1),
                     x->rank, &p->batch);
    if (status == CXAI_OK)
        status =
            cx_read_axis(c, cx_attribute_int(c->attributes, "time_axis", 0),
                         x->rank, &p->time);
    if (status == CXAI_OK)
        status = cx_read_list(c, 1, "sequence_lens", &lengths);
    if (status != CXAI_OK)
        return status;
    if (p->batch == p->time || lengths.count != x->dim[p->batch])
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld lengths do not fit to its batch",
                         (long long)lengths.count);
    for (int64_t i = 0; i < lengths.count; i++)
        if (lengths.values[i] < 0 || lengths.values[i] > x->dim[p->time])
            return cx_refuse(c, CXAI_MALFORMED,
                             "its sequence %lld is %lld steps long",
                             (long long)i, (long long)lengths.values[i]);
    p->length = lengths.values;
    return cx_set_shape(c, 0, x);
}

static void describe(const cx_mover *m)
{
    const params *p = m->c->params;
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    int64_t steps = x.shape.dim[p->time];
    for (int64_t i = 0; i < x.shape.dim[p->batch]; i++) {
        int64_t turned = p->length[i];
        cx_view from = cx_view_slice(x, p->batch, i, 1, 1);
        cx_view to = cx_view_slice(y, p->batch, i, 1, 1);
        cx_view from_part =
            cx_view_slice(from, p->time, turned - 1, -1, turned);
        cx_view to_part = cx_view_slice(to, p->time, 0, 1, turned);
        cx_move(m, &from_part, &to_part);
        from_part = cx_view_slice(from, p->time, turned, 1, steps - turned);
        to_part = cx_view_slice(to, p->time, turned, 1, steps - turned);
        cx_move(m, &from_part, &to_part);
    }
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
    { .inputs = "4,3,2;3=2,4,0" },
    { .inputs = "2,4;2=3,1", .attributes = "batch_axis=0 time_axis=1" },
};

static const cx_operator operators[] = {
    { .name = "ReverseSequence",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .infer = infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_reverse = CX_FAMILY(operators);
