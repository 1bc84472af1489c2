/* Concat joins inputs along an axis; Split cuts an input along an axis. */
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/move.h"

#include <inttypes.h>

/* The part of whole that starts at start and is as long as part. */
static cx_view part_of(const cx_view *whole, const cx_view *part, int axis,
                       int64_t start)
{
    return cx_view_slice(*whole, axis, start, 1, part->shape.dim[axis]);
}

/* ---- Concat ---- */

typedef struct concat_params {
    int axis;
} concat_params;

/* Adds input i to y, whose other dimensions it must share. */
static cxai_status join(const cx_case *c, int i, int axis, cxai_shape *y)
{
    if (!cx_has_input(c, i))
        return cx_refuse(c, CXAI_MALFORMED, "input %d is left out", i);
    cxai_shape x = c->x_shape[i];
    int64_t size = x.rank == y->rank ? x.dim[axis] : 0;
    if (x.rank == y->rank)
        x.dim[axis] = y->dim[axis];
    if (!cxai_shape_equal(&x, y)) {
        char first[128], other[128];
        return cx_refuse(
            c, CXAI_MALFORMED,
            "inputs 0 (%s) and %d (%s) do not fit along axis %d",
            cxai_shape_text(&c->x_shape[0], first, sizeof first), i,
            cxai_shape_text(&c->x_shape[i], other, sizeof other), axis);
    }
    if (cx_input_type(c, i) != cx_input_type(c, 0))
        return cx_refuse(c, CXAI_MALFORMED,
                         "inputs 0 and %d are of different types", i);
    if (size > INT64_MAX - y->dim[axis])
        return cx_refuse(c, CXAI_MALFORMED, "axis %d overflows", axis);
    y->dim[axis] += size;
    return CXAI_OK;
}

static cxai_status concat_infer(const cx_case *c)
{
    concat_params *params = c->params;
    cxai_shape y = c->x_shape[0];
    int64_t axis = cx_attribute_int(c->attributes, "axis", 1);
    cxai_status status = cx_read_axis(c, axis, y.rank, &params->axis);
    for (int i = 1; status == CXAI_OK && i < c->input_count; i++)
        status = join(c, i, params->axis, &y);
    return status == CXAI_OK ? cx_set_shape(c, 0, &y) : status;
}

static void concat_describe(const cx_mover *m)
{
    int axis = ((const concat_params *)m->c->params)->axis;
    cx_view y = cx_mover_y(m, 0);
    int64_t start = 0;
    for (int i = 0; i < m->c->input_count; i++) {
        cx_view x = cx_mover_x(m, i), part = part_of(&y, &x, axis, start);
        int lies_there = m->use == CX_COPY && x.data == part.data;
        cx_mover one = *m;
        one.adds = m->delivery != NULL && m->delivery[i].adds;
        if (!lies_there)
            cx_move(&one, &x, &part);
        start += x.shape.dim[axis];
    }
}

/* Whether input i already lies where it belongs in y: a plan may let its
   producer write it there. */
static int lies_in_place(const cx_call *call, int i, int64_t start)
{
    int axis = ((const concat_params *)call->c->params)->axis;
    const cxai_tensor *y = &call->y[0];
    return call->x[i].data == y->data + start * y->stride[axis];
}

static void concat_forward(const cx_call *call)
{
    int axis = ((const concat_params *)call->c->params)->axis, all = 1;
    int64_t start = 0;
    for (int i = 0; all && i < call->c->input_count; i++) {
        all = lies_in_place(call, i, start);
        start += call->c->x_shape[i].dim[axis];
    }
    if (all)
        return;
    cx_move_forward(call, concat_describe);
}

static void concat_backward(const cx_call *call)
{
    cx_move_backward(call, concat_describe, CX_EXACTLY_ONCE);
    for (int i = 0; i < call->c->input_count; i++) {
        const cx_delivery delivery = cx_call_delivery(call, i);
        if (call->dx[i].data != NULL && delivery.mask != NULL)
            cx_mask_gradient(call->c, delivery.mask, &call->dx[i],
                             &call->dx[i]);
    }
}

static cxai_status concat_fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, concat_describe);
}

static const cx_sample concat_samples[] = {
    { .inputs = "2,3,2,2;2,1,2,2;2,4,2,2", .attributes = "axis=1" },
    { .inputs = "2,3;1,3", .attributes = "axis=-2" },
    { .inputs = "2,2,3", .attributes = "axis=2" },
};

/* ---- Split ---- */

typedef struct split_params {
    int axis;
    int64_t *start; /* of each output along axis, in c->arena */
} split_params;

/* Without a list: equal parts; with num_outputs (opset 18) the last may be
   smaller. */
static cxai_status equal_size(const cx_case *c, int64_t whole, int64_t *size)
{
    int64_t parts = c->output_count;
    int64_t declared = cx_attribute_int(c->attributes, "num_outputs", parts);
    if (declared != parts)
        return cx_refuse(c, CXAI_MALFORMED,
                         "num_outputs is %" PRId64 ", it has %d outputs",
                         declared, c->output_count);
    if (c->opset < 18 && whole % parts != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%" PRId64 " elements in %" PRId64 " equal parts",
                         whole, parts);
    *size = whole / parts + (whole % parts != 0);
    return CXAI_OK;
}

/* Size of output i: that of the list, or size as long as elements are left. */
static int64_t part_size(const cx_list *sizes, int i, int64_t size,
                         int64_t left)
{
    if (sizes->values != NULL)
        return sizes->values[i];
    return size < left ? size : left;
}

static cxai_status cut(const cx_case *c, const cx_list *sizes,
                       split_params *params)
{
    cxai_shape y = c->x_shape[0];
    int64_t left = y.dim[params->axis], size = 0;
    cxai_status status = CXAI_OK;
    if (sizes->values == NULL)
        status = equal_size(c, left, &size);
    for (int i = 0; status == CXAI_OK && i < c->output_count; i++) {
        int64_t part = part_size(sizes, i, size, left);
        if (part < 0 || part > left)
            return cx_refuse(c, CXAI_MALFORMED,
                             "part %d of %" PRId64 " elements does not fit "
                             "into the %" PRId64 " that are left",
                             i, part, left);
        params->start[i] = c->x_shape[0].dim[params->axis] - left;
        left -= part;
        y.dim[params->axis] = part;
        c->y_type[i] = cx_input_type(c, 0);
        status = cx_set_shape(c, i, &y);
    }
    if (status == CXAI_OK && left > 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%" PRId64 " elements are left over", left);
    return status;
}

static cxai_status split_infer(const cx_case *c)
{
    split_params *params = c->params;
    int64_t axis = cx_attribute_int(c->attributes, "axis", 0);
    cx_list sizes;
    cxai_status status =
        cx_read_axis(c, axis, c->x_shape[0].rank, &params->axis);
    if (status == CXAI_OK)
        status = cx_read_list(c, 1, "split", &sizes);
    if (status != CXAI_OK)
        return status;
    if (sizes.values != NULL && sizes.count != c->output_count)
        return cx_refuse(c, CXAI_MALFORMED, "%" PRId64 " sizes for %d outputs",
                         sizes.count, c->output_count);
    params->start = cx_arena_alloc(c->arena, (size_t)c->output_count,
                                   sizeof *params->start);
    if (params->start == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its parts");
    return cut(c, &sizes, params);
}

static void split_describe(const cx_mover *m)
{
    const split_params *params = m->c->params;
    cx_view x = cx_mover_x(m, 0);
    for (int i = 0; i < m->c->output_count; i++) {
        cx_view y = cx_mover_y(m, i);
        cx_view part = part_of(&x, &y, params->axis, params->start[i]);
        cx_move(m, &part, &y);
    }
}

static void split_forward(const cx_call *call)
{
    cx_move_forward(call, split_describe);
}

/* The gradient of an output that leads nowhere is not there: fill first. */
static void split_backward(const cx_call *call)
{
    cx_move_backward(call, split_describe, CX_AT_MOST_ONCE);
}

static cxai_status split_fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, split_describe);
}

static const cx_sample split_samples[] = {
    { .inputs = "2,6,2,2", .attributes = "axis=1", .opset = 13, .outputs = 3 },
    { .inputs = "2,7,2", .attributes = "axis=1 num_outputs=3", .outputs = 3 },
    { .inputs = "5,2;2=4,1", .outputs = 2 },
    { .inputs = "2,5",
      .attributes = "axis=-1 split=2,3",
      .opset = 11,
      .outputs = 2 },
};

static const cx_operator operators[] = {
    { .name = "Concat",
      .min_inputs = 1,
      .max_inputs = -1,
      .layout = CX_STRIDED,
      .params_size = sizeof(concat_params),
      .delivers = ~UINT64_C(0),
      .infer = concat_infer,
      .forward = concat_forward,
      .backward = concat_backward,
      .fold = concat_fold,
      CX_SAMPLES(concat_samples) },
    { .name = "Split",
      .min_inputs = 1,
      .max_inputs = 2,
      .max_outputs = -1,
      .layout = CX_STRIDED,
      .params_size = sizeof(split_params),
      .carries_integers = 1,
      .infer = split_infer,
      .forward = split_forward,
      .backward = split_backward,
      .fold = split_fold,
      CX_SAMPLES(split_samples) },
};

const cx_operator_family cx_operators_concat = CX_FAMILY(operators);
