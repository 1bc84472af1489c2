/*
 * ArgMax, ArgMin and TopK: the greatest or smallest elements along an axis and
 * where they are. Of equal ones the first counts (ArgMax: or the last, when
 * asked); a NaN is the greatest of all.
 *
 * TopK's gradient goes to the elements that were chosen; numbers of elements
 * are integers, which have none.
 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"

/* A tensor seen as outer x size x inner; a row is the `size` elements that lie
   `inner` apart. */
typedef struct rows {
    int64_t outer, size, inner;
} rows;

static int64_t row_start(const rows *r, int64_t row, int64_t size)
{
    return row / r->inner * size * r->inner + row % r->inner;
}

static cxai_status read_rows(const cx_case *c, int64_t otherwise, rows *r,
                             int *axis)
{
    const cxai_shape *x = &c->x_shape[0];
    int64_t named = cx_attribute_int(c->attributes, "axis", otherwise);
    cxai_status status = cx_read_axis(c, named, x->rank, axis);
    if (status == CXAI_OK)
        *r = (rows){ cx_shape_product(x, 0, *axis), x->dim[*axis],
                     cx_shape_product(x, *axis + 1, x->rank) };
    return status;
}

/* ---- ArgMax and ArgMin --------------------------------------------------- */

typedef struct arg_params {
    rows rows;
    int smallest, last;
} arg_params;

static cxai_status arg_infer(const cx_case *c, int smallest)
{
    arg_params *p = c->params;
    int axis = 0;
    cxai_status status = read_rows(c, 0, &p->rows, &axis);
    if (status != CXAI_OK)
        return status;
    if (p->rows.size < 1)
        return cx_refuse(c, CXAI_INVALID, "axis %d has no elements", axis);
    p->smallest = smallest;
    p->last = cx_attribute_int(c->attributes, "select_last_index", 0) != 0;
    cxai_shape y = c->x_shape[0];
    y.dim[axis] = 1;
    if (cx_attribute_int(c->attributes, "keepdims", 1) == 0) {
        y.rank--;
        for (int i = axis; i < y.rank; i++)
            y.dim[i] = y.dim[i + 1];
    }
    c->y_type[0] = CX_INT64;
    return cx_set_shape(c, 0, &y);
}

static cxai_status greatest_infer(const cx_case *c)
{
    return arg_infer(c, 0);
}

static cxai_status smallest_infer(const cx_case *c)
{
    return arg_infer(c, 1);
}

/* Whether v takes the place of best. */
static int beats(const arg_params *p, double v, double best)
{
    if (v != v || best != best)
        return v != v && (best == best || p->last);
    if (v == best)
        return p->last;
    return p->smallest ? v < best : v > best;
}

static void arg_forward(const cx_call *call)
{
    const arg_params *p = call->c->params;
    const rows *r = &p->rows;
    int64_t count = r->outer * r->inner;
    int threads = call->c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (count * r->size > CX_SMALL_WORK)
    for (int64_t row = 0; row < count; row++) {
        const cxai_real *x = call->x[0].data + row_start(r, row, r->size);
        int64_t at = 0;
        for (int64_t i = 1; i < r->size; i++)
            if (beats(p, (double)x[i * r->inner], (double)x[at * r->inner]))
                at = i;
        call->y[0].data[row] = (cxai_real)at;
    }
}

static cxai_status arg_fold(const cx_case *c, cx_literal *const *y)
{
    const arg_params *p = c->params;
    const rows *r = &p->rows;
    const cx_literal *x = c->x_literal[0];
    int64_t *to = y[0]->data;
    for (int64_t row = 0; row < r->outer * r->inner; row++) {
        int64_t start = row_start(r, row, r->size);
        for (int64_t i = 1; i < r->size; i++)
            if (beats(p, cx_literal_number(x, start + i * r->inner),
                      cx_literal_number(x, start + to[row] * r->inner)))
                to[row] = i;
    }
    return CXAI_OK;
}

static const cx_sample arg_samples[] = {
    { .inputs = "2,3,4" },
    { .inputs = "2,3,4", .attributes = "axis=-1 keepdims=0" },
    { .inputs = "2,3=1,3,3,2,2,0", .attributes = "axis=1 select_last_index=1" },
};

/* ---- TopK ---------------------------------------------------------------- */

typedef struct top_params {
    rows rows;
    int64_t k;
    int smallest;
} top_params;

/* k was an attribute before opset 10. */
static cxai_status read_k(const cx_case *c, int64_t *k)
{
    *k = cx_attribute_int(c->attributes, "k", -1);
    if (!cx_has_input(c, 1))
        return CXAI_OK;
    const cx_literal *literal = c->x_literal[1];
    if (literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its k is computed from the data; only constants are "
                         "supported");
    if (literal->type == CX_REAL || cx_literal_count(literal) != 1)
        return cx_refuse(c, CXAI_MALFORMED, "its k is not one integer");
    *k = cx_literal_int(literal, 0);
    return CXAI_OK;
}

static void top_demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status top_infer(const cx_case *c)
{
    top_params *p = c->params;
    int axis = 0;
    cxai_status status = read_rows(c, -1, &p->rows, &axis);
    if (status == CXAI_OK)
        status = read_k(c, &p->k);
    if (status != CXAI_OK)
        return status;
    if (p->k < 0 || p->k > p->rows.size)
        return cx_refuse(c, CXAI_MALFORMED,
                         "the first %lld of %lld elements are asked for",
                         (long long)p->k, (long long)p->rows.size);
    p->smallest = cx_attribute_int(c->attributes, "largest", 1) == 0;
    cxai_shape y = c->x_shape[0];
    y.dim[axis] = p->k;
    status = cx_set_shape(c, 0, &y);
    if (status == CXAI_OK && c->output_count > 1) {
        c->y_type[1] = CX_INT64;
        status = cx_set_shape(c, 1, &y);
    }
    return status == CXAI_OK ? cx_check_demand(c, top_demand, 1) : status;
}

/* An element of a row: its number, and the key by which rows are ordered. */
typedef struct element {
    double key;
    int64_t number;
} element;

static int comes_first(const element *a, const element *b)
{
    return a->key > b->key || (a->key == b->key && a->number < b->number);
}

static element element_of(const top_params *p, double value, int64_t number)
{
    double key = value != value ? (double)INFINITY : value;
    return (element){ p->smallest ? -key : key, number };
}

/* Restores the heap of n elements below place i: none comes before the one
   above it. */
static void sink(element *heap, int64_t n, int64_t i)
{
    element moved = heap[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && comes_first(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_first(&heap[child], &moved))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* The numbers of the first k of n elements, in order, each `step` after the
   other. */
static void select_first(element *heap, int64_t n, int64_t k, int64_t *number,
                         int64_t step)
{
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        sink(heap, n, i);
    for (int64_t i = 0; i < k; i++) {
        number[i * step] = heap[0].number;
        heap[0] = heap[--n];
        sink(heap, n, 0);
    }
}

/* The numbers of all rows, as y lies in memory. */
static void select_rows(const cx_call *call, int64_t *number)
{
    const top_params *p = call->c->params;
    const rows *r = &p->rows;
    int64_t count = r->outer * r->inner;
    int threads = call->c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (count * r->size > CX_SMALL_WORK)
    for (int64_t row = 0; row < count; row++) {
        element *heap =
            (element *)call->workspace + cx_thread_number() * r->size;
        const cxai_real *x = call->x[0].data + row_start(r, row, r->size);
        for (int64_t i = 0; i < r->size; i++)
            heap[i] = element_of(p, (double)x[i * r->inner], i);
        select_first(heap, r->size, p->k, number + row_start(r, row, p->k),
                     r->inner);
    }
}

/* Where element i of y comes from in x. */
static int64_t source(const top_params *p, const int64_t *number, int64_t i)
{
    const rows *r = &p->rows;
    int64_t outer = i / (p->k * r->inner);
    return (outer * r->size + number[i]) * r->inner + i % r->inner;
}

static void top_forward(const cx_call *call)
{
    const top_params *p = call->c->params;
    int64_t *number = call->saved;
    int64_t count = cxai_shape_count(&call->c->y_shape[0]);
    select_rows(call, number);
    for (int64_t i = 0; call->y[0].data != NULL && i < count; i++)
        call->y[0].data[i] = call->x[0].data[source(p, number, i)];
    if (call->c->output_count > 1 && call->y[1].data != NULL)
        for (int64_t i = 0; i < count; i++)
            call->y[1].data[i] = (cxai_real)number[i];
}

static void top_backward(const cx_call *call)
{
    const top_params *p = call->c->params;
    const int64_t *number = call->saved;
    int64_t count = cxai_shape_count(&call->c->y_shape[0]);
    cxai_real *dx = call->dx[0].data;
    memset(dx, 0, (size_t)cxai_shape_count(&call->c->x_shape[0]) * sizeof *dx);
    for (int64_t i = 0; call->dy[0].data != NULL && i < count; i++)
        dx[source(p, number, i)] = call->dy[0].data[i];
}

static void top_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const top_params *p = c->params;
    (void)wanted;
    demand->saved_bytes = cx_size_times(
        (size_t)cxai_shape_count(&c->y_shape[0]), sizeof(int64_t));
    demand->forward_workspace =
        cx_size_times(cx_size_times((size_t)p->rows.size, sizeof(element)),
                      (size_t)c->threads);
}

static cxai_status top_fold(const cx_case *c, cx_literal *const *y)
{
    const top_params *p = c->params;
    const rows *r = &p->rows;
    const cx_literal *x = c->x_literal[0];
    int64_t count = cx_literal_count(y[0]);
    size_t item = cx_type_size(x->type);
    element *heap = cx_arena_alloc(c->arena, (size_t)r->size, sizeof *heap);
    int64_t *number = cx_arena_alloc(c->arena, (size_t)count, sizeof *number);
    if (heap == NULL || number == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    for (int64_t row = 0; row < r->outer * r->inner; row++) {
        int64_t start = row_start(r, row, r->size);
        for (int64_t i = 0; i < r->size; i++)
            heap[i] =
                element_of(p, cx_literal_number(x, start + i * r->inner), i);
        select_first(heap, r->size, p->k, number + row_start(r, row, p->k),
                     r->inner);
    }
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)y[0]->data + (size_t)i * item,
               (char *)x->data + (size_t)source(p, number, i) * item, item);
    if (c->output_count > 1 && y[1] != NULL)
        memcpy(y[1]->data, number, (size_t)count * sizeof *number);
    return CXAI_OK;
}

static const cx_sample top_samples[] = {
    { .inputs = "3,7;=3", .outputs = 2 },
    { .inputs = "5,3;=2", .attributes = "axis=0 largest=0", .outputs = 2 },
    { .inputs = "4;=4" },
    { .inputs = "2,4", .attributes = "k=2", .opset = 9, .outputs = 2 },
    { .inputs = "2,3=1,3,3,2,2,0;=2", .outputs = 2 },
    { .inputs = "4~0.5,2,-1,1;=2", .outputs = 2 },
};

#define ARG(type, operator)                                                    \
    {                                                                          \
        .name = type, .min_inputs = 1, .max_inputs = 1,                        \
        .layout = CX_ROW_MAJOR, .params_size = sizeof(arg_params),             \
        .carries_integers = 1, .infer = operator##_infer,                      \
        .forward = arg_forward, .fold = arg_fold,                              \
        .not_differentiable = "its output is the number of an element",        \
        CX_SAMPLES(arg_samples)                                                \
    }

static const cx_operator operators[] = {
    ARG("ArgMax", greatest),
    ARG("ArgMin", smallest),
    { .name = "TopK",
      .min_inputs = 1,
      .max_inputs = 2,
      .max_outputs = 2,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(top_params),
      .carries_integers = 1,
      .infer = top_infer,
      .demand = top_demand,
      .forward = top_forward,
      .backward = top_backward,
      .fold = top_fold,
      CX_SAMPLES(top_samples) },
};

const cx_operator_family cx_operators_order = CX_FAMILY(operators);
