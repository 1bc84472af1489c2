#include "tensor/literal.h"

#include <math.h>

size_t cx_type_size(cx_type type)
{
    switch (type) {
    case CX_REAL: return sizeof(cxai_real);
    case CX_INT64: return sizeof(int64_t);
    case CX_INT8:
    case CX_UINT8: return 1;
    case CX_INT16:
    case CX_UINT16: return 2;
    }
    return 0;
}

cx_literal *cx_literal_create(cx_arena *arena, cx_type type,
                              const cxai_shape *shape)
{
    int64_t count = cxai_shape_count(shape);
    if (count < 0)
        return NULL;
    cx_literal *literal = cx_arena_alloc(arena, 1, sizeof *literal);
    if (literal == NULL)
        return NULL;
    literal->type = type;
    literal->shape = *shape;
    literal->data = cx_arena_alloc(arena, count > 0 ? (size_t)count : 1,
                                   cx_type_size(type));
    return literal->data != NULL ? literal : NULL;
}

int64_t cx_literal_count(const cx_literal *literal)
{
    return cxai_shape_count(&literal->shape);
}

static int64_t saturate(double value)
{
    const double limit = 9223372036854775808.0; /* 2^63 */
    if (isnan(value))
        return 0;
    if (value >= limit)
        return INT64_MAX;
    if (value < -limit)
        return INT64_MIN;
    return (int64_t)value;
}

int64_t cx_literal_int(const cx_literal *literal, int64_t i)
{
    switch (literal->type) {
    case CX_REAL: return saturate((double)((cxai_real *)literal->data)[i]);
    case CX_INT64: return ((int64_t *)literal->data)[i];
    case CX_INT8: return ((int8_t *)literal->data)[i];
    case CX_UINT8: return ((uint8_t *)literal->data)[i];
    case CX_INT16: return ((int16_t *)literal->data)[i];
    case CX_UINT16: return ((uint16_t *)literal->data)[i];
    }
    return 0;
}

double cx_literal_number(const cx_literal *literal, int64_t i)
{
    if (literal->type == CX_REAL)
        return (double)((cxai_real *)literal->data)[i];
    return (double)cx_literal_int(literal, i);
}

/* Two's complement: the low bits are the same, signed or not. */
void cx_literal_set_int(const cx_literal *literal, int64_t i, int64_t value)
{
    switch (literal->type) {
    case CX_REAL: break;
    case CX_INT64: ((int64_t *)literal->data)[i] = value; break;
    case CX_INT8:
    case CX_UINT8: ((uint8_t *)literal->data)[i] = (uint8_t)value; break;
    case CX_INT16:
    case CX_UINT16: ((uint16_t *)literal->data)[i] = (uint16_t)value; break;
    }
}

void cx_literal_reals(const cx_literal *literal, cxai_real *reals)
{
    int64_t count = cx_literal_count(literal);
#define CONVERT(type)                                                          \
    for (int64_t i = 0; i < count; i++)                                        \
    reals[i] = (cxai_real)((const type *)literal->data)[i]
    switch (literal->type) {
    case CX_REAL: CONVERT(cxai_real); break;
    case CX_INT64: CONVERT(int64_t); break;
    case CX_INT8: CONVERT(int8_t); break;
    case CX_UINT8: CONVERT(uint8_t); break;
    case CX_INT16: CONVERT(int16_t); break;
    case CX_UINT16: CONVERT(uint16_t); break;
    }
#undef CONVERT
}

cxai_tensor cx_literal_tensor(const cx_literal *literal)
{
    return cxai_tensor_dense(literal->data, &literal->shape);
}

cx_view cx_literal_view(const cx_literal *literal)
{
    return cx_view_dense(literal->data, cx_type_size(literal->type),
                         &literal->shape);
}
