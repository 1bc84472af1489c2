/*
 * Operators that rename axes and leave the elements in their row-major order:
 * Reshape, Flatten, Squeeze, Unsqueeze; and those that leave all as it is:
 * Identity and, at inference, Dropout.
 */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <inttypes.h>

/* x and y are row-major: y is written in x's shape. */
static void describe(const cx_mover *m)
{
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    cx_view y_as_x = cx_view_dense(y.data, y.item, &x.shape);
    cx_move(m, &x, &y_as_x);
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

static int is_view(const cx_case *c, const cx_view *x, cx_view *y)
{
    return cx_view_reshape(x, &c->y_shape[0], y) == 0;
}

/* ---- Reshape ---- */

/* The product of the dimensions of y apart from `inferred`, where it divides
   x's count. */
static cxai_status infer_dimension(const cx_case *c, cxai_shape *y,
                                   int inferred)
{
    y->dim[inferred] = 1;
    int64_t count = cxai_shape_count(&c->x_shape[0]);
    int64_t others = cxai_shape_count(y);
    if (others <= 0 || count % others != 0) {
        char text[128];
        return cx_refuse(c, CXAI_MALFORMED,
                         "-1 cannot be worked out: %" PRId64
                         " elements, other dimensions %s",
                         count, cxai_shape_text(y, text, sizeof text));
    }
    y->dim[inferred] = count / others;
    return CXAI_OK;
}

/* 0 copies the input's dimension, unless allowzero is set. */
static cxai_status reshape_dimension(const cx_case *c, int i, int64_t wanted,
                                     int64_t *dim)
{
    int allow_zero = cx_attribute_int(c->attributes, "allowzero", 0) != 0;
    *dim = wanted;
    if (wanted != 0 || allow_zero)
        return CXAI_OK;
    if (i >= c->x_shape[0].rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "dimension %d shall be the input's, which has %d", i,
                         c->x_shape[0].rank);
    *dim = c->x_shape[0].dim[i];
    return CXAI_OK;
}

/* The shape that is asked for, with `first` in the place of its first
   dimension. */
static cxai_status resolve(const cx_case *c, const cx_list *wanted,
                           int64_t first, cxai_shape *y)
{
    *y = (cxai_shape){ .rank = (int)wanted->count };
    int inferred = -1;
    for (int i = 0; i < y->rank; i++) {
        cxai_status status = reshape_dimension(
            c, i, i == 0 ? first : wanted->values[i], &y->dim[i]);
        if (status != CXAI_OK)
            return status;
        if (y->dim[i] >= 0)
            continue;
        if (y->dim[i] < -1 || inferred >= 0)
            return cx_refuse(c, CXAI_MALFORMED,
                             "its shape has a dimension of %" PRId64 "%s",
                             y->dim[i], inferred >= 0 ? " twice" : "");
        inferred = i;
    }
    if (inferred >= 0)
        return infer_dimension(c, y, inferred);
    if (cxai_shape_count(y) != cxai_shape_count(&c->x_shape[0])) {
        char from[128], to[128];
        return cx_refuse(c, CXAI_MALFORMED, "cannot reshape %s to %s",
                         cxai_shape_text(&c->x_shape[0], from, sizeof from),
                         cxai_shape_text(y, to, sizeof to));
    }
    return CXAI_OK;
}

static cxai_status reshape_infer(const cx_case *c)
{
    cx_list wanted;
    cxai_shape y;
    cxai_status status = cx_read_dimensions(c, 1, "shape", &wanted);
    if (status != CXAI_OK)
        return status;
    int64_t written = wanted.count > 0 ? wanted.values[0] : 0;
    int64_t first = cx_follow_batch(c, written);
    status = resolve(c, &wanted, first, &y);
    if (status != CXAI_OK && first != written)
        status = resolve(c, &wanted, written, &y);
    return status == CXAI_OK ? cx_set_shape(c, 0, &y) : status;
}

static const cx_sample reshape_samples[] = {
    { .inputs = "2,3,4;2=-1,4" },
    { .inputs = "2,3,4;3=0,2,-1" },
    { .inputs = "0,3,4=;3=3,4,0", .attributes = "allowzero=1" },
};

/* ---- Flatten ---- */

static cxai_status flatten_infer(const cx_case *c)
{
    const cxai_shape *x = &c->x_shape[0];
    int64_t axis = cx_attribute_int(c->attributes, "axis", 1);
    if (axis < -x->rank || axis > x->rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "axis %" PRId64 " is out of range for %d dimensions",
                         axis, x->rank);
    int split = (int)(axis < 0 ? axis + x->rank : axis);
    cxai_shape y = { .rank = 2,
                     .dim = { cx_shape_product(x, 0, split),
                              cx_shape_product(x, split, x->rank) } };
    return cx_set_shape(c, 0, &y);
}

static const cx_sample flatten_samples[] = {
    { .inputs = "2,3,2,2" },
    { .inputs = "2,3,2,2", .attributes = "axis=0" },
    { .inputs = "2,3,2,2", .attributes = "axis=-1" },
    { .inputs = "2,3", .attributes = "axis=2" },
};

/* ---- Squeeze and Unsqueeze ---- */

static cxai_status squeeze_infer(const cx_case *c)
{
    const cxai_shape *x = &c->x_shape[0];
    cx_list axes;
    int chosen[CXAI_MAX_RANK];
    cxai_status status = cx_read_list(c, 1, "axes", &axes);
    if (status == CXAI_OK)
        status = cx_read_axes(c, &axes, x->rank, chosen);
    if (status != CXAI_OK)
        return status;
    cxai_shape y = { .rank = 0 };
    for (int i = 0; i < x->rank; i++) {
        int drop = axes.values != NULL ? chosen[i] >= 0 : x->dim[i] == 1;
        if (!drop)
            y.dim[y.rank++] = x->dim[i];
        else if (x->dim[i] != 1)
            return cx_refuse(c, CXAI_MALFORMED,
                             "axis %d has %" PRId64 " elements, not 1", i,
                             x->dim[i]);
    }
    return cx_set_shape(c, 0, &y);
}

static const cx_sample squeeze_samples[] = {
    { .inputs = "1,3,1,2" },
    { .inputs = "1,3,1,2;1=-2" },
    { .inputs = "1,3,1,2", .attributes = "axes=0,2", .opset = 11 },
};

static cxai_status unsqueeze_infer(const cx_case *c)
{
    const cxai_shape *x = &c->x_shape[0];
    cx_list axes;
    int chosen[CXAI_MAX_RANK];
    cxai_status status = cx_read_list(c, 1, "axes", &axes);
    if (status != CXAI_OK)
        return status;
    if (axes.values == NULL)
        return cx_refuse(c, CXAI_MALFORMED, "it has no axes");
    if (axes.count > CXAI_MAX_RANK - x->rank)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%d and %" PRId64
                         " dimensions, at most %d are supported",
                         x->rank, axes.count, CXAI_MAX_RANK);
    cxai_shape y = { .rank = x->rank + (int)axes.count };
    status = cx_read_axes(c, &axes, y.rank, chosen);
    if (status != CXAI_OK)
        return status;
    for (int i = 0, from = 0; i < y.rank; i++)
        y.dim[i] = chosen[i] >= 0 ? 1 : x->dim[from++];
    return cx_set_shape(c, 0, &y);
}

static const cx_sample unsqueeze_samples[] = {
    { .inputs = "3,2;2=0,-1" },
    { .inputs = "3,2", .attributes = "axes=1,", .opset = 11 },
};

/* ---- Identity and Dropout ---- */

/* Any strides: x and y have the same shape. */
static void describe_same(const cx_mover *m)
{
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    cx_move(m, &x, &y);
}

static int is_same_view(const cx_case *c, const cx_view *x, cx_view *y)
{
    (void)c;
    *y = *x;
    return 1;
}

static void forward_same(const cx_call *call)
{
    cx_move_forward(call, describe_same);
}

static void backward_same(const cx_call *call)
{
    cx_move_backward(call, describe_same, CX_EXACTLY_ONCE);
}

static cxai_status fold_same(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe_same);
}

static cxai_status identity_infer(const cx_case *c)
{
    return cx_set_shape(c, 0, &c->x_shape[0]);
}

static const cx_sample identity_samples[] = { { .inputs = "2,3,2,2" } };

/* The ratio does not matter at inference. The mask of old exports says that
   every element passed; like all that is not constant, it is real here. */
static cxai_status dropout_infer(const cx_case *c)
{
    if (cx_has_input(c, 2)) {
        const cx_literal *training = c->x_literal[2];
        if (training == NULL || cx_literal_count(training) != 1 ||
            cx_literal_int(training, 0) != 0)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "it is in training mode; export the model for "
                             "inference");
    }
    if (cx_input_type(c, 0) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its data are integers");
    if (c->output_count > 1) {
        c->y_shape[1] = c->x_shape[0];
        c->y_type[1] = CX_REAL;
    }
    return cx_set_shape(c, 0, &c->x_shape[0]);
}

static void dropout_forward(const cx_call *call)
{
    cx_move_forward(call, describe_same);
    if (call->c->output_count > 1 && call->y[1].data != NULL) {
        cx_view mask = cx_view_of(&call->y[1]);
        cx_view_fill(&mask, 1);
    }
}

/* Nothing depends on the ratio. */
static void dropout_backward(const cx_call *call)
{
    cx_move_backward(call, describe_same, CX_AT_MOST_ONCE);
}

static const cx_sample dropout_samples[] = {
    { .inputs = "2,3,2,2" },
    { .inputs = "2,3", .attributes = "ratio=0.3f", .opset = 10, .outputs = 2 },
    { .inputs = "2,3;1=0;1=0" },
};

#define MOVES                                                                  \
    .is_view = is_view, .forward = forward, .backward = backward, .fold = fold

static const cx_operator operators[] = {
    { .name = "Reshape",
      .min_inputs = 1,
      .max_inputs = 2,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = reshape_infer,
      MOVES,
      CX_SAMPLES(reshape_samples) },
    { .name = "Flatten",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = flatten_infer,
      MOVES,
      CX_SAMPLES(flatten_samples) },
    { .name = "Squeeze",
      .min_inputs = 1,
      .max_inputs = 2,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = squeeze_infer,
      MOVES,
      CX_SAMPLES(squeeze_samples) },
    { .name = "Unsqueeze",
      .min_inputs = 1,
      .max_inputs = 2,
      .layout = CX_ROW_MAJOR,
      .carries_integers = 1,
      .infer = unsqueeze_infer,
      MOVES,
      CX_SAMPLES(unsqueeze_samples) },
    { .name = "Identity",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .carries_integers = 1,
      .infer = identity_infer,
      .is_view = is_same_view,
      .forward = forward_same,
      .backward = backward_same,
      .fold = fold_same,
      CX_SAMPLES(identity_samples) },
    { .name = "Dropout",
      .min_inputs = 1,
      .max_inputs = 3,
      .max_outputs = 2,
      .layout = CX_STRIDED,
      .infer = dropout_infer,
      .is_view = is_same_view,
      .forward = dropout_forward,
      .backward = dropout_backward,
      CX_SAMPLES(dropout_samples) },
};

const cx_operator_family cx_operators_reshape = CX_FAMILY(operators);
