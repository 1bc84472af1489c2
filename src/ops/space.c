/*
 * DepthToSpace and SpaceToDepth: blocks of pixels become channels and back
 * (the pixel shuffle of arXiv:1609.05158). Both are one move between the
 * picture, whose height and width are split into blocks, and the deep tensor,
 * whose channels are split into the place in the block and the channel.
 */
#include "ops/common/constant.h"
#include "ops/common/move.h"

#include <string.h>

typedef struct params {
    int64_t block;
    int depth_first; /* channels are (block row, block column, channel): DCR;
                        otherwise (channel, row, column): CRD */
} params;

static cxai_status read_block(const cx_case *c, params *p)
{
    const cxai_shape *x = &c->x_shape[0];
    const char *mode = cx_attribute_string(c->attributes, "mode", "DCR");
    p->block = cx_attribute_int(c->attributes, "blocksize", 0);
    p->depth_first = strcmp(mode, "DCR") == 0;
    if (x->rank != 4)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its input has %d dimensions, not 4", x->rank);
    if (p->block < 1 || p->block > INT32_MAX)
        return cx_refuse(c, CXAI_MALFORMED, "its block size is %lld",
                         (long long)p->block);
    if (!p->depth_first && strcmp(mode, "CRD") != 0)
        return cx_refuse(c, CXAI_MALFORMED, "its mode is \"%s\"", mode);
    return CXAI_OK;
}

static cxai_status refuse_size(const cx_case *c)
{
    char text[128];
    return cx_refuse(c, CXAI_MALFORMED,
                     "an input of %s cannot be divided into blocks of %lld",
                     cxai_shape_text(&c->x_shape[0], text, sizeof text),
                     (long long)((const params *)c->params)->block);
}

static cxai_status to_space_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    cxai_status status = read_block(c, p);
    if (status != CXAI_OK)
        return status;
    int64_t pixels = p->block * p->block, most = INT64_MAX / p->block;
    if (x->dim[1] % pixels != 0 || x->dim[2] > most || x->dim[3] > most)
        return refuse_size(c);
    const cxai_shape y = { 4,
                           { x->dim[0], x->dim[1] / pixels,
                             x->dim[2] * p->block, x->dim[3] * p->block } };
    return cx_set_shape(c, 0, &y);
}

static cxai_status to_depth_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    cxai_status status = read_block(c, p);
    if (status != CXAI_OK)
        return status;
    int64_t pixels = p->block * p->block;
    if (x->dim[2] % p->block != 0 || x->dim[3] % p->block != 0 ||
        x->dim[1] > INT64_MAX / pixels)
        return refuse_size(c);
    const cxai_shape y = { 4,
                           { x->dim[0], x->dim[1] * pixels,
                             x->dim[2] / p->block, x->dim[3] / p->block } };
    return cx_set_shape(c, 0, &y);
}

/* N, channel, H, row in block, W, column in block */
static cx_view split_space(const params *p, cx_view space)
{
    return cx_view_split(cx_view_split(space, 3, p->block), 2, p->block);
}

/* The same axes of the deep tensor. */
static cx_view split_depth(const params *p, cx_view depth)
{
    static const int from_dcr[] = { 0, 3, 4, 1, 5, 2 };
    static const int from_crd[] = { 0, 1, 4, 2, 5, 3 };
    int64_t channels = depth.shape.dim[1] / (p->block * p->block);
    if (p->depth_first)
        depth = cx_view_split(cx_view_split(depth, 1, p->block * channels), 2,
                              channels);
    else
        depth = cx_view_split(cx_view_split(depth, 1, p->block * p->block), 2,
                              p->block);
    return cx_view_permute(depth, p->depth_first ? from_dcr : from_crd);
}

static void to_space_describe(const cx_mover *m)
{
    const params *p = m->c->params;
    cx_view x = split_depth(p, cx_mover_x(m, 0));
    cx_view y = split_space(p, cx_mover_y(m, 0));
    cx_move(m, &x, &y);
}

static void to_depth_describe(const cx_mover *m)
{
    const params *p = m->c->params;
    cx_view x = split_space(p, cx_mover_x(m, 0));
    cx_view y = split_depth(p, cx_mover_y(m, 0));
    cx_move(m, &x, &y);
}

#define MOVES(name)                                                            \
    static void name##_forward(const cx_call *call)                            \
    {                                                                          \
        cx_move_forward(call, name##_describe);                                \
    }                                                                          \
    static void name##_backward(const cx_call *call)                           \
    {                                                                          \
        cx_move_backward(call, name##_describe, CX_EXACTLY_ONCE);              \
    }                                                                          \
    static cxai_status name##_fold(const cx_case *c, cx_literal *const *y)     \
    {                                                                          \
        return cx_move_fold(c, y, name##_describe);                            \
    }

MOVES(to_space)
MOVES(to_depth)

static const cx_sample to_space_samples[] = {
    { .inputs = "2,8,2,3", .attributes = "blocksize=2" },
    { .inputs = "1,18,2,1", .attributes = "blocksize=3 mode=CRD" },
};
static const cx_sample to_depth_samples[] = {
    { .inputs = "2,3,4,6", .attributes = "blocksize=2" },
    { .inputs = "1,2,6,3", .attributes = "blocksize=3 mode=CRD" },
};

#define ENTRY(type, operator)                                                  \
    {                                                                          \
        .name = type, .min_inputs = 1, .max_inputs = 1, .layout = CX_STRIDED,  \
        .params_size = sizeof(params), .infer = operator##_infer,              \
        .forward = operator##_forward, .backward = operator##_backward,        \
        .fold = operator##_fold, CX_SAMPLES(operator##_samples)                \
    }

static const cx_operator operators[] = {
    ENTRY("DepthToSpace", to_space),
    ENTRY("SpaceToDepth", to_depth),
};

const cx_operator_family cx_operators_space = CX_FAMILY(operators);
