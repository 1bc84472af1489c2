/*
 * Pad: constant, edge, reflect and wrap; negative pads cut off.
 *
 * Along each axis y consists of at most three segments: the pad before, the
 * input, the pad behind. Each is a run of x with a step: 1 (the input, wrap),
 * -1 (reflect) or 0 (edge). A move is one choice of segment for every axis.
 */
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <inttypes.h>

enum { SEGMENTS = 3 };

/* y[to .. to + count - 1] = x[from], x[from + step], ... */
typedef struct segment {
    int64_t to, count, from, step;
} segment;

typedef struct axis_segments {
    int count;
    segment list[SEGMENTS];
} axis_segments;

typedef enum pad_mode {
    PAD_CONSTANT,
    PAD_EDGE,
    PAD_REFLECT,
    PAD_WRAP
} pad_mode;

typedef struct pad_params {
    pad_mode mode;
    cxai_real value;            /* that a constant pad is filled with */
    const cx_literal *constant; /* the same as given; NULL: attribute or 0 */
    axis_segments axis[CXAI_MAX_RANK];
} pad_params;

static cxai_status read_mode(const cx_case *c, pad_mode *mode)
{
    static const char *const names[] = { "constant", "edge", "reflect",
                                         "wrap" };
    int choice;
    cxai_status status =
        cx_read_choice(c, "mode", "constant", names, CX_COUNT(names), &choice);
    *mode = (pad_mode)choice;
    return status;
}

static cxai_status read_value(const cx_case *c, pad_params *params)
{
    params->value = (cxai_real)cx_attribute_float(c->attributes, "value", 0);
    if (!cx_has_input(c, 2))
        return CXAI_OK;
    params->constant = c->x_literal[2];
    if (params->constant == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its constant_value is computed from the data");
    if (cx_literal_count(params->constant) != 1 ||
        params->constant->type != cx_input_type(c, 0))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its constant_value is not one number of the "
                         "data's type");
    params->value = (cxai_real)cx_literal_number(params->constant, 0);
    return CXAI_OK;
}

static void add_segment(axis_segments *axis, segment s)
{
    if (s.count > 0)
        axis->list[axis->count++] = s;
}

/* What fits in front of size elements without starting a second period. */
static int64_t longest_pad(pad_mode mode, int64_t size)
{
    switch (mode) {
    case PAD_CONSTANT: return INT32_MAX;
    case PAD_EDGE: return size > 0 ? INT32_MAX : 0;
    case PAD_REFLECT: return size > 0 ? size - 1 : 0;
    case PAD_WRAP: return size;
    }
    return 0;
}

static void fill_axis(axis_segments *axis, pad_mode mode, int64_t size,
                      int64_t before, int64_t behind)
{
    int64_t cut_before = before < 0 ? -before : 0;
    int64_t cut_behind = behind < 0 ? -behind : 0;
    int64_t start = before < 0 ? 0 : before;
    int64_t kept = size - cut_before - cut_behind;
    segment front = { .to = 0, .count = before }, back = { .count = behind };
    back.to = start + kept;
    if (mode == PAD_EDGE)
        back.from = size - 1;
    if (mode == PAD_REFLECT) {
        front.from = before;
        back.from = size - 2;
        front.step = back.step = -1;
    }
    if (mode == PAD_WRAP) {
        front.from = size - before;
        front.step = back.step = 1;
    }
    if (mode != PAD_CONSTANT)
        add_segment(axis, front);
    add_segment(axis, (segment){ start, kept, cut_before, 1 });
    if (mode != PAD_CONSTANT)
        add_segment(axis, back);
}

static cxai_status pad_axis(const cx_case *c, int axis, int64_t before,
                            int64_t behind, int64_t *dim)
{
    pad_params *params = c->params;
    int64_t size = *dim, longest = longest_pad(params->mode, size);
    if (before > longest || behind > longest || before < -size ||
        behind < -size || before + behind < -size)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "axis %d of %" PRId64 " elements cannot be padded by "
                         "%" PRId64 " and %" PRId64 " in this mode",
                         axis, size, before, behind);
    fill_axis(&params->axis[axis], params->mode, size, before, behind);
    *dim = size + before + behind;
    return CXAI_OK;
}

/* pads: all axes' befores, then all axes' behinds */
static cxai_status pad_infer(const cx_case *c)
{
    pad_params *params = c->params;
    cxai_shape y = c->x_shape[0];
    cx_list pads, axes;
    int place[CXAI_MAX_RANK];
    cxai_status status = read_mode(c, &params->mode);
    if (status == CXAI_OK)
        status = read_value(c, params);
    if (status == CXAI_OK)
        status = cx_read_list(c, 1, "pads", &pads);
    if (status == CXAI_OK)
        status = cx_read_list(c, 3, "axes", &axes);
    if (status == CXAI_OK)
        status = cx_read_axes(c, &axes, y.rank, place);
    if (status != CXAI_OK)
        return status;
    int64_t count = axes.values != NULL ? axes.count : y.rank;
    if (pads.values == NULL || pads.count != 2 * count)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%" PRId64 " pads for %" PRId64 " axes", pads.count,
                         count);
    for (int axis = 0; status == CXAI_OK && axis < y.rank; axis++) {
        int i = axes.values != NULL ? place[axis] : axis;
        int64_t before = i < 0 ? 0 : pads.values[i];
        int64_t behind = i < 0 ? 0 : pads.values[i + count];
        status = pad_axis(c, axis, before, behind, &y.dim[axis]);
    }
    return status == CXAI_OK ? cx_set_shape(c, 0, &y) : status;
}

/* Goes through all choices of segments, axis by axis. */
static void choose(const cx_mover *m, int axis, cx_view x, cx_view y)
{
    const pad_params *params = m->c->params;
    if (axis == x.shape.rank) {
        cx_move(m, &x, &y);
        return;
    }
    for (int i = 0; i < params->axis[axis].count; i++) {
        const segment *s = &params->axis[axis].list[i];
        choose(m, axis + 1, cx_view_slice(x, axis, s->from, s->step, s->count),
               cx_view_slice(y, axis, s->to, 1, s->count));
    }
}

static void describe(const cx_mover *m)
{
    choose(m, 0, cx_mover_x(m, 0), cx_mover_y(m, 0));
}

static void forward(const cx_call *call)
{
    const pad_params *params = call->c->params;
    if (params->mode == PAD_CONSTANT) {
        cx_view y = cx_view_of(&call->y[0]);
        cx_view_fill(&y, params->value);
    }
    cx_move_forward(call, describe);
}

static void backward(const cx_call *call)
{
    const pad_params *params = call->c->params;
    cx_move_backward(call, describe,
                     params->mode == PAD_CONSTANT ? CX_AT_MOST_ONCE
                                                  : CX_ANY_NUMBER);
}

/* y is zero already. */
static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const pad_params *params = c->params;
    if (params->mode == PAD_CONSTANT && params->constant != NULL) {
        cx_view to = cx_literal_view(y[0]);
        cx_view value = cx_literal_view(params->constant);
        if (value.shape.rank > 0)
            value = cx_view_select(value, 0, 0);
        value = cx_view_broadcast(value, &to.shape);
        cx_view_copy(&to, &value);
    }
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "1,2,3,3;8=0,0,1,2,0,0,2,0" },
    { .inputs = "1,2,3,3;8=0,0,1,2,0,0,2,0", .attributes = "mode=reflect" },
    { .inputs = "1,2,3,3;8=0,0,1,2,0,0,2,0", .attributes = "mode=edge" },
    { .inputs = "1,2,3,3;8=0,0,1,2,0,0,2,0", .attributes = "mode=wrap" },
    { .inputs = "4,5;2=-1,1;-;1=1" },
    { .inputs = "2,3", .attributes = "pads=0,1,2,0 value=0.5f", .opset = 10 },
};

static const cx_operator operators[] = {
    { .name = "Pad",
      .min_inputs = 1,
      .max_inputs = 4,
      .layout = CX_STRIDED,
      .params_size = sizeof(pad_params),
      .infer = pad_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_pad = CX_FAMILY(operators);
