/*
 * Operators that pick elements by constant numbers: GatherElements, GatherND
 * and Compress. An element may be picked any number of times; its gradient is
 * the sum.
 */
#include "ops/common/constant.h"
#include "ops/common/move.h"
#include "ops/common/places.h"

static void forward(const cx_call *call)
{
    cx_places_read(call->c->params, call->y[0].data, call->x[0].data,
                   sizeof(cxai_real), call->c->threads);
}

static void backward(const cx_call *call)
{
    cx_view dx = cx_view_of(&call->dx[0]);
    cx_view_fill(&dx, 0);
    cx_places_add(call->c->params, call->dx[0].data, call->dy[0].data);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    cx_places_read(c->params, y[0]->data, c->x_literal[0]->data,
                   cx_type_size(y[0]->type), c->threads);
    return CXAI_OK;
}

/* ---- GatherElements ---- */

static cxai_status elements_infer(const cx_case *c)
{
    const cxai_shape *x = &c->x_shape[0], *shape = &c->x_shape[1];
    const cx_literal *indices;
    int axis = 0;
    int64_t named = cx_attribute_int(c->attributes, "axis", 0);
    cxai_status status = cx_read_axis(c, named, x->rank, &axis);
    if (status == CXAI_OK)
        status = cx_read_indices(c, 1, &indices);
    for (int i = 0; status == CXAI_OK && i < x->rank; i++)
        if (shape->rank != x->rank || (i != axis && shape->dim[i] > x->dim[i]))
            return cx_refuse(c, CXAI_MALFORMED,
                             "its indices do not lie within its input");
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, shape);
    if (status == CXAI_OK)
        status = cx_places_along(c, x, axis, indices, c->params);
    return status;
}

static const cx_sample elements_samples[] = {
    { .inputs = "3,4;2,4=0,2,-1,0,1,1,2,0" },
    { .inputs = "2,3,2;2,1,3=1,0,-1,-2,0,0", .attributes = "axis=2" },
    { .inputs = "3=5,6,7;2=2,0" },
};

/* ---- GatherND ---- */

/* y: the axes of indices but the last, then those of x that no coordinate
   names. */
static cxai_status points_shape(const cx_case *c, int batch, cxai_shape *y)
{
    const cxai_shape *x = &c->x_shape[0], *indices = &c->x_shape[1];
    int64_t named = indices->rank > 0 ? indices->dim[indices->rank - 1] : 0;
    int fits = batch >= 0 && batch < indices->rank && batch < x->rank &&
               named > 0 && named <= x->rank - batch;
    for (int i = 0; fits && i < batch; i++)
        fits = x->dim[i] == indices->dim[i];
    if (!fits) {
        char a[128], b[128];
        return cx_refuse(c, CXAI_MALFORMED,
                         "indices of %s do not fit to an input of %s with "
                         "batch_dims %d",
                         cxai_shape_text(indices, a, sizeof a),
                         cxai_shape_text(x, b, sizeof b), batch);
    }
    int kept = x->rank - batch - (int)named;
    if (indices->rank - 1 + kept > CXAI_MAX_RANK)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%d dimensions, at most %d are supported",
                         indices->rank - 1 + kept, CXAI_MAX_RANK);
    *y = *indices;
    y->rank--;
    for (int i = x->rank - kept; i < x->rank; i++)
        y->dim[y->rank++] = x->dim[i];
    return CXAI_OK;
}

static cxai_status points_infer(const cx_case *c)
{
    const cx_literal *indices;
    cxai_shape y;
    int64_t named = cx_attribute_int(c->attributes, "batch_dims", 0);
    int batch = (int)(named < 0 || named > CXAI_MAX_RANK ? -1 : named);
    cxai_status status = cx_read_indices(c, 1, &indices);
    if (status == CXAI_OK)
        status = points_shape(c, batch, &y);
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, &y);
    if (status == CXAI_OK)
        status =
            cx_places_of_points(c, &c->x_shape[0], batch, indices, c->params);
    return status;
}

static const cx_sample points_samples[] = {
    { .inputs = "3,4;2,2=0,1,-1,3" },
    { .inputs = "2,3,4;3,1=1,0,1" },
    { .inputs = "2,3,4;2,1,1=2,0", .attributes = "batch_dims=1" },
    { .inputs = "2,2=4,5,6,7;2,2=0,1,1,1" },
};

/* ---- Compress ---- */

/* x seen as outer x size x inner: the entries of size whose condition is true
   are kept. */
typedef struct slab {
    int64_t outer, size, inner;
    int axis; /* of y, whose size is the number of kept entries */
} slab;

static cxai_status read_slab(const cx_case *c, slab *s, cxai_shape *y)
{
    const cxai_shape *x = &c->x_shape[0];
    const cx_attribute *axis =
        cx_attribute_find(c->attributes, "axis", CX_ATTRIBUTE_INT);
    *s = (slab){ 1, cxai_shape_count(x), 1, 0 };
    *y = (cxai_shape){ .rank = 1 };
    if (axis == NULL)
        return CXAI_OK;
    cxai_status status = cx_read_axis(c, axis->i, x->rank, &s->axis);
    if (status != CXAI_OK)
        return status;
    s->outer = cx_shape_product(x, 0, s->axis);
    s->size = x->dim[s->axis];
    s->inner = cx_shape_product(x, s->axis + 1, x->rank);
    *y = *x;
    return CXAI_OK;
}

static cxai_status check_condition(const cx_case *c,
                                   const cx_literal *condition, const slab *s,
                                   int64_t *kept)
{
    if (condition->shape.rank != 1 || condition->shape.dim[0] > s->size)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its condition does not fit to %lld elements",
                         (long long)s->size);
    *kept = 0;
    for (int64_t i = 0; i < condition->shape.dim[0]; i++)
        *kept += cx_literal_int(condition, i) != 0;
    return CXAI_OK;
}

static cxai_status compress_infer(const cx_case *c)
{
    const cx_literal *condition;
    cx_places *places = c->params;
    slab s;
    cxai_shape y;
    int64_t kept = 0;
    cxai_status status = cx_read_indices(c, 1, &condition);
    if (status == CXAI_OK)
        status = read_slab(c, &s, &y);
    if (status == CXAI_OK)
        status = check_condition(c, condition, &s, &kept);
    if (status != CXAI_OK)
        return status;
    y.dim[s.axis] = kept;
    status = cx_set_shape(c, 0, &y);
    if (status == CXAI_OK)
        status = cx_places_create(c, s.outer * kept, s.inner, places);
    for (int64_t o = 0, n = 0; status == CXAI_OK && o < s.outer; o++)
        for (int64_t i = 0; i < condition->shape.dim[0]; i++)
            if (cx_literal_int(condition, i) != 0)
                places->at[n++] = (o * s.size + i) * s.inner;
    return status;
}

static const cx_sample compress_samples[] = {
    { .inputs = "3,2;3=0,1,1", .attributes = "axis=0" },
    { .inputs = "3,2;5=0,1,1,0,1" },
    { .inputs = "2,3,2;2=0,1", .attributes = "axis=-2" },
    { .inputs = "4=1,2,3,4;4=0,1,0,1" },
};

#define PICK(type, operator)                                                   \
    {                                                                          \
        .name = type, .min_inputs = 2, .max_inputs = 2,                        \
        .layout = CX_ROW_MAJOR, .params_size = sizeof(cx_places),              \
        .infer = operator##_infer, .forward = forward, .backward = backward,   \
        .fold = fold, CX_SAMPLES(operator##_samples)                           \
    }

static const cx_operator operators[] = {
    PICK("GatherElements", elements),
    PICK("GatherND", points),
    PICK("Compress", compress),
};

const cx_operator_family cx_operators_pick = CX_FAMILY(operators);
