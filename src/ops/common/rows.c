#include "ops/common/rows.h"

#include <math.h>
#include <string.h>

enum {
    OUT = 0, /* operand 0 is the output, 1.. are the inputs */
    OPERANDS = 1 + CX_ROW_INPUTS,
    BLOCK = 256,         /* elements a row function sees at once */
    PARALLEL = 32 << 10, /* elements below which one thread is faster */
    LANES = 16,
};

/* Nested loops, the last innermost; stride[axis][operand]. */
typedef struct loops {
    int rank;
    int64_t size[CXAI_MAX_RANK];
    int64_t stride[CXAI_MAX_RANK][OPERANDS];
    cxai_real *data[OPERANDS];
} loops;

/* A row function's inputs of one thread, copied where they are not
   contiguous. */
typedef struct buffers {
    cxai_real out[BLOCK];
    cxai_real in[CX_ROW_INPUTS][BLOCK];
    const cxai_real *repeated[CX_ROW_INPUTS]; /* what fills in[k] whole */
} buffers;

static int64_t broadcast_stride(const cxai_tensor *t, int axis, int rank)
{
    int own = axis - (rank - t->shape.rank);
    return own < 0 || t->shape.dim[own] == 1 ? 0 : t->stride[own];
}

static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

static void swap_axes(loops *l, int a, int b)
{
    int64_t stride[OPERANDS], size = l->size[a];
    l->size[a] = l->size[b];
    l->size[b] = size;
    memcpy(stride, l->stride[a], sizeof stride);
    memcpy(l->stride[a], l->stride[b], sizeof stride);
    memcpy(l->stride[b], stride, sizeof stride);
}

/* Axes in the memory order of one operand, the guide. */
static void sort_axes(loops *l, int guide)
{
    for (int i = 1; i < l->rank; i++)
        for (int a = i; a > 0 && magnitude(l->stride[a - 1][guide]) <
                                     magnitude(l->stride[a][guide]);
             a--)
            swap_axes(l, a - 1, a);
}

/* Two neighbours that every operand walks through as one become one. */
static void merge_axes(loops *l, int operands)
{
    int last = 0;
    for (int a = 1; a < l->rank; a++) {
        int merges = 1;
        for (int k = 0; k < operands; k++)
            merges &= l->stride[last][k] == l->stride[a][k] * l->size[a];
        if (merges) {
            l->size[last] *= l->size[a];
        } else {
            last++;
            l->size[last] = l->size[a];
        }
        memcpy(l->stride[last], l->stride[a], sizeof l->stride[a]);
    }
    l->rank = last + 1;
}

/* Returns 0 when there are no elements. */
static int build_loops(loops *l, const cx_rows *rows, const cxai_tensor *out,
                       const cxai_shape *shape, int guide)
{
    memset(l, 0, sizeof *l);
    l->data[OUT] = out->data;
    for (int k = 0; k < rows->count; k++)
        l->data[1 + k] = rows->in[k].data;
    for (int axis = 0; axis < shape->rank; axis++) {
        if (shape->dim[axis] == 0)
            return 0;
        if (shape->dim[axis] == 1)
            continue;
        int64_t *stride = l->stride[l->rank];
        stride[OUT] = broadcast_stride(out, axis, shape->rank);
        for (int k = 0; k < rows->count; k++)
            stride[1 + k] = broadcast_stride(&rows->in[k], axis, shape->rank);
        l->size[l->rank++] = shape->dim[axis];
    }
    if (l->rank == 0)
        l->size[l->rank++] = 1;
    sort_axes(l, guide);
    merge_axes(l, 1 + rows->count);
    return 1;
}

/* n elements from data as a contiguous row. */
static const cxai_real *input_row(buffers *b, int k, const cxai_real *data,
                                  int64_t stride, int64_t n)
{
    if (stride == 1)
        return data;
    if (stride == 0) {
        if (b->repeated[k] != data)
            for (int i = 0; i < BLOCK; i++)
                b->in[k][i] = *data;
        b->repeated[k] = data;
        return b->in[k];
    }
    for (int64_t i = 0; i < n; i++)
        b->in[k][i] = data[i * stride];
    b->repeated[k] = NULL;
    return b->in[k];
}

#define COMBINE(name, expression)                                              \
    static cxai_real name##_fold(const cxai_real *v, int64_t n, cxai_real a)   \
    {                                                                          \
        cxai_real lane[LANES];                                                 \
        int64_t i = 0;                                                         \
        if (n >= LANES) {                                                      \
            memcpy(lane, v, sizeof lane);                                      \
            for (i = LANES; i + LANES <= n; i += LANES)                        \
                for (int j = 0; j < LANES; j++) {                              \
                    cxai_real p = lane[j], q = v[i + j];                       \
                    lane[j] = expression;                                      \
                }                                                              \
            for (int width = LANES / 2; width > 0; width /= 2)                 \
                for (int j = 0; j < width; j++) {                              \
                    cxai_real p = lane[j], q = lane[j + width];                \
                    lane[j] = expression;                                      \
                }                                                              \
            cxai_real p = a, q = lane[0];                                      \
            a = expression;                                                    \
        }                                                                      \
        for (; i < n; i++) {                                                   \
            cxai_real p = a, q = v[i];                                         \
            a = expression;                                                    \
        }                                                                      \
        return a;                                                              \
    }                                                                          \
    static void name##_rows(cxai_real *out, int64_t stride,                    \
                            const cxai_real *v, int64_t n)                     \
    {                                                                          \
        if (stride == 1) {                                                     \
            for (int64_t i = 0; i < n; i++) {                                  \
                cxai_real p = out[i], q = v[i];                                \
                out[i] = expression;                                           \
            }                                                                  \
            return;                                                            \
        }                                                                      \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real p = out[i * stride], q = v[i];                           \
            out[i * stride] = expression;                                      \
        }                                                                      \
    }

COMBINE(sum, p + q)
COMBINE(product, p *q)
COMBINE(maximum, q > p || q != q ? q : p)
COMBINE(minimum, q < p || q != q ? q : p)

static const struct combination {
    cxai_real neutral;
    cxai_real (*fold)(const cxai_real *v, int64_t n, cxai_real a);
    void (*rows)(cxai_real *out, int64_t stride, const cxai_real *v, int64_t n);
} combinations[] = {
    [CX_SUM] = { 0, sum_fold, sum_rows },
    [CX_PRODUCT] = { 1, product_fold, product_rows },
    [CX_MAXIMUM] = { (cxai_real)-INFINITY, maximum_fold, maximum_rows },
    [CX_MINIMUM] = { (cxai_real)INFINITY, minimum_fold, minimum_rows },
};

/* What a walk does with each row: map when combination is NULL. */
typedef struct task {
    const cx_rows *rows;
    const struct combination *combination;
} task;

static void map_row(const task *t, buffers *b, const cxai_real *const *in,
                    cxai_real *out, int64_t stride, int64_t n)
{
    cxai_real *to = stride == 1 ? out : b->out;
    if (t->rows->function != NULL)
        t->rows->function(to, in, n, t->rows->parameter);
    else
        memcpy(to, in[0], (size_t)n * sizeof *to);
    if (stride != 1)
        for (int64_t i = 0; i < n; i++)
            out[i * stride] = to[i];
}

static void reduce_row(const task *t, buffers *b, const cxai_real *const *in,
                       cxai_real *out, int64_t stride, int64_t n)
{
    const cxai_real *values = in[0];
    if (t->rows->function != NULL) {
        t->rows->function(b->out, in, n, t->rows->parameter);
        values = b->out;
    }
    if (stride == 0)
        *out = t->combination->fold(values, n, *out);
    else
        t->combination->rows(out, stride, values, n);
}

static void innermost(const task *t, const loops *l, buffers *b,
                      const int64_t *offset)
{
    const int64_t *stride = l->stride[l->rank - 1];
    for (int64_t start = 0, n; start < l->size[l->rank - 1]; start += n) {
        n = l->size[l->rank - 1] - start;
        n = n < BLOCK ? n : BLOCK;
        const cxai_real *in[CX_ROW_INPUTS] = { 0 };
        for (int k = 0; k < t->rows->count; k++)
            in[k] = input_row(
                b, k, l->data[1 + k] + offset[1 + k] + start * stride[1 + k],
                stride[1 + k], n);
        cxai_real *out = l->data[OUT] + offset[OUT] + start * stride[OUT];
        if (t->combination == NULL)
            map_row(t, b, in, out, stride[OUT], n);
        else
            reduce_row(t, b, in, out, stride[OUT], n);
    }
}

static void walk(const task *t, const loops *l)
{
    buffers b;
    memset(b.repeated, 0, sizeof b.repeated);
    int64_t index[CXAI_MAX_RANK] = { 0 }, offset[OPERANDS] = { 0 };
    int axis;
    do {
        innermost(t, l, &b, offset);
        for (axis = l->rank - 2; axis >= 0; axis--) {
            for (int k = 0; k < OPERANDS; k++)
                offset[k] += l->stride[axis][k];
            if (++index[axis] < l->size[axis])
                break;
            for (int k = 0; k < OPERANDS; k++)
                offset[k] -= l->size[axis] * l->stride[axis][k];
            index[axis] = 0;
        }
    } while (axis >= 0);
}

/* The longest axis that the output has too, -1 when there is none. */
static int axis_to_split(const loops *l, const struct combination *combination)
{
    int axis = -1;
    for (int a = 0; a < l->rank; a++)
        if ((combination == NULL || l->stride[a][OUT] != 0) &&
            (axis < 0 || l->size[a] > l->size[axis]))
            axis = a;
    return axis;
}

static void walk_parallel(const task *t, const loops *l)
{
    int64_t count = 1;
    for (int a = 0; a < l->rank; a++)
        count *= l->size[a];
    int axis = axis_to_split(l, t->combination);
    int64_t parts = t->rows->threads;
    if (axis < 0 || parts < 2 || count < PARALLEL || l->size[axis] < parts) {
        walk(t, l);
        return;
    }
#pragma omp parallel for num_threads((int)parts) schedule(static)
    for (int64_t p = 0; p < parts; p++) {
        loops part = *l;
        int64_t from = l->size[axis] * p / parts;
        part.size[axis] = l->size[axis] * (p + 1) / parts - from;
        for (int k = 0; k < OPERANDS; k++)
            if (part.data[k] != NULL)
                part.data[k] += from * l->stride[axis][k];
        walk(t, &part);
    }
}

void cx_rows_map(const cx_rows *rows, const cxai_tensor *out)
{
    loops l;
    task t = { rows, NULL };
    if (build_loops(&l, rows, out, &out->shape, OUT))
        walk_parallel(&t, &l);
}

void cx_rows_reduce(const cx_rows *rows, cx_combine combine,
                    const cxai_tensor *out)
{
    loops l;
    task t = { rows, &combinations[combine] };
    cx_view view = cx_view_of(out);
    cx_view_fill(&view, t.combination->neutral);
    if (build_loops(&l, rows, out, &rows->in[0].shape, 1))
        walk_parallel(&t, &l);
}

void cx_rows_gradient(const cx_rows *rows, const cxai_tensor *out)
{
    if (cxai_shape_equal(&out->shape, &rows->in[0].shape))
        cx_rows_map(rows, out);
    else
        cx_rows_reduce(rows, CX_SUM, out);
}
