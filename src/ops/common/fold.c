#include "ops/common/fold.h"

/* Element number i of y's shape, as an element number of x, which broadcasts
   to it. */
static int64_t broadcast_index(const cxai_shape *x, const cxai_shape *y,
                               int64_t i)
{
    int64_t index = 0, stride = 1;
    for (int axis = y->rank - 1; axis >= 0; axis--) {
        int own = axis - (y->rank - x->rank);
        int64_t at = i % y->dim[axis];
        i /= y->dim[axis];
        if (own < 0)
            break;
        if (x->dim[own] != 1)
            index += at * stride;
        stride *= x->dim[own];
    }
    return index;
}

int cx_trailing_axes(const cx_case *c)
{
    const cx_attribute *axis =
        cx_attribute_find(c->attributes, "axis", CX_ATTRIBUTE_INT);
    int rank = c->x_shape[0].rank;
    if (c->opset >= 7 || axis == NULL || c->input_count < 2 ||
        axis->i < -rank || axis->i >= rank)
        return 0;
    int trailing = rank - (int)(axis->i < 0 ? axis->i + rank : axis->i) -
                   c->x_shape[1].rank;
    return trailing > 0 ? trailing : 0;
}

cxai_shape cx_with_trailing(const cxai_shape *shape, int trailing)
{
    cxai_shape longer = *shape;
    for (int i = 0; i < trailing; i++)
        longer.dim[longer.rank++] = 1;
    return longer;
}

cxai_status cx_fold_integers(const cx_case *c, cx_integer_function *function,
                             cx_literal *y)
{
    int64_t count = cx_literal_count(y);
    int trailing = cx_trailing_axes(c);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = 0;
        for (int k = 0; k < c->input_count; k++) {
            const cx_literal *x = c->x_literal[k];
            cxai_shape shape = cx_with_trailing(&x->shape, k * trailing);
            int64_t other =
                cx_literal_int(x, broadcast_index(&shape, &y->shape, i));
            if (k == 0)
                value = other;
            else if (function(value, other, &value) != 0)
                return cx_refuse(c, CXAI_MALFORMED,
                                 "its integer arithmetic is not defined: "
                                 "%lld and %lld",
                                 (long long)value, (long long)other);
        }
        cx_literal_set_int(y, i, value);
    }
    return CXAI_OK;
}

static int order_of(const cx_literal *a, int64_t i, const cx_literal *b,
                    int64_t j)
{
    if (a->type != CX_REAL && b->type != CX_REAL) {
        int64_t p = cx_literal_int(a, i), q = cx_literal_int(b, j);
        return (p > q) - (p < q);
    }
    double p = cx_literal_number(a, i), q = cx_literal_number(b, j);
    return p != p || q != q ? 2 : (p > q) - (p < q);
}

cxai_status cx_fold_comparison(const cx_case *c, cx_comparison *comparison,
                               cx_literal *y)
{
    const cx_literal *a = c->x_literal[0], *b = c->x_literal[1];
    int64_t count = cx_literal_count(y);
    cxai_shape b_shape = cx_with_trailing(&b->shape, cx_trailing_axes(c));
    for (int64_t i = 0; i < count; i++) {
        int order = order_of(a, broadcast_index(&a->shape, &y->shape, i), b,
                             broadcast_index(&b_shape, &y->shape, i));
        cx_literal_set_int(y, i, comparison(order));
    }
    return CXAI_OK;
}

cxai_status cx_broadcast_inputs(const cx_case *c, int trailing, cxai_shape *out)
{
    cxai_shape shape = c->x_shape[0];
    for (int k = 1; k < c->input_count; k++) {
        char a[128], b[128];
        if (c->x_shape[k].rank < 0)
            return cx_refuse(c, CXAI_MALFORMED, "its input %d is left out", k);
        cxai_shape wider;
        cxai_shape other =
            cx_with_trailing(&c->x_shape[k], k == 1 ? trailing : 0);
        if (cx_shape_broadcast(&shape, &other, &wider) != 0)
            return cx_refuse(c, CXAI_MALFORMED,
                             "shapes %s and %s do not broadcast",
                             cxai_shape_text(&shape, a, sizeof a),
                             cxai_shape_text(&c->x_shape[k], b, sizeof b));
        shape = wider;
    }
    *out = shape;
    return CXAI_OK;
}
