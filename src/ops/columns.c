/*
 * Col2Im: columns of blocks, put back at their places in a picture and added
 * where they overlap (PyTorch's fold). For each cell of a block one move, from
 * the columns' entries of that cell to every stride-th pixel.
 */
#include "ops/common/constant.h"
#include "ops/common/move.h"

enum { SPATIAL = 3 };

typedef struct axis {
    int64_t pixels, cells, blocks;
    int64_t stride, dilation, before;
} axis;

typedef struct params {
    int rank; /* spatial axes */
    int64_t cells;
    axis axis[SPATIAL];
} params;

/* An attribute's numbers, or otherwise each. */
static cxai_status read_numbers(const cx_case *c, const char *name, int count,
                                int64_t lowest, int64_t otherwise,
                                int64_t *numbers)
{
    cx_list list;
    cxai_status status = cx_read_list(c, -1, name, &list);
    if (status != CXAI_OK)
        return status;
    if (list.values != NULL && list.count != count)
        return cx_refuse(c, CXAI_MALFORMED, "%s has %lld numbers instead of %d",
                         name, (long long)list.count, count);
    for (int i = 0; i < count; i++) {
        numbers[i] = list.values != NULL ? list.values[i] : otherwise;
        if (numbers[i] < lowest || numbers[i] > INT32_MAX)
            return cx_refuse(c, CXAI_MALFORMED,
                             "%s has the impossible value %lld", name,
                             (long long)numbers[i]);
    }
    return CXAI_OK;
}

static cxai_status measure(const cx_case *c, axis *a, int64_t after)
{
    if (a->pixels < 1 || a->pixels > INT32_MAX || a->cells < 1 ||
        a->cells > INT32_MAX)
        return cx_refuse(c, CXAI_MALFORMED,
                         "a picture of %lld pixels cannot be made of blocks of "
                         "%lld",
                         (long long)a->pixels, (long long)a->cells);
    int64_t room = a->pixels + a->before + after - 1;
    int64_t reach = a->dilation * (a->cells - 1);
    if (room < reach)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its blocks are larger than its picture");
    a->blocks = (room - reach) / a->stride + 1;
    return CXAI_OK;
}

static cxai_status read_axes(const cx_case *c, params *p)
{
    int64_t strides[SPATIAL], dilations[SPATIAL], pads[2 * SPATIAL];
    cx_list image, block;
    cxai_status status = cx_read_list(c, 1, "image_shape", &image);
    if (status == CXAI_OK)
        status = cx_read_list(c, 2, "block_shape", &block);
    if (status != CXAI_OK)
        return status;
    if (image.count != block.count || image.count < 1 || image.count > SPATIAL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "a picture of %lld axes and blocks of %lld; 1 to %d "
                         "are supported",
                         (long long)image.count, (long long)block.count,
                         SPATIAL);
    p->rank = (int)image.count;
    p->cells = 1;
    status = read_numbers(c, "strides", p->rank, 1, 1, strides);
    if (status == CXAI_OK)
        status = read_numbers(c, "dilations", p->rank, 1, 1, dilations);
    if (status == CXAI_OK)
        status = read_numbers(c, "pads", 2 * p->rank, 0, 0, pads);
    for (int i = 0; status == CXAI_OK && i < p->rank; i++) {
        axis *a = &p->axis[i];
        *a = (axis){ image.values[i], block.values[i], 0,
                     strides[i],      dilations[i],    pads[i] };
        status = measure(c, a, pads[p->rank + i]);
        if (status == CXAI_OK && p->cells > INT32_MAX / a->cells)
            return cx_refuse(c, CXAI_LIMIT, "its blocks are too large");
        p->cells *= a->cells;
    }
    return status;
}

/* x: batch, channels*cells, blocks */
static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    if (cx_input_type(c, 0) != CX_REAL || x->rank != 3)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input must be real numbers of 3 dimensions");
    cxai_status status = read_axes(c, p);
    if (status != CXAI_OK)
        return status;
    cxai_shape blocks = { .rank = p->rank };
    for (int i = 0; i < p->rank; i++)
        blocks.dim[i] = p->axis[i].blocks;
    if (x->dim[1] % p->cells != 0 || cxai_shape_count(&blocks) != x->dim[2])
        return cx_refuse(c, CXAI_MALFORMED,
                         "columns of %lld numbers for %lld blocks do not fit",
                         (long long)x->dim[1], (long long)x->dim[2]);
    cxai_shape y = { .rank = 2 + p->rank,
                     .dim = { x->dim[0], x->dim[1] / p->cells } };
    for (int i = 0; i < p->rank; i++)
        y.dim[2 + i] = p->axis[i].pixels;
    return cx_set_shape(c, 0, &y);
}

/* Blocks [*from, *to) whose cell k lies inside the picture. */
static void inside(const axis *a, int64_t k, int64_t *from, int64_t *to)
{
    int64_t first = k * a->dilation - a->before;
    *from = first < 0 ? (-first + a->stride - 1) / a->stride : 0;
    *to = first < a->pixels ? (a->pixels - 1 - first) / a->stride + 1 : 0;
    *to = *to > a->blocks ? a->blocks : *to;
    *from = *from > *to ? *to : *from;
}

/* The views of one cell: x's entries and the pixels they belong to, both batch,
   channels, blocks... */
static void cell_views(const params *p, int64_t cell, cx_view *x, cx_view *y)
{
    *x = cx_view_split(*x, 1, p->cells);
    *x = cx_view_select(*x, 2, cell);
    for (int i = p->rank - 1; i > 0; i--)
        *x = cx_view_split(*x, 2, p->axis[i].blocks);
    /* the splits went from the last axis inwards: blocks lie as axes 2, 3.. */
    for (int i = p->rank - 1; i >= 0; i--) {
        const axis *a = &p->axis[i];
        int64_t k = cell % a->cells, from, to;
        cell /= a->cells;
        inside(a, k, &from, &to);
        *x = cx_view_slice(*x, 2 + i, from, 1, to - from);
        *y = cx_view_slice(*y, 2 + i,
                           from * a->stride + k * a->dilation - a->before,
                           a->stride, to - from);
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_view picture = cx_view_of(&call->y[0]);
    cx_view_fill(&picture, 0);
    for (int64_t cell = 0; cell < p->cells; cell++) {
        cx_view x = cx_view_of(&call->x[0]), y = picture;
        cell_views(p, cell, &x, &y);
        cx_view_add(&y, &x);
    }
}

/* What lies in the padding was dropped. */
static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_view columns = cx_view_of(&call->dx[0]);
    cx_view_fill(&columns, 0);
    for (int64_t cell = 0; cell < p->cells; cell++) {
        cx_view x = columns, y = cx_view_of(&call->dy[0]);
        cell_views(p, cell, &x, &y);
        cx_view_copy(&x, &y);
    }
}

static const cx_sample samples[] = {
    { .inputs = "2,8,4;2=3,3;2=2,2" },
    { .inputs = "1,12,6;2=5,6;2=2,3",
      .attributes = "pads=1,0,0,1 strides=2,2 dilations=1,2" },
    { .inputs = "1,6,4;1=9;1=3", .attributes = "strides=2," },
    { .inputs = "1,8,8;3=3,3,3;3=2,2,2" },
};

static const cx_operator operators[] = {
    { .name = "Col2Im",
      .min_inputs = 3,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .infer = infer,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_columns = CX_FAMILY(operators);
