/*
 * Attention of opset 23: y = softmax(cap(scale Q K^T) + mask) V for each head
 * (Vaswani et al., arXiv:1706.03762, section 3.2), with cap(s) = softcap *
 * tanh(s / softcap) where softcap is given. Several heads of Q may share one of
 * K and V. A row that is masked as a whole gives 0.
 *
 * Masks are constants. Caches of past keys and values are not supported.
 */
#include <math.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/exponential.h"
#include "kernels/multiply.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"

enum { Q, K, V, MASK, Y = MASK }; /* inputs, and the output behind three */
enum { FIRST_CACHE = 4 };         /* inputs from here on are refused */
enum { SCORES, VALUES, D_SCORES, D_Q, D_K, D_V, PRODUCTS };

/* Where the matrices of a tensor lie: reals from one to the next. */
typedef struct place {
    int64_t heads, rows, columns;
    int64_t batch_stride, head_stride, row_stride;
} place;

typedef struct params {
    int64_t batch, shared; /* heads of Q for one of K and V */
    place at[4];           /* Q, K, V, Y */
    double scale, softcap;
    int causal;
    const cx_literal *mask;
    int64_t mask_stride[4]; /* batch, head, row, column; 0: repeated */
} params;

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

/* ---- shapes -------------------------------------------------------------- */

static place locate(int rank, int64_t heads, int64_t rows, int64_t columns)
{
    place p = { .heads = heads, .rows = rows, .columns = columns };
    p.batch_stride = heads * rows * columns;
    p.row_stride = rank == 4 ? columns : heads * columns;
    p.head_stride = rank == 4 ? rows * columns : columns;
    return p;
}

static cxai_status read_matrices(const cx_case *c, int input,
                                 const char *heads_name)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[input];
    if (x->rank != c->x_shape[Q].rank || (x->rank != 3 && x->rank != 4) ||
        x->dim[0] != p->batch)
        return cx_refuse(c, CXAI_MALFORMED,
                         "Q, K and V need the same batch and the same 3 or 4 "
                         "dimensions");
    if (x->rank == 4) {
        p->at[input] = locate(4, x->dim[1], x->dim[2], x->dim[3]);
        return CXAI_OK;
    }
    int64_t heads = cx_attribute_int(c->attributes, heads_name, 0);
    if (heads < 1 || x->dim[2] % heads != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld numbers cannot be divided into %lld heads",
                         (long long)x->dim[2], (long long)heads);
    p->at[input] = locate(3, heads, x->dim[1], x->dim[2] / heads);
    return CXAI_OK;
}

static cxai_status check_matrices(const cx_case *c)
{
    params *p = c->params;
    const place *q = &p->at[Q], *k = &p->at[K], *v = &p->at[V];
    if (k->heads < 1 || k->heads != v->heads || q->heads % k->heads != 0 ||
        k->columns != q->columns || k->rows != v->rows)
        return cx_refuse(c, CXAI_INVALID,
                         "the heads or lengths of Q, K and V do not fit");
    p->shared = q->heads / k->heads;
    p->at[Y] = locate(c->x_shape[Q].rank, q->heads, q->rows, v->columns);
    return CXAI_OK;
}

static cxai_status read_mask(const cx_case *c)
{
    params *p = c->params;
    if (!cx_has_input(c, MASK))
        return CXAI_OK;
    p->mask = c->x_literal[MASK];
    if (p->mask == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its mask is computed from the data; only constants "
                         "are supported there");
    const cxai_shape full = {
        4, { p->batch, p->at[Q].heads, p->at[Q].rows, p->at[K].rows }
    };
    const cxai_shape *own = &p->mask->shape;
    cxai_shape both;
    char text[128];
    if (cx_shape_broadcast(own, &full, &both) != 0 ||
        !cxai_shape_equal(&both, &full))
        return cx_refuse(c, CXAI_INVALID, "its mask of shape %s does not fit",
                         cxai_shape_text(own, text, sizeof text));
    int64_t stride[CXAI_MAX_RANK];
    cx_shape_strides(own, stride);
    for (int a = 0; a < own->rank; a++)
        p->mask_stride[4 - own->rank + a] = own->dim[a] == 1 ? 0 : stride[a];
    return CXAI_OK;
}

static cxai_status refuse_more(const cx_case *c)
{
    for (int i = FIRST_CACHE; i < c->input_count; i++)
        if (cx_has_input(c, i))
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "past keys and values and padded caches are not "
                             "supported");
    if (c->output_count > 1)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "outputs after the first are not supported");
    if (cx_attribute_int(c->attributes, "left_window_size", -1) >= 0 ||
        cx_attribute_int(c->attributes, "right_window_size", -1) >= 0)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "sliding windows are not supported");
    return CXAI_OK;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    p->batch = c->x_shape[Q].rank > 0 ? c->x_shape[Q].dim[0] : 0;
    cxai_status status = cx_check_some_reals(c, Q, V);
    if (status == CXAI_OK)
        status = refuse_more(c);
    if (status == CXAI_OK)
        status = read_matrices(c, Q, "q_num_heads");
    for (int i = K; i <= V && status == CXAI_OK; i++)
        status = read_matrices(c, i, "kv_num_heads");
    if (status == CXAI_OK)
        status = check_matrices(c);
    if (status == CXAI_OK)
        status = read_mask(c);
    if (status != CXAI_OK)
        return status;
    p->scale = cx_attribute_float(c->attributes, "scale",
                                  1 / sqrt((double)p->at[Q].columns));
    p->softcap = cx_attribute_float(c->attributes, "softcap", 0);
    p->causal = cx_attribute_int(c->attributes, "is_causal", 0) != 0;
    cxai_shape y = c->x_shape[Q];
    y.dim[y.rank - 1] = p->at[V].columns * (y.rank == 3 ? p->at[Q].heads : 1);
    status = cx_set_shape(c, 0, &y);
    return status == CXAI_OK ? cx_check_demand(c, demand, 7) : status;
}

/* ---- products ------------------------------------------------------------ */

/* The products of one head; left and right as they stand in memory. */
static cx_multiply product(const params *p, int which)
{
    const place *q = &p->at[Q], *k = &p->at[K], *v = &p->at[V], *y = &p->at[Y];
    int64_t queries = q->rows, keys = k->rows;
    switch (which) {
    case SCORES: /* Q K^T */
        return (cx_multiply){ queries,       keys, q->columns, NULL,
                              q->row_stride, 1,    NULL,       1,
                              k->row_stride, NULL, keys,       0 };
    case VALUES: /* P V */
        return (cx_multiply){ queries, v->columns, keys,          NULL,
                              keys,    1,          NULL,          v->row_stride,
                              1,       NULL,       y->row_stride, 0 };
    case D_SCORES: /* dY V^T */
        return (cx_multiply){ queries,       keys, v->columns, NULL,
                              y->row_stride, 1,    NULL,       1,
                              v->row_stride, NULL, keys,       0 };
    case D_Q: /* dS K */
        return (cx_multiply){ queries, q->columns, keys,          NULL,
                              keys,    1,          NULL,          k->row_stride,
                              1,       NULL,       q->row_stride, 0 };
    case D_K: /* dS^T Q */
        return (cx_multiply){ keys, q->columns, queries,       NULL,
                              1,    keys,       NULL,          q->row_stride,
                              1,    NULL,       k->row_stride, 0 };
    default: /* P^T dY */
        return (cx_multiply){ keys, v->columns, queries,       NULL,
                              1,    keys,       NULL,          y->row_stride,
                              1,    NULL,       v->row_stride, 0 };
    }
}

static void run(const cx_call *call, int which, const cxai_real *left,
                const cxai_real *right, cxai_real *to, int accumulate)
{
    cx_multiply m = product(call->c->params, which);
    m.a = left;
    m.b = right;
    m.c = to;
    m.accumulate = accumulate;
    cx_multiply_run(call->c->kernels, &m, call->c->threads, call->workspace);
}

static size_t product_bytes(const cx_case *c)
{
    size_t most = 0;
    for (int i = 0; i < PRODUCTS; i++) {
        cx_multiply m = product(c->params, i);
        size_t bytes = cx_multiply_workspace(c->kernels, &m, c->threads);
        most = bytes > most ? bytes : most;
    }
    return cx_size_line(most);
}

/* ---- memory -------------------------------------------------------------- */

/* Scores of one head. */
static int64_t head_scores(const params *p)
{
    return p->at[Q].rows * p->at[K].rows;
}

static size_t head_bytes(const params *p)
{
    return cx_size_times(
        cx_size_times((size_t)p->at[Q].rows, (size_t)p->at[K].rows),
        sizeof(cxai_real));
}

/* Saved are probabilities and, with a cap, its slopes; forward alone and
   backward need room for one head. */
static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t room = cx_size_times(2, head_bytes(p));
    demand->forward_workspace = cx_size_plus(product_bytes(c), room);
    if (wanted == 0)
        return;
    demand->backward_workspace = demand->forward_workspace;
    demand->saved_bytes =
        cx_size_times(cx_size_times((size_t)p->batch, (size_t)p->at[Q].heads),
                      cx_size_times(p->softcap > 0 ? 2 : 1, head_bytes(p)));
    demand->keep_inputs = 1u << Q | 1u << K | 1u << V;
}

/* Probabilities of a head, and the slopes of the cap behind them. */
static cxai_real *probabilities_of(const cx_call *call, int64_t head)
{
    const params *p = call->c->params;
    if (call->saved != NULL)
        return (cxai_real *)call->saved +
               head * head_scores(p) * (p->softcap > 0 ? 2 : 1);
    return (cxai_real *)(void *)((char *)call->workspace +
                                 product_bytes(call->c));
}

static cxai_real *matrix(const cxai_tensor *t, const place *at, int64_t batch,
                         int64_t head)
{
    return t->data + batch * at->batch_stride + head * at->head_stride;
}

/* ---- passes -------------------------------------------------------------- */

/* What is added to the score of a query and a key. */
static cxai_real mask_at(const params *p, int64_t batch, int64_t head,
                         int64_t row, int64_t column)
{
    if (p->causal && column > row)
        return (cxai_real)-INFINITY;
    if (p->mask == NULL)
        return 0;
    const int64_t *stride = p->mask_stride;
    double value =
        cx_literal_number(p->mask, batch * stride[0] + head * stride[1] +
                                       row * stride[2] + column * stride[3]);
    if (p->mask->type == CX_REAL)
        return (cxai_real)value;
    return value == 0 ? (cxai_real)-INFINITY : 0;
}

static void softmax(cxai_real *row, int64_t count)
{
    cxai_real most = (cxai_real)-INFINITY, sum = 0;
    for (int64_t j = 0; j < count; j++)
        most = row[j] > most ? row[j] : most;
    for (int64_t j = 0; j < count; j++) {
        row[j] = isinf(row[j]) && row[j] < 0 ? 0 : cx_exp(row[j] - most);
        sum += row[j];
    }
    for (int64_t j = 0; j < count && sum != 0; j++)
        row[j] /= sum;
}

/* Row of scores to probabilities; slope receives the derivative of the cap,
   where there is one. */
static void finish_row(const params *p, int64_t batch, int64_t head,
                       int64_t row, cxai_real *scores, cxai_real *slope)
{
    int64_t keys = p->at[K].rows;
    cxai_real cap = (cxai_real)p->softcap;
    for (int64_t j = 0; j < keys; j++) {
        cxai_real s = scores[j] * (cxai_real)p->scale;
        if (p->softcap > 0) {
            cxai_real t = tanh(s / cap);
            slope[j] = 1 - t * t;
            s = cap * t;
        }
        scores[j] = s + mask_at(p, batch, head, row, j);
    }
    softmax(scores, keys);
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    int64_t keys = p->at[K].rows;
    for (int64_t i = 0; i < p->batch * p->at[Q].heads; i++) {
        int64_t n = i / p->at[Q].heads, head = i % p->at[Q].heads;
        cxai_real *scores = probabilities_of(call, i);
        run(call, SCORES, matrix(&call->x[Q], &p->at[Q], n, head),
            matrix(&call->x[K], &p->at[K], n, head / p->shared), scores, 0);
        for (int64_t row = 0; row < p->at[Q].rows; row++)
            finish_row(p, n, head, row, scores + row * keys,
                       scores + head_scores(p) + row * keys);
        run(call, VALUES, scores,
            matrix(&call->x[V], &p->at[V], n, head / p->shared),
            matrix(&call->y[0], &p->at[Y], n, head), 0);
    }
}

/* ds = scale * slope * q (dq - sum of q dq) in place of dq, q being the
   probabilities. */
static void score_slopes(const params *p, const cxai_real *probability,
                         cxai_real *ds)
{
    int64_t keys = p->at[K].rows;
    const cxai_real *slope = probability + head_scores(p);
    for (int64_t i = 0; i < head_scores(p); i += keys) {
        cxai_real sum = 0;
        for (int64_t j = i; j < i + keys; j++)
            sum += probability[j] * ds[j];
        for (int64_t j = i; j < i + keys; j++) {
            ds[j] = (cxai_real)p->scale * probability[j] * (ds[j] - sum);
            if (p->softcap > 0)
                ds[j] *= slope[j];
        }
    }
}

/* Of K and V the gradients of the heads that share them are added. */
static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_real *ds =
        (cxai_real *)(void *)((char *)call->workspace + product_bytes(call->c));
    for (int64_t i = 0; i < p->batch * p->at[Q].heads; i++) {
        int64_t n = i / p->at[Q].heads, head = i % p->at[Q].heads;
        int64_t other = head / p->shared;
        int accumulate = head % p->shared != 0;
        const cxai_real *probability = probabilities_of(call, i);
        const cxai_real *dy = matrix(&call->dy[0], &p->at[Y], n, head);
        if (call->dx[V].data != NULL)
            run(call, D_V, probability, dy,
                matrix(&call->dx[V], &p->at[V], n, other), accumulate);
        if (call->dx[Q].data == NULL && call->dx[K].data == NULL)
            continue;
        run(call, D_SCORES, dy, matrix(&call->x[V], &p->at[V], n, other), ds,
            0);
        score_slopes(p, probability, ds);
        if (call->dx[Q].data != NULL)
            run(call, D_Q, ds, matrix(&call->x[K], &p->at[K], n, other),
                matrix(&call->dx[Q], &p->at[Q], n, head), 0);
        if (call->dx[K].data != NULL)
            run(call, D_K, ds, matrix(&call->x[Q], &p->at[Q], n, head),
                matrix(&call->dx[K], &p->at[K], n, other), accumulate);
    }
}

static const cx_sample samples[] = {
    { .inputs = "2,2,3,4;2,2,5,4;2,2,5,3" },
    { .inputs = "2,3,8;2,5,4;2,5,6",
      .attributes = "q_num_heads=4 kv_num_heads=2 scale=0.7f" },
    { .inputs = "1,4,3,2;1,2,3,2;1,2,3,5",
      .attributes = "is_causal=1 softcap=0.8f" },
    { .inputs = "1,2,2,3;1,2,3,3;1,2,3,3;2,3=1,0,1,1,1,0" },
    { .inputs = "1,2,2,3;1,2,3,3;1,2,3,3;2,1,3~0.5,-1,0,2,0.1,0.3" },
};

static const cx_operator operators[] = {
    {
        .name = "Attention",
        .min_inputs = 3,
        .max_inputs = 7,
        .max_outputs = 4, /* those after the first are refused */
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(params),
        .infer = infer,
        .demand = demand,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_attention = CX_FAMILY(operators);
