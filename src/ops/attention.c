/*
 * Attention of opset 23: y = softmax(cap(scale Q K^T) + mask) V for each head
 * (Vaswani et al., arXiv:1706.03762, section 3.2), with cap(s) = softcap *
 * tanh(s / softcap) where softcap is given. Several heads of Q may share one of
 * K and V. A row that is masked as a whole gives 0. Keys and values of the past
 * come before those of the inputs; both together are the outputs `present`. The
 * scores are an output, too, as they are at one of four points on the way.
 *
 * Masks are constants (common/attention_mask.h).
 */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/exponential.h"
#include "kernels/multiply.h"
#include "ops/common/attention_shape.h"
#include "ops/common/check.h"

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    cxai_status status = cx_attention_read(c, c->params);
    return status == CXAI_OK ? cx_check_demand(c, demand, 7) : status;
}

/* ---- products ------------------------------------------------------------ */

static void run(const cx_call *call, int which, const cxai_real *left,
                const cxai_real *right, cxai_real *to, int accumulate)
{
    cx_multiply m = cx_attention_product(call->c->params, which);
    m.a = left;
    m.b = right;
    m.c = to;
    m.accumulate = accumulate;
    cx_multiply_run(call->c->kernels, &m, call->c->threads, call->workspace);
}

static size_t product_bytes(const cx_case *c)
{
    size_t most = 0;
    for (int i = 0; i < CX_PRODUCTS; i++) {
        cx_multiply m = cx_attention_product(c->params, i);
        size_t bytes = cx_multiply_workspace(c->kernels, &m, c->threads);
        most = bytes > most ? bytes : most;
    }
    return cx_size_line(most);
}

/* ---- memory -------------------------------------------------------------- */

/* Scores of one head. */
static int64_t head_scores(const cx_attention *p)
{
    return p->at[CX_Q].rows * p->at[CX_K].rows;
}

static size_t head_bytes(const cx_attention *p)
{
    return cx_size_times(
        cx_size_times((size_t)p->at[CX_Q].rows, (size_t)p->at[CX_K].rows),
        sizeof(cxai_real));
}

/* Room behind the products' own: scores of one head and slopes of the cap, then
   joined K and V, then their gradients. */
enum { ROOM_SCORES, ROOM_K, ROOM_V, ROOM_DK, ROOM_DV, ROOMS };

static size_t room_bytes(const cx_attention *p, int room)
{
    if (room == ROOM_SCORES)
        return cx_size_times(2, head_bytes(p));
    const cx_place *at =
        &p->at[room == ROOM_K || room == ROOM_DK ? CX_K : CX_V];
    size_t rows = cx_size_times(
        (size_t)p->batch, cx_size_times((size_t)at->heads, (size_t)at->rows));
    return p->joins ? cx_size_times(cx_size_times(rows, (size_t)at->columns),
                                    sizeof(cxai_real))
                    : 0;
}

/* Where a room begins; of ROOMS: the size of all. */
static size_t room_start(const cx_case *c, int room)
{
    size_t start = product_bytes(c);
    for (int i = 0; i < room; i++)
        start = cx_size_plus(start, cx_size_line(room_bytes(c->params, i)));
    return start;
}

static cxai_real *room_of(const cx_call *call, int room)
{
    return (cxai_real *)(void *)((char *)call->workspace +
                                 room_start(call->c, room));
}

/* Saved are probabilities and, with a cap, its slopes. */
static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const cx_attention *p = c->params;
    demand->forward_workspace = room_start(c, ROOM_DK);
    if (wanted == 0)
        return;
    demand->backward_workspace = room_start(c, ROOMS);
    demand->saved_bytes = cx_size_times(
        cx_size_times((size_t)p->batch, (size_t)p->at[CX_Q].heads),
        cx_size_times(p->softcap > 0 ? 2 : 1, head_bytes(p)));
    demand->keep_inputs = 1u << CX_Q | 1u << CX_K | 1u << CX_V |
                          1u << CX_PAST_K | 1u << CX_PAST_V;
}

/* Probabilities of a head, and the slopes of the cap behind them. */
static cxai_real *probabilities_of(const cx_call *call, int64_t head)
{
    const cx_attention *p = call->c->params;
    if (call->saved != NULL)
        return (cxai_real *)call->saved +
               head * head_scores(p) * (p->softcap > 0 ? 2 : 1);
    return room_of(call, ROOM_SCORES);
}

/* K or V with its past, in `room`; the input itself where nothing is joined. */
static const cxai_real *joined(const cx_call *call, int which, int room)
{
    const cx_attention *p = call->c->params;
    const cx_place *own = &p->own[which], past = cx_attention_past(p, which);
    if (!p->joins)
        return call->x[which].data;
    cxai_real *to = room_of(call, room);
    if (past.rows > 0)
        cx_attention_move(p, to, &p->at[which], 0,
                          call->x[which - CX_K + CX_PAST_K].data, &past, 0,
                          past.rows);
    cx_attention_move(p, to, &p->at[which], past.rows, call->x[which].data, own,
                      0, own->rows);
    return to;
}

/* Gives out what was joined. */
static void present(const cx_call *call, int output, const cxai_real *from,
                    int room)
{
    if (call->c->output_count > output && call->y[output].data != NULL)
        memcpy(call->y[output].data, from, room_bytes(call->c->params, room));
}

/* ---- passes -------------------------------------------------------------- */

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

/* A row of scores on its way; what SEEN shows of it goes to `seen` (NULL:
   nowhere). */
static void show(const cx_attention *p, int point, const cxai_real *row,
                 cxai_real *seen)
{
    if (seen != NULL && p->seen == point)
        memcpy(seen, row, (size_t)p->at[CX_K].rows * sizeof *row);
}

/* Row of scores to probabilities; slope receives the derivative of the cap,
   where there is one. */
static void finish_row(const cx_attention *p, int64_t batch, int64_t head,
                       int64_t row, cxai_real *scores, cxai_real *slope,
                       cxai_real *seen)
{
    int64_t keys = p->at[CX_K].rows;
    cxai_real cap = (cxai_real)p->softcap;
    for (int64_t j = 0; j < keys; j++)
        scores[j] *= (cxai_real)p->scale;
    show(p, CX_SEEN_RAW, scores, seen);
    for (int64_t j = 0; p->softcap > 0 && j < keys; j++) {
        cxai_real t = tanh(scores[j] / cap);
        slope[j] = 1 - t * t;
        scores[j] = cap * t;
    }
    show(p, CX_SEEN_CAPPED, scores, seen);
    for (int64_t j = 0; j < keys; j++)
        scores[j] += cx_attention_mask_at(&p->mask, batch, head, row, j);
    show(p, CX_SEEN_MASKED, scores, seen);
    softmax(scores, keys);
    show(p, CX_SEEN_PROBABILITIES, scores, seen);
}

/* The part of SEEN, or of its gradient, that belongs to a head. */
static cxai_real *seen_of(const cx_call *call, const cxai_tensor *outputs,
                          int64_t head)
{
    if (call->c->output_count <= CX_SEEN || outputs[CX_SEEN].data == NULL)
        return NULL;
    return outputs[CX_SEEN].data + head * head_scores(call->c->params);
}

static void forward(const cx_call *call)
{
    const cx_attention *p = call->c->params;
    int64_t keys = p->at[CX_K].rows;
    const cxai_real *k = joined(call, CX_K, ROOM_K),
                    *v = joined(call, CX_V, ROOM_V);
    present(call, CX_PRESENT_K, k, ROOM_K);
    present(call, CX_PRESENT_V, v, ROOM_V);
    for (int64_t i = 0; i < p->batch * p->at[CX_Q].heads; i++) {
        int64_t n = i / p->at[CX_Q].heads, head = i % p->at[CX_Q].heads;
        cxai_real *scores = probabilities_of(call, i);
        cxai_real *seen = seen_of(call, call->y, i);
        run(call, CX_SCORES,
            cx_attention_matrix(call->x[CX_Q].data, &p->at[CX_Q], n, head),
            cx_attention_matrix(k, &p->at[CX_K], n, head / p->shared), scores,
            0);
        for (int64_t row = 0; row < p->at[CX_Q].rows; row++)
            finish_row(p, n, head, row, scores + row * keys,
                       scores + head_scores(p) + row * keys,
                       seen != NULL ? seen + row * keys : NULL);
        if (call->y[CX_ANSWER].data != NULL)
            run(call, CX_VALUES, scores,
                cx_attention_matrix(v, &p->at[CX_V], n, head / p->shared),
                cx_attention_matrix(call->y[CX_ANSWER].data, &p->at[CX_Y], n,
                                    head),
                0);
    }
}

/* ds += the gradient of what SEEN shows, where that is the point. */
static void add_seen(const cx_attention *p, int first, int last,
                     const cxai_real *seen, cxai_real *ds)
{
    if (seen != NULL && p->seen >= first && p->seen <= last)
        for (int64_t j = 0; j < p->at[CX_K].rows; j++)
            ds[j] += seen[j];
}

/* ds = scale * slope * q (dq - sum of q dq) in place of dq, q being the
   probabilities. */
static void score_slopes(const cx_attention *p, const cxai_real *probability,
                         const cxai_real *seen, cxai_real *ds)
{
    int64_t keys = p->at[CX_K].rows;
    const cxai_real *slope = probability + head_scores(p);
    for (int64_t i = 0; i < head_scores(p); i += keys) {
        const cxai_real *shown = seen != NULL ? seen + i : NULL;
        cxai_real sum = 0;
        add_seen(p, CX_SEEN_PROBABILITIES, CX_SEEN_PROBABILITIES, shown,
                 ds + i);
        for (int64_t j = i; j < i + keys; j++)
            sum += probability[j] * ds[j];
        for (int64_t j = i; j < i + keys; j++)
            ds[j] = probability[j] * (ds[j] - sum);
        add_seen(p, CX_SEEN_CAPPED, CX_SEEN_MASKED, shown, ds + i);
        for (int64_t j = i; p->softcap > 0 && j < i + keys; j++)
            ds[j] *= slope[j];
        add_seen(p, CX_SEEN_RAW, CX_SEEN_RAW, shown, ds + i);
        for (int64_t j = i; j < i + keys; j++)
            ds[j] *= (cxai_real)p->scale;
    }
}

/* Where the gradient of K or V, with its past, is summed; NULL: not wanted. */
static cxai_real *gradient_of(const cx_call *call, int which, int room)
{
    const cx_attention *p = call->c->params;
    int past = which - CX_K + CX_PAST_K;
    if (!p->joins)
        return call->dx[which].data;
    if (call->dx[which].data == NULL &&
        (past >= call->c->input_count || call->dx[past].data == NULL))
        return NULL;
    return room_of(call, room);
}

/* Takes a joined gradient apart. */
static void part(const cx_call *call, int which, int room)
{
    const cx_attention *p = call->c->params;
    cxai_real *sum = gradient_of(call, which, room);
    const cx_place past = cx_attention_past(p, which), *own = &p->own[which];
    int input = which - CX_K + CX_PAST_K, output = which - CX_K + CX_PRESENT_K;
    if (!p->joins || sum == NULL)
        return;
    if (call->c->output_count > output && call->dy[output].data != NULL)
        for (size_t i = 0; i < room_bytes(p, room) / sizeof *sum; i++)
            sum[i] += call->dy[output].data[i];
    if (call->dx[which].data != NULL)
        cx_attention_move(p, call->dx[which].data, own, 0, sum, &p->at[which],
                          past.rows, own->rows);
    if (input < call->c->input_count && call->dx[input].data != NULL)
        cx_attention_move(p, call->dx[input].data, &past, 0, sum, &p->at[which],
                          0, past.rows);
}

/* The gradients of one head; `first` of those that share a K and V. */
static void head_backward(const cx_call *call, int64_t i, const cxai_real *k,
                          const cxai_real *v)
{
    const cx_attention *p = call->c->params;
    int64_t n = i / p->at[CX_Q].heads, head = i % p->at[CX_Q].heads;
    int64_t other = head / p->shared;
    int accumulate = head % p->shared != 0;
    cxai_real *ds = room_of(call, ROOM_SCORES);
    const cxai_real *probability = probabilities_of(call, i);
    const cxai_real *dy = call->dy[CX_ANSWER].data;
    cxai_real *dk = gradient_of(call, CX_K, ROOM_DK);
    cxai_real *dv = gradient_of(call, CX_V, ROOM_DV);
    if (dy == NULL) {
        memset(ds, 0, head_bytes(p));
    } else {
        dy = cx_attention_matrix(dy, &p->at[CX_Y], n, head);
        run(call, CX_D_SCORES, dy,
            cx_attention_matrix(v, &p->at[CX_V], n, other), ds, 0);
    }
    if (dv != NULL && dy != NULL)
        run(call, CX_D_V, probability, dy,
            cx_attention_matrix(dv, &p->at[CX_V], n, other), accumulate);
    score_slopes(p, probability, seen_of(call, call->dy, i), ds);
    if (call->dx[CX_Q].data != NULL)
        run(call, CX_D_Q, ds, cx_attention_matrix(k, &p->at[CX_K], n, other),
            cx_attention_matrix(call->dx[CX_Q].data, &p->at[CX_Q], n, head), 0);
    if (dk != NULL)
        run(call, CX_D_K, ds,
            cx_attention_matrix(call->x[CX_Q].data, &p->at[CX_Q], n, head),
            cx_attention_matrix(dk, &p->at[CX_K], n, other), accumulate);
}

/* Of K and V the gradients of the heads that share them are added. */
static void backward(const cx_call *call)
{
    const cx_attention *p = call->c->params;
    const cxai_real *k = joined(call, CX_K, ROOM_K),
                    *v = joined(call, CX_V, ROOM_V);
    cxai_real *dv = gradient_of(call, CX_V, ROOM_DV);
    if (dv != NULL && call->dy[CX_ANSWER].data == NULL)
        memset(dv, 0,
               (size_t)(p->batch * p->at[CX_V].batch_stride) * sizeof *dv);
    for (int64_t i = 0; i < p->batch * p->at[CX_Q].heads; i++)
        head_backward(call, i, k, v);
    part(call, CX_K, ROOM_DK);
    part(call, CX_V, ROOM_DV);
}

static const cx_sample samples[] = {
    { .inputs = "2,2,3,4;2,2,5,4;2,2,5,3" },
    { .inputs = "2,3,8;2,5,4;2,5,6",
      .attributes = "q_num_heads=4 kv_num_heads=2 scale=0.7f" },
    { .inputs = "1,4,3,2;1,2,3,2;1,2,3,5",
      .attributes = "is_causal=1 softcap=0.8f" },
    { .inputs = "1,2,2,3;1,2,3,3;1,2,3,3;2,3=1,0,1,1,1,0" },
    { .inputs = "1,2,2,3;1,2,3,3;1,2,3,3;2,1,3~0.5,-1,0,2,0.1,0.3" },
    { .inputs = "1,4,3,2;1,2,3,2;1,2,3,5;-;1,2,2,2;1,2,2,5",
      .attributes = "is_causal=1 softcap=0.8f qk_matmul_output_mode=2",
      .outputs = 3 },
    { .inputs = "2,3,8;2,2,4;2,2,6;-;2,2,3,2;2,2,3,3",
      .attributes = "q_num_heads=4 kv_num_heads=2 softcap=0.8f",
      .outputs = 4 },
    { .inputs = "1,2,3,2;1,2,3,2;1,2,3,2;3,3~1,2,3,0,1,2,3,1,1;-;-",
      .attributes = "softcap=0.5f qk_matmul_output_mode=1",
      .outputs = 4 },
    { .inputs = "1,2,3,2;1,2,3,2;1,2,3,2",
      .attributes = "qk_matmul_output_mode=3",
      .outputs = 4 },
    { .inputs = "2,2,3,2;2,2,6,2;2,2,6,2;-;-;-;2=4,6",
      .attributes = "left_window_size=2 right_window_size=1" },
};

static const cx_operator operators[] = {
    {
        .name = "Attention",
        .min_inputs = 3,
        .max_inputs = 7,
        .max_outputs = 4,
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(cx_attention),
        .infer = infer,
        .demand = demand,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_attention = CX_FAMILY(operators);
