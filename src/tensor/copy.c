/*
 * Moving elements between views: copy, add and fill.
 *
 * Two views of one shape make a loop nest. Its axes are ordered so that the
 * innermost has the smallest stride, neighbours that are one run in both views
 * are joined, and what is left is one of four inner loops: a contiguous run, a
 * strided run, a sum, or a blocked transposition (NCHW <-> NHWC), where each
 * view has its unit stride on another axis.
 */
#include "tensor/view.h"

#include <stdlib.h>
#include <string.h>

typedef struct loop {
    int64_t count, to, from; /* strides in items */
} loop;

/* Loops outermost first; count of the innermost runs is not 0. */
typedef struct nest {
    int depth;
    loop loops[CXAI_MAX_RANK];
} nest;

typedef enum order { BY_TO, BY_FROM } order;

static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* 1 when a belongs outside of b. */
static int is_outer(const loop *a, const loop *b, order by)
{
    int64_t to = magnitude(a->to) - magnitude(b->to);
    int64_t from = magnitude(a->from) - magnitude(b->from);
    int64_t first = by == BY_TO ? to : from;
    return first != 0 ? first > 0 : (by == BY_TO ? from : to) > 0;
}

/* Stable insertion: axes of equal strides keep their order. */
static void insert(nest *n, loop axis, order by)
{
    int place = n->depth++;
    for (; place > 0 && is_outer(&axis, &n->loops[place - 1], by); place--)
        n->loops[place] = n->loops[place - 1];
    n->loops[place] = axis;
}

static void join_runs(nest *n)
{
    int depth = 0;
    for (int i = 0; i < n->depth; i++) {
        loop inner = n->loops[i];
        loop *outer = depth > 0 ? &n->loops[depth - 1] : NULL;
        if (outer != NULL && outer->to == inner.to * inner.count &&
            outer->from == inner.from * inner.count) {
            inner.count *= outer->count;
            *outer = inner;
        } else {
            n->loops[depth++] = inner;
        }
    }
    n->depth = depth;
}

/* Returns 0 when there is nothing to do. */
static int nest_of(nest *n, const cx_view *to, const cx_view *from, order by)
{
    n->depth = 0;
    for (int i = 0; i < to->shape.rank; i++) {
        loop axis = { to->shape.dim[i], to->stride[i], from->stride[i] };
        if (axis.count <= 0)
            return 0;
        if (axis.count > 1)
            insert(n, axis, by);
    }
    join_runs(n);
    if (n->depth == 0)
        n->loops[n->depth++] = (loop){ 1, 1, 1 };
    return 1;
}

/* When the innermost loop has a unit stride in one view only, and another loop
   has it in the other view, moves that loop next to it and returns 1: the two
   innermost loops are to[i*T + j] <-> from[j*F + i] or the reverse. */
static int pair_for_transposition(nest *n)
{
    loop *inner = &n->loops[n->depth - 1];
    int want_to = inner->to != 1 && inner->from == 1;
    int want_from = inner->from != 1 && inner->to == 1;
    if (!want_to && !want_from)
        return 0;
    for (int i = n->depth - 2; i >= 0; i--) {
        loop partner = n->loops[i];
        if (!(want_to ? partner.to == 1 : partner.from == 1))
            continue;
        for (; i < n->depth - 2; i++)
            n->loops[i] = n->loops[i + 1];
        n->loops[i] = partner;
        return 1;
    }
    return 0;
}

/* Steps the loops before `inner` like an odometer; 0 when all are done. */
static int step(const nest *n, int inner, int64_t *index, int64_t *to,
                int64_t *from)
{
    for (int i = inner - 1; i >= 0; i--) {
        const loop *l = &n->loops[i];
        *to += l->to;
        *from += l->from;
        if (++index[i] < l->count)
            return 1;
        index[i] = 0;
        *to -= l->to * l->count;
        *from -= l->from * l->count;
    }
    return 0;
}

enum { BLOCK = 16 };

static int64_t block_end(int64_t start, int64_t count)
{
    return start + BLOCK < count ? start + BLOCK : count;
}

/* ---- copy ---- */

#define INLINE static inline __attribute__((always_inline))

/* item is a constant where these are called: memcpy becomes one move. */
INLINE void copy_run(char *restrict to, const char *restrict from,
                     const loop *l, size_t item)
{
    int64_t to_step = l->to * (int64_t)item;
    int64_t from_step = l->from * (int64_t)item;
    if (l->to == 1 && l->from == 1) {
        memcpy(to, from, (size_t)l->count * item);
        return;
    }
    for (int64_t i = 0; i < l->count; i++)
        memcpy(to + i * to_step, from + i * from_step, item);
}

INLINE void copy_transposed(char *restrict to, const char *restrict from,
                            const loop *a, const loop *b, size_t item)
{
    int64_t size = (int64_t)item;
    for (int64_t i0 = 0; i0 < a->count; i0 += BLOCK)
        for (int64_t j0 = 0; j0 < b->count; j0 += BLOCK)
            for (int64_t i = i0; i < block_end(i0, a->count); i++)
                for (int64_t j = j0; j < block_end(j0, b->count); j++)
                    memcpy(to + (i * a->to + j * b->to) * size,
                           from + (i * a->from + j * b->from) * size, item);
}

INLINE void copy_nest(char *to, const char *from, const nest *n, int transposed,
                      size_t item)
{
    int inner = n->depth - 1 - transposed;
    int64_t index[CXAI_MAX_RANK] = { 0 }, at_to = 0, at_from = 0;
    do {
        char *t = to + at_to * (int64_t)item;
        const char *f = from + at_from * (int64_t)item;
        if (transposed)
            copy_transposed(t, f, &n->loops[inner], &n->loops[inner + 1], item);
        else
            copy_run(t, f, &n->loops[inner], item);
    } while (step(n, inner, index, &at_to, &at_from));
}

void cx_view_copy(const cx_view *to, const cx_view *from)
{
    nest n;
    if (!nest_of(&n, to, from, BY_TO))
        return;
    int transposed = pair_for_transposition(&n);
    switch (to->item) {
    case 1: copy_nest(to->data, from->data, &n, transposed, 1); break;
    case 4: copy_nest(to->data, from->data, &n, transposed, 4); break;
    case 8: copy_nest(to->data, from->data, &n, transposed, 8); break;
    default: copy_nest(to->data, from->data, &n, transposed, to->item);
    }
}

/* ---- add ---- */

static void add_run(cxai_real *restrict to, const cxai_real *restrict from,
                    const loop *l)
{
    if (l->to == 0) {
        double sum = 0;
        for (int64_t i = 0; i < l->count; i++)
            sum += (double)from[i * l->from];
        *to += (cxai_real)sum;
    } else if (l->to == 1 && l->from == 1) {
        for (int64_t i = 0; i < l->count; i++)
            to[i] += from[i];
    } else {
        for (int64_t i = 0; i < l->count; i++)
            to[i * l->to] += from[i * l->from];
    }
}

static void add_transposed(cxai_real *restrict to,
                           const cxai_real *restrict from, const loop *a,
                           const loop *b)
{
    for (int64_t i0 = 0; i0 < a->count; i0 += BLOCK)
        for (int64_t j0 = 0; j0 < b->count; j0 += BLOCK)
            for (int64_t i = i0; i < block_end(i0, a->count); i++)
                for (int64_t j = j0; j < block_end(j0, b->count); j++)
                    to[i * a->to + j * b->to] +=
                        from[i * a->from + j * b->from];
}

void cx_view_add(const cx_view *to, const cx_view *from)
{
    nest n;
    if (!nest_of(&n, to, from, BY_FROM))
        return;
    int transposed = n.loops[n.depth - 1].to != 0 && pair_for_transposition(&n);
    int inner = n.depth - 1 - transposed;
    int64_t index[CXAI_MAX_RANK] = { 0 }, at_to = 0, at_from = 0;
    do {
        cxai_real *t = (cxai_real *)to->data + at_to;
        const cxai_real *f = (const cxai_real *)from->data + at_from;
        if (transposed)
            add_transposed(t, f, &n.loops[inner + 1], &n.loops[inner]);
        else
            add_run(t, f, &n.loops[inner]);
    } while (step(&n, inner, index, &at_to, &at_from));
}

/* ---- fill ---- */

void cx_view_fill(const cx_view *to, cxai_real value)
{
    nest n;
    if (!nest_of(&n, to, to, BY_TO))
        return;
    const loop *run = &n.loops[n.depth - 1];
    int64_t index[CXAI_MAX_RANK] = { 0 }, at = 0, unused = 0;
    do {
        cxai_real *t = (cxai_real *)to->data + at;
        if (run->to == 1)
            for (int64_t i = 0; i < run->count; i++)
                t[i] = value;
        else
            for (int64_t i = 0; i < run->count; i++)
                t[i * run->to] = value;
    } while (step(&n, n.depth - 1, index, &at, &unused));
}
