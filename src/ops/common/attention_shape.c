#include "ops/common/attention_shape.h"

#include <math.h>
#include <string.h>

#include "ops/common/constant.h"

cx_place cx_attention_place(int rank, int64_t heads, int64_t rows,
                            int64_t columns)
{
    cx_place p = { .heads = heads, .rows = rows, .columns = columns };
    p.batch_stride = heads * rows * columns;
    p.row_stride = rank == 4 ? columns : heads * columns;
    p.head_stride = rank == 4 ? rows * columns : columns;
    return p;
}

static cxai_status read_matrices(const cx_case *c, int input,
                                 const char *heads_name)
{
    cx_attention *p = c->params;
    const cxai_shape *x = &c->x_shape[input];
    if (x->rank != c->x_shape[CX_Q].rank || (x->rank != 3 && x->rank != 4) ||
        x->dim[0] != p->batch)
        return cx_refuse(c, CXAI_MALFORMED,
                         "Q, K and V need the same batch and the same 3 or 4 "
                         "dimensions");
    if (x->rank == 4) {
        p->own[input] = cx_attention_place(4, x->dim[1], x->dim[2], x->dim[3]);
        return CXAI_OK;
    }
    int64_t heads = cx_attribute_int(c->attributes, heads_name, 0);
    if (heads < 1 || x->dim[2] % heads != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld numbers cannot be divided into %lld heads",
                         (long long)x->dim[2], (long long)heads);
    p->own[input] = cx_attention_place(3, heads, x->dim[1], x->dim[2] / heads);
    return CXAI_OK;
}

/* Joins K or V to its past, which always has four dimensions. */
static cxai_status read_past(const cx_case *c, int input, int past)
{
    cx_attention *p = c->params;
    const cx_place *own = &p->own[input];
    int64_t before = 0;
    if (cx_has_input(c, past)) {
        const cxai_shape *x = &c->x_shape[past];
        before = x->rank == 4 ? x->dim[2] : 0;
        if (x->rank != 4 || x->dim[0] != p->batch || x->dim[1] != own->heads ||
            x->dim[3] != own->columns)
            return cx_refuse(c, CXAI_INVALID,
                             "the past keys or values do not fit to K and V");
    }
    p->at[input] =
        cx_attention_place(4, own->heads, before + own->rows, own->columns);
    return CXAI_OK;
}

static cxai_status read_caches(const cx_case *c)
{
    cx_attention *p = c->params;
    p->joins = cx_has_input(c, CX_PAST_K) || c->output_count > CX_PRESENT_K;
    if (cx_has_input(c, CX_PAST_K) != cx_has_input(c, CX_PAST_V))
        return cx_refuse(c, CXAI_MALFORMED,
                         "past keys and values belong together");
    p->at[CX_Q] = p->own[CX_Q];
    p->at[CX_K] = p->own[CX_K];
    p->at[CX_V] = p->own[CX_V];
    cxai_status status = p->joins ? read_past(c, CX_K, CX_PAST_K) : CXAI_OK;
    return p->joins && status == CXAI_OK ? read_past(c, CX_V, CX_PAST_V)
                                         : status;
}

static cxai_status check_matrices(const cx_case *c)
{
    cx_attention *p = c->params;
    const cx_place *q = &p->at[CX_Q], *k = &p->at[CX_K], *v = &p->at[CX_V];
    if (k->heads < 1 || k->heads != v->heads || q->heads % k->heads != 0 ||
        k->columns != q->columns || k->rows != v->rows)
        return cx_refuse(c, CXAI_INVALID,
                         "the heads or lengths of Q, K and V do not fit");
    p->shared = q->heads / k->heads;
    p->at[CX_Y] = cx_attention_place(c->x_shape[CX_Q].rank, q->heads, q->rows,
                                     v->columns);
    return CXAI_OK;
}

static cxai_status read_mask(const cx_case *c)
{
    cx_attention *p = c->params;
    p->mask = (cx_attention_mask){
        .batch = p->batch,
        .heads = p->at[CX_Q].heads,
        .queries = p->at[CX_Q].rows,
        .keys = p->at[CX_K].rows,
        .past = p->at[CX_K].rows - p->own[CX_K].rows,
    };
    return cx_attention_mask_read(c, CX_MASK, CX_VALID, &p->mask);
}

static cxai_status check_types(const cx_case *c)
{
    static const int reals[] = { CX_Q, CX_K, CX_V, CX_PAST_K, CX_PAST_V };
    for (int i = 0; i < CX_COUNT(reals); i++)
        if (cx_has_input(c, reals[i]) && cx_input_type(c, reals[i]) != CX_REAL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "input %d holds integers; real numbers are needed",
                             reals[i]);
    return CXAI_OK;
}

static cxai_status set_shapes(const cx_case *c)
{
    const cx_attention *p = c->params;
    cxai_shape y = c->x_shape[CX_Q];
    y.dim[y.rank - 1] =
        p->at[CX_V].columns * (y.rank == 3 ? p->at[CX_Q].heads : 1);
    cxai_status status = cx_set_shape(c, CX_ANSWER, &y);
    for (int i = CX_PRESENT_K; i <= CX_PRESENT_V && i < c->output_count; i++) {
        const cx_place *at = &p->at[i - CX_PRESENT_K + CX_K];
        y = (cxai_shape){ 4, { p->batch, at->heads, at->rows, at->columns } };
        if (status == CXAI_OK)
            status = cx_set_shape(c, i, &y);
    }
    y = (cxai_shape){
        4, { p->batch, p->at[CX_Q].heads, p->at[CX_Q].rows, p->at[CX_K].rows }
    };
    if (status == CXAI_OK && c->output_count > CX_SEEN)
        status = cx_set_shape(c, CX_SEEN, &y);
    return status;
}

cxai_status cx_attention_read(const cx_case *c, cx_attention *p)
{
    p->batch = c->x_shape[CX_Q].rank > 0 ? c->x_shape[CX_Q].dim[0] : 0;
    cxai_status status = check_types(c);
    if (status == CXAI_OK)
        status = read_matrices(c, CX_Q, "q_num_heads");
    for (int i = CX_K; i <= CX_V && status == CXAI_OK; i++)
        status = read_matrices(c, i, "kv_num_heads");
    if (status == CXAI_OK)
        status = read_caches(c);
    if (status == CXAI_OK)
        status = check_matrices(c);
    if (status == CXAI_OK)
        status = read_mask(c);
    if (status != CXAI_OK)
        return status;
    p->scale = cx_attribute_float(c->attributes, "scale",
                                  1 / sqrt((double)p->at[CX_Q].columns));
    p->softcap = cx_attribute_float(c->attributes, "softcap", 0);
    p->seen = (int)cx_attribute_int(c->attributes, "qk_matmul_output_mode", 0);
    return set_shapes(c);
}

/* rows,depth times depth,columns, of strides as in cx_multiply. */
static cx_multiply product(int64_t rows, int64_t columns, int64_t depth,
                           int64_t a_row, int64_t a_column, int64_t b_row,
                           int64_t b_column, int64_t c_row)
{
    return (cx_multiply){
        .rows = rows,
        .columns = columns,
        .depth = depth,
        .a_row = a_row,
        .a_column = a_column,
        .b_row = b_row,
        .b_column = b_column,
        .c_row = c_row,
    };
}

cx_multiply cx_attention_product(const cx_attention *p, int which)
{
    const cx_place *q = &p->at[CX_Q], *k = &p->at[CX_K], *v = &p->at[CX_V],
                   *y = &p->at[CX_Y];
    int64_t queries = q->rows, keys = k->rows;
    switch (which) {
    case CX_SCORES: /* Q K^T */
        return product(queries, keys, q->columns, q->row_stride, 1, 1,
                       k->row_stride, keys);
    case CX_VALUES: /* P V */
        return product(queries, v->columns, keys, keys, 1, v->row_stride, 1,
                       y->row_stride);
    case CX_D_SCORES: /* dY V^T */
        return product(queries, keys, v->columns, y->row_stride, 1, 1,
                       v->row_stride, keys);
    case CX_D_Q: /* dS K */
        return product(queries, q->columns, keys, keys, 1, k->row_stride, 1,
                       q->row_stride);
    case CX_D_K: /* dS^T Q */
        return product(keys, q->columns, queries, 1, keys, q->row_stride, 1,
                       k->row_stride);
    default: /* P^T dY */
        return product(keys, v->columns, queries, 1, keys, y->row_stride, 1,
                       v->row_stride);
    }
}

cxai_real *cx_attention_matrix(const cxai_real *data, const cx_place *at,
                               int64_t batch, int64_t head)
{
    return (cxai_real *)(uintptr_t)data + batch * at->batch_stride +
           head * at->head_stride;
}

void cx_attention_move(const cx_attention *p, cxai_real *to,
                       const cx_place *to_at, int64_t to_first,
                       const cxai_real *from, const cx_place *from_at,
                       int64_t from_first, int64_t rows)
{
    for (int64_t n = 0; n < p->batch; n++)
        for (int64_t h = 0; h < to_at->heads; h++)
            for (int64_t r = 0; r < rows; r++)
                memcpy(cx_attention_matrix(to, to_at, n, h) +
                           (to_first + r) * to_at->row_stride,
                       cx_attention_matrix(from, from_at, n, h) +
                           (from_first + r) * from_at->row_stride,
                       (size_t)to_at->columns * sizeof *to);
}

cx_place cx_attention_past(const cx_attention *p, int which)
{
    const cx_place *at = &p->at[which];
    return cx_attention_place(4, at->heads, at->rows - p->own[which].rows,
                              at->columns);
}
