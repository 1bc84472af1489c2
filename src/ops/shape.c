/* Shapes as numbers, and numbers made from shapes: Shape, Size,
   ConstantOfShape, Range. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <math.h>

/* ---- Shape and Size ---- */

/* start and end (opset 15): negative ones count from the end, what lies
   outside is cut off. */
static int bound(const cx_case *c, const char *name, int64_t otherwise)
{
    int64_t rank = c->x_shape[0].rank;
    int64_t value = cx_attribute_int(c->attributes, name, otherwise);
    value += value < 0 ? rank : 0;
    return (int)(value < 0 ? 0 : value > rank ? rank : value);
}

static cxai_status shape_infer(const cx_case *c)
{
    int start = bound(c, "start", 0);
    int end = bound(c, "end", c->x_shape[0].rank);
    cxai_shape y = { .rank = 1, .dim = { end > start ? end - start : 0 } };
    c->y_type[0] = CX_INT64;
    return cx_set_shape(c, 0, &y);
}

static cxai_status shape_fold(const cx_case *c, cx_literal *const *y)
{
    int64_t *out = y[0]->data;
    int start = bound(c, "start", 0);
    for (int i = 0; i < c->y_shape[0].dim[0]; i++)
        out[i] = c->x_shape[0].dim[start + i];
    return CXAI_OK;
}

static const cx_sample shape_samples[] = {
    { .inputs = "2,3,4" },
    { .inputs = "2,3,4", .attributes = "start=1 end=-1" },
};

static cxai_status size_infer(const cx_case *c)
{
    cxai_shape y = { .rank = 0 };
    c->y_type[0] = CX_INT64;
    return cx_set_shape(c, 0, &y);
}

static cxai_status size_fold(const cx_case *c, cx_literal *const *y)
{
    *(int64_t *)y[0]->data = cxai_shape_count(&c->x_shape[0]);
    return CXAI_OK;
}

static const cx_sample size_samples[] = { { .inputs = "2,3,4" } };

/* ---- ConstantOfShape ---- */

/* The one element of attribute value; NULL means a real 0. */
static const cx_literal *fill_value(const cx_case *c)
{
    const cx_attribute *value =
        cx_attribute_find(c->attributes, "value", CX_ATTRIBUTE_TENSOR);
    return value != NULL ? value->tensor : NULL;
}

static cxai_status constant_infer(const cx_case *c)
{
    cx_list wanted;
    cxai_status status = cx_read_dimensions(c, 0, "shape", &wanted);
    if (status != CXAI_OK)
        return status;
    const cx_literal *value = fill_value(c);
    if (value != NULL && cx_literal_count(value) != 1)
        return cx_refuse(c, CXAI_MALFORMED, "its value is not one element");
    c->y_type[0] = value != NULL ? value->type : CX_REAL;
    cxai_shape y = { .rank = (int)wanted.count };
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = wanted.values[i];
    return cx_set_shape(c, 0, &y);
}

static void constant_forward(const cx_call *call)
{
    const cx_literal *value = fill_value(call->c);
    cx_view y = cx_view_of(&call->y[0]);
    cx_view_fill(&y,
                 value != NULL ? (cxai_real)cx_literal_number(value, 0) : 0);
}

/* Integers: the value is there, of y's type. */
static cxai_status constant_fold(const cx_case *c, cx_literal *const *y)
{
    const cxai_shape scalar = { .rank = 0 };
    cx_view to = cx_literal_view(y[0]);
    cx_view value = cx_view_dense(fill_value(c)->data, to.item, &scalar);
    value = cx_view_broadcast(value, &to.shape);
    cx_view_copy(&to, &value);
    return CXAI_OK;
}

static const cx_sample constant_samples[] = { { .inputs = "2=3,2" } };

/* ---- Range ---- */

/* ceil((limit - start) / delta) for integers, without overflow; 0 when the
   limit lies the other way, -1 when there are too many. */
static int64_t integer_count(int64_t start, int64_t limit, int64_t delta)
{
    if (delta > 0 ? limit <= start : limit >= start)
        return 0;
    uint64_t distance = delta > 0 ? (uint64_t)limit - (uint64_t)start
                                  : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    uint64_t count = (distance - 1) / step + 1;
    return count <= INT64_MAX ? (int64_t)count : -1;
}

static int64_t real_count(double start, double limit, double delta)
{
    double count = ceil((limit - start) / delta);
    if (!(count < 0x1p62)) /* NaN as well */
        return -1;
    return count > 0 ? (int64_t)count : 0;
}

static cxai_status range_infer(const cx_case *c)
{
    for (int i = 0; i < 3; i++) {
        const cx_literal *x = c->x_literal[i];
        if (x == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "input %d is computed from the data; only "
                             "constants are supported",
                             i);
        if (cx_literal_count(x) != 1 || x->type != c->x_literal[0]->type)
            return cx_refuse(c, CXAI_MALFORMED,
                             "start, limit and delta are not three numbers "
                             "of one type");
    }
    const cx_literal *const *x = c->x_literal;
    int is_real = x[0]->type == CX_REAL;
    if (cx_literal_number(x[2], 0) == 0)
        return cx_refuse(c, CXAI_MALFORMED, "its delta is 0");
    cxai_shape y = { .rank = 1 };
    y.dim[0] =
        is_real
            ? real_count(cx_literal_number(x[0], 0), cx_literal_number(x[1], 0),
                         cx_literal_number(x[2], 0))
            : integer_count(cx_literal_int(x[0], 0), cx_literal_int(x[1], 0),
                            cx_literal_int(x[2], 0));
    c->y_type[0] = is_real ? CX_REAL : CX_INT64;
    return cx_set_shape(c, 0, &y);
}

static void range_forward(const cx_call *call)
{
    const cx_literal *const *x = call->c->x_literal;
    double start = cx_literal_number(x[0], 0),
           delta = cx_literal_number(x[2], 0);
    const cxai_tensor *y = &call->y[0];
    for (int64_t i = 0; i < y->shape.dim[0]; i++)
        y->data[i * y->stride[0]] = (cxai_real)(start + (double)i * delta);
}

/* No element goes beyond limit, so nothing overflows. */
static cxai_status range_fold(const cx_case *c, cx_literal *const *y)
{
    int64_t *out = y[0]->data;
    int64_t start = cx_literal_int(c->x_literal[0], 0);
    int64_t delta = cx_literal_int(c->x_literal[2], 0);
    for (int64_t i = 0; i < c->y_shape[0].dim[0]; i++)
        out[i] = start + i * delta;
    return CXAI_OK;
}

static const cx_sample range_samples[] = {
    { .inputs = "1=2;1=9;1=3" },
    { .inputs = "1=5;1=0;1=-2" },
};

static const cx_operator operators[] = {
    { .name = "Shape",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .shape_only = 1,
      .infer = shape_infer,
      .fold = shape_fold,
      .not_differentiable = "a shape does not depend on the elements",
      CX_SAMPLES(shape_samples) },
    { .name = "Size",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .shape_only = 1,
      .infer = size_infer,
      .fold = size_fold,
      .not_differentiable = "a size does not depend on the elements",
      CX_SAMPLES(size_samples) },
    { .name = "ConstantOfShape",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .infer = constant_infer,
      .forward = constant_forward,
      .fold = constant_fold,
      .not_differentiable = "its input is a constant shape",
      CX_SAMPLES(constant_samples) },
    { .name = "Range",
      .min_inputs = 3,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .infer = range_infer,
      .forward = range_forward,
      .fold = range_fold,
      .not_differentiable = "its inputs are constants",
      CX_SAMPLES(range_samples) },
};

const cx_operator_family cx_operators_shape = CX_FAMILY(operators);
