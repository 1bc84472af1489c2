#include "ops/common/constant.h"

#include <inttypes.h>

int cx_has_input(const cx_case *c, int i)
{
    return i < c->input_count && c->x_shape[i].rank >= 0;
}

cx_type cx_input_type(const cx_case *c, int i)
{
    return c->x_type[i];
}

cxai_status cx_constant_reals(const cx_case *c, int input, cxai_tensor *reals)
{
    const cx_literal *literal = c->x_literal[input];
    *reals = (cxai_tensor){ .data = NULL };
    if (literal == NULL || literal->type == CX_REAL)
        return CXAI_OK;
    cxai_real *data = cx_arena_alloc(
        c->arena, (size_t)cx_literal_count(literal) + 1, sizeof *data);
    if (data == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    cx_literal_reals(literal, data);
    *reals = cxai_tensor_dense(data, &literal->shape);
    return CXAI_OK;
}

cxai_status cx_read_list(const cx_case *c, int input, const char *name,
                         cx_list *list)
{
    *list = (cx_list){ 0, NULL };
    if (input < 0 || !cx_has_input(c, input)) {
        const cx_attribute *attribute =
            cx_attribute_find(c->attributes, name, CX_ATTRIBUTE_INTS);
        if (attribute != NULL)
            *list = (cx_list){ attribute->count, attribute->ints };
        return CXAI_OK;
    }
    const cx_literal *literal = c->x_literal[input];
    if (literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "input %d (%s) is computed from the data; only "
                         "constants are supported there",
                         input, name);
    if (literal->type != CX_INT64 || literal->shape.rank > 1)
        return cx_refuse(c, CXAI_MALFORMED,
                         "input %d (%s) is not a list of integers", input,
                         name);
    *list = (cx_list){ cx_literal_count(literal), literal->data };
    return CXAI_OK;
}

cxai_status cx_read_dimensions(const cx_case *c, int input, const char *what,
                               cx_list *list)
{
    cxai_status status = cx_read_list(c, input, what, list);
    if (status == CXAI_OK && list->count > CXAI_MAX_RANK)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%" PRId64 " dimensions, at most %d are supported",
                         list->count, CXAI_MAX_RANK);
    return status;
}

cxai_status cx_read_axis(const cx_case *c, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return cx_refuse(c, CXAI_MALFORMED,
                         "axis %" PRId64 " is out of range for %d dimensions",
                         axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return CXAI_OK;
}

cxai_status cx_read_axes(const cx_case *c, const cx_list *axes, int rank,
                         int chosen[CXAI_MAX_RANK])
{
    for (int i = 0; i < CXAI_MAX_RANK; i++)
        chosen[i] = -1;
    if (axes->count > rank)
        return cx_refuse(c, CXAI_MALFORMED, "%" PRId64 " axes of %d dimensions",
                         axes->count, rank);
    for (int i = 0; i < axes->count; i++) {
        int axis = 0;
        cxai_status status = cx_read_axis(c, axes->values[i], rank, &axis);
        if (status != CXAI_OK)
            return status;
        if (chosen[axis] >= 0)
            return cx_refuse(c, CXAI_MALFORMED, "axis %d is named twice", axis);
        chosen[axis] = i;
    }
    return CXAI_OK;
}

int64_t cx_follow_batch(const cx_case *c, int64_t written)
{
    const cxai_shape *x = &c->x_shape[0];
    int follows = c->written_batch > 0 && written == c->written_batch &&
                  c->x_literal[0] == NULL && x->rank > 0 &&
                  x->dim[0] == c->batch;
    return follows ? c->batch : written;
}

cxai_status cx_set_shape(const cx_case *c, int output, const cxai_shape *shape)
{
    if (cxai_shape_count(shape) < 0) {
        char text[128];
        return cx_refuse(c, CXAI_MALFORMED,
                         "output %d would have the impossible shape %s", output,
                         cxai_shape_text(shape, text, sizeof text));
    }
    c->y_shape[output] = *shape;
    return CXAI_OK;
}
