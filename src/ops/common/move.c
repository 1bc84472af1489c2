#include "ops/common/move.h"

/* Below this number of elements a parallel region costs more than it saves. */
enum { PARALLEL_FROM = 1 << 15 };

/* Tensors that are not wanted may come without a shape. */
static cx_view shaped(cx_view view, const cxai_shape *shape)
{
    view.shape = *shape;
    return view;
}

cx_view cx_mover_x(const cx_mover *m, int input)
{
    cx_view view = m->x != NULL ? cx_view_of(&m->x[input])
                                : cx_literal_view(m->c->x_literal[input]);
    return shaped(view, &m->c->x_shape[input]);
}

cx_view cx_mover_y(const cx_mover *m, int output)
{
    cx_view view = { .data = NULL };
    if (m->y != NULL)
        view = cx_view_of(&m->y[output]);
    else if (m->y_literal[output] != NULL)
        view = cx_literal_view(m->y_literal[output]);
    return shaped(view, &m->c->y_shape[output]);
}

/* The axis to cut among threads: every element that is written must belong to
   one of them, so a broadcast axis does not serve; whole rows of memory do
   best. */
static int axis_to_cut(const cx_view *to, int threads)
{
    int best = -1;
    int64_t best_stride = 0;
    for (int i = 0; i < to->shape.rank; i++) {
        int64_t stride = to->stride[i] < 0 ? -to->stride[i] : to->stride[i];
        if (to->shape.dim[i] >= 4 * threads && stride > best_stride) {
            best = i;
            best_stride = stride;
        }
    }
    return best;
}

static void transfer(const cx_view *to, const cx_view *from, int add)
{
    if (add)
        cx_view_add(to, from);
    else
        cx_view_copy(to, from);
}

/* The axis along which so many threads share a view's elements, or -1 where one
   does them sooner. */
static int axis_to_share(const cx_view *to, int threads)
{
    if (threads == 1 || cxai_shape_count(&to->shape) < PARALLEL_FROM)
        return -1;
    return axis_to_cut(to, threads);
}

/* One of so many parts along an axis. */
static cx_view part_of(const cx_view *view, int axis, int part, int parts)
{
    int64_t count = view->shape.dim[axis];
    int64_t start = count * part / parts;
    return cx_view_slice(*view, axis, start, 1,
                         count * (part + 1) / parts - start);
}

void cx_move_parallel(const cx_view *to, const cx_view *from, int add,
                      int threads)
{
    int axis = axis_to_share(to, threads);
    if (axis < 0) {
        transfer(to, from, add);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
        cx_view to_part = part_of(to, axis, t, threads);
        cx_view from_part = part_of(from, axis, t, threads);
        transfer(&to_part, &from_part, add);
    }
}

void cx_clear_parallel(const cx_view *to, int threads)
{
    int axis = axis_to_share(to, threads);
    if (axis < 0) {
        cx_view_fill(to, 0);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
        cx_view part = part_of(to, axis, t, threads);
        cx_view_fill(&part, 0);
    }
}

/* A thread's share of a move; the first takes what cannot be cut. */
static void transfer_part(const cx_mover *m, const cx_view *to,
                          const cx_view *from)
{
    int axis = axis_to_cut(to, m->parts);
    if (axis < 0) {
        if (m->part == 0)
            transfer(to, from, m->adds);
        return;
    }
    cx_view to_part = part_of(to, axis, m->part, m->parts);
    cx_view from_part = part_of(from, axis, m->part, m->parts);
    transfer(&to_part, &from_part, m->adds);
}

void cx_move(const cx_mover *m, const cx_view *x, const cx_view *y)
{
    if (x->data == NULL || y->data == NULL)
        return;
    const cx_view *to = m->use == CX_COPY ? y : x;
    const cx_view *from = m->use == CX_COPY ? x : y;
    if (m->parts > 0)
        transfer_part(m, to, from);
    else
        cx_move_parallel(to, from, m->adds || m->use == CX_ADD_BACK,
                         m->c->threads);
}

/* All moves. Where none writes what another does, the threads meet once, not
   after every move, and each stays in its part of the picture. */
static void move_all(const cx_mover *m, cx_describe *describe)
{
    int64_t count = cxai_shape_count(&m->c->x_shape[0]);
    int64_t y_count = cxai_shape_count(&m->c->y_shape[0]);
    int threads = m->c->threads;
    count = count > y_count ? count : y_count;
    if (m->use == CX_ADD_BACK || threads == 1 || count < PARALLEL_FROM) {
        describe(m);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
        cx_mover share = *m;
        share.part = t;
        share.parts = threads;
        describe(&share);
    }
}

void cx_move_forward(const cx_call *call, cx_describe *describe)
{
    cx_mover m = { .c = call->c, .x = call->x, .y = call->y, .use = CX_COPY };
    move_all(&m, describe);
}

void cx_move_backward(const cx_call *call, cx_describe *describe,
                      cx_multiplicity multiplicity)
{
    if (multiplicity != CX_EXACTLY_ONCE)
        for (int i = 0; i < call->c->input_count; i++)
            if (call->dx[i].data != NULL) {
                cx_view dx = cx_view_of(&call->dx[i]);
                cx_clear_parallel(&dx, call->c->threads);
            }
    cx_mover m = { .c = call->c,
                   .x = call->dx,
                   .y = call->dy,
                   .delivery = call->delivery,
                   .use = multiplicity == CX_ANY_NUMBER ? CX_ADD_BACK
                                                        : CX_COPY_BACK };
    move_all(&m, describe);
}

cxai_status cx_move_fold(const cx_case *c, cx_literal *const *y,
                         cx_describe *describe)
{
    cx_mover m = { .c = c, .y_literal = y, .use = CX_COPY };
    describe(&m);
    return CXAI_OK;
}
