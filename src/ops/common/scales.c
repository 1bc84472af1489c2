#include "ops/common/scales.h"

#include "ops/common/constant.h"

/* How scales lie along one axis of x: each serves `block` entries. */
typedef struct blocks {
    int axis;
    int64_t block;
} blocks;

static cxai_status refuse_scales(const cx_case *c)
{
    char scale[128], x[128];
    return cx_refuse(
        c, CXAI_MALFORMED, "scales of %s do not fit to %s",
        cxai_shape_text(&c->x_shape[CX_SCALE], scale, sizeof scale),
        cxai_shape_text(&c->x_shape[CX_QUANTIZED], x, sizeof x));
}

static int fits_blocks(const cxai_shape *x, const cxai_shape *scale,
                       const blocks *b)
{
    int fits = scale->rank == x->rank;
    for (int i = 0; fits && i < x->rank; i++)
        fits = scale->dim[i] == (i == b->axis ? x->dim[i] / b->block +
                                                    (x->dim[i] % b->block != 0)
                                              : x->dim[i]);
    return fits;
}

/* One scale, one for each channel, or one for each block of an axis. block is
   0 in the first two cases. */
static cxai_status read_scales(const cx_case *c, cx_scales *p, blocks *b)
{
    const cxai_shape *x = &c->x_shape[CX_QUANTIZED],
                     *scale = &c->x_shape[CX_SCALE];
    *b = (blocks){ 0, cx_attribute_int(c->attributes, "block_size", 0) };
    p->shape = (cxai_shape){ .rank = 0 };
    if (cx_input_type(c, CX_SCALE) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its scale is an integer");
    if (b->block == 0 && cxai_shape_count(scale) == 1)
        return CXAI_OK;
    cxai_status status = cx_read_axis(
        c, cx_attribute_int(c->attributes, "axis", 1), x->rank, &b->axis);
    if (status != CXAI_OK)
        return status;
    if (b->block != 0) {
        p->shape = *x;
        return b->block > 0 && fits_blocks(x, scale, b) ? CXAI_OK
                                                        : refuse_scales(c);
    }
    if (scale->rank != 1 || scale->dim[0] != x->dim[b->axis])
        return refuse_scales(c);
    p->shape.rank = x->rank - b->axis;
    for (int i = 1; i < p->shape.rank; i++)
        p->shape.dim[i] = 1;
    p->shape.dim[0] = scale->dim[0];
    return CXAI_OK;
}

/* Numbers as p->shape asks for them: repeated for the entries of a block. */
static cxai_status expand(const cx_case *c, const cx_scales *p, const blocks *b,
                          const cx_literal *literal, const cxai_real **out)
{
    int64_t count = cxai_shape_count(&p->shape);
    cxai_real *numbers =
        cx_arena_alloc(c->arena, (size_t)count, sizeof *numbers);
    *out = numbers;
    if (numbers == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its scales");
    if (b->block == 0) {
        cx_literal_reals(literal, numbers);
        return CXAI_OK;
    }
    int64_t inner = cx_shape_product(&p->shape, b->axis + 1, p->shape.rank);
    int64_t size = p->shape.dim[b->axis];
    int64_t parts = literal->shape.dim[b->axis];
    for (int64_t i = 0; i < count; i++) {
        int64_t entry = i / inner % size, outer = i / inner / size;
        numbers[i] = (cxai_real)cx_literal_number(
            literal, (outer * parts + entry / b->block) * inner + i % inner);
    }
    return CXAI_OK;
}

static cxai_status expand_scales(const cx_case *c, cx_scales *p,
                                 const blocks *b)
{
    if (b->block == 0)
        return CXAI_OK;
    if (c->x_literal[CX_SCALE] == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "the scales of its blocks are computed from the "
                         "data; only constants are supported");
    return expand(c, p, b, c->x_literal[CX_SCALE], &p->scale);
}

static cxai_status read_zeros(const cx_case *c, cx_scales *p, const blocks *b)
{
    if (!cx_has_input(c, CX_ZERO)) {
        const cx_literal *none =
            cx_literal_create(c->arena, CX_REAL, &p->shape);
        if (none == NULL)
            return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its zeros");
        p->zero = none->data;
        return CXAI_OK;
    }
    if (cxai_shape_count(&c->x_shape[CX_ZERO]) !=
            cxai_shape_count(&c->x_shape[CX_SCALE]) ||
        (b->block != 0 && c->x_literal[CX_ZERO] == NULL))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its zero point does not have the scale's shape");
    if (c->x_literal[CX_ZERO] != NULL)
        return expand(c, p, b, c->x_literal[CX_ZERO], &p->zero);
    return CXAI_OK;
}

cxai_status cx_scales_read(const cx_case *c, cx_scales *p)
{
    blocks b;
    cxai_status status = read_scales(c, p, &b);
    if (status == CXAI_OK)
        status = expand_scales(c, p, &b);
    if (status == CXAI_OK)
        status = read_zeros(c, p, &b);
    return status;
}

cxai_tensor cx_scales_scale(const cx_call *call, const cx_scales *p)
{
    cxai_real *data = p->scale != NULL ? (cxai_real *)(uintptr_t)p->scale
                                       : call->x[CX_SCALE].data;
    return cxai_tensor_dense(data, &p->shape);
}

cxai_tensor cx_scales_zero(const cx_call *call, const cx_scales *p)
{
    cxai_real *data = p->zero != NULL ? (cxai_real *)(uintptr_t)p->zero
                                      : call->x[CX_ZERO].data;
    return cxai_tensor_dense(data, &p->shape);
}

void cx_scales_clear(const cxai_tensor *t)
{
    cx_view view = cx_view_of(t);
    if (view.data != NULL)
        cx_view_fill(&view, 0);
}
