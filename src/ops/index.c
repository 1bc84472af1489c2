/* From constants to indices and back: NonZero lists where an input is not 0,
   OneHot sets one element for each index. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <string.h>

static cxai_status check_constants(const cx_case *c)
{
    for (int i = 0; i < c->input_count; i++)
        if (c->x_literal[i] == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "input %d is computed from the data; only "
                             "constants are supported",
                             i);
    return CXAI_OK;
}

/* ---- NonZero ---- */

static cxai_status nonzero_infer(const cx_case *c)
{
    cxai_status status = check_constants(c);
    if (status != CXAI_OK)
        return status;
    const cx_literal *x = c->x_literal[0];
    cxai_shape y = { 2, { x->shape.rank, 0 } };
    for (int64_t i = 0; i < cx_literal_count(x); i++)
        y.dim[1] += cx_literal_number(x, i) != 0;
    c->y_type[0] = CX_INT64;
    return cx_set_shape(c, 0, &y);
}

/* y: rank, found */
static cxai_status nonzero_fold(const cx_case *c, cx_literal *const *y)
{
    const cx_literal *x = c->x_literal[0];
    int64_t found = c->y_shape[0].dim[1], at = 0;
    int64_t *to = y[0]->data;
    for (int64_t i = 0; i < cx_literal_count(x); i++) {
        int64_t rest = i;
        if (cx_literal_number(x, i) == 0)
            continue;
        for (int d = x->shape.rank - 1; d >= 0; d--) {
            to[d * found + at] = rest % x->shape.dim[d];
            rest /= x->shape.dim[d];
        }
        at++;
    }
    return CXAI_OK;
}

static const cx_sample nonzero_samples[] = {
    { .inputs = "2,3=0,1,0,2,0,3" },
    { .inputs = "4~0,0.5,-1,0" },
};

/* ---- OneHot ---- */

enum { INDICES, DEPTH, VALUES }; /* inputs */

typedef struct params {
    int axis; /* of y, that the input does not have */
    int64_t depth;
} params;

static cxai_status one_hot_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[INDICES];
    cxai_status status = check_constants(c);
    if (status != CXAI_OK)
        return status;
    if (cx_literal_count(c->x_literal[DEPTH]) != 1 ||
        cx_literal_count(c->x_literal[VALUES]) != 2 ||
        c->x_shape[VALUES].rank != 1)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its depth is not one number, or its values are not "
                         "two");
    p->depth = cx_literal_int(c->x_literal[DEPTH], 0);
    if (x->rank == CXAI_MAX_RANK || p->depth < 1)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%lld values for indices of %d dimensions",
                         (long long)p->depth, x->rank);
    status = cx_read_axis(c, cx_attribute_int(c->attributes, "axis", -1),
                          x->rank + 1, &p->axis);
    if (status != CXAI_OK)
        return status;
    cxai_shape y = { .rank = 0 };
    for (int i = 0; i <= x->rank; i++)
        y.dim[y.rank++] =
            i == p->axis ? p->depth : x->dim[i < p->axis ? i : i - 1];
    c->y_type[0] = c->x_literal[VALUES]->type;
    return cx_set_shape(c, 0, &y);
}

/* Indices -depth .. depth-1 count; others set nothing. */
static void set_values(const cx_case *c, const cx_view *y)
{
    const params *p = c->params;
    const cx_literal *indices = c->x_literal[INDICES];
    cx_view values = cx_literal_view(c->x_literal[VALUES]);
    cx_view off = cx_view_select(values, 0, 0);
    cx_view on = cx_view_select(values, 0, 1);
    cx_view off_everywhere = cx_view_broadcast(off, &y->shape);
    cx_view_copy(y, &off_everywhere);
    int64_t inner = cx_shape_product(&y->shape, p->axis + 1, y->shape.rank);
    for (int64_t i = 0; i < cx_literal_count(indices); i++) {
        int64_t index = cx_literal_int(indices, i);
        if (index < -p->depth || index >= p->depth)
            continue;
        index += index < 0 ? p->depth : 0;
        int64_t at = (i / inner * p->depth + index) * inner + i % inner;
        memcpy((char *)y->data + (size_t)at * y->item, on.data, y->item);
    }
}

static void one_hot_forward(const cx_call *call)
{
    cx_view y = cx_view_of(&call->y[0]);
    set_values(call->c, &y);
}

static cxai_status one_hot_fold(const cx_case *c, cx_literal *const *y)
{
    cx_view view = cx_literal_view(y[0]);
    set_values(c, &view);
    return CXAI_OK;
}

static const cx_sample one_hot_samples[] = {
    { .inputs = "3=0,2,-1;=4;2~-1,1" },
    { .inputs = "2,2=0,2,1,9;=3;2=0,5", .attributes = "axis=1" },
};

static const cx_operator operators[] = {
    { .name = "NonZero",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_ROW_MAJOR,
      .infer = nonzero_infer,
      .fold = nonzero_fold,
      .not_differentiable = "its input is a constant",
      CX_SAMPLES(nonzero_samples) },
    { .name = "OneHot",
      .min_inputs = 3,
      .max_inputs = 3,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = one_hot_infer,
      .forward = one_hot_forward,
      .fold = one_hot_fold,
      .not_differentiable = "its inputs are constants",
      CX_SAMPLES(one_hot_samples) },
};

const cx_operator_family cx_operators_index = CX_FAMILY(operators);
