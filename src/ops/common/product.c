#include "ops/common/product.h"

#include "base/size.h"
#include "kernels/work.h"

/* A matrix in memory. */
typedef struct strides {
    int64_t row, column;
} strides;

static strides row_major(int64_t columns)
{
    return (strides){ columns, 1 };
}

static strides transposed(strides s)
{
    return (strides){ s.column, s.row };
}

/* a', b' and y. */
static strides a_strides(const cx_product *p)
{
    return p->transposes_a ? transposed(row_major(p->rows))
                           : row_major(p->depth);
}

static strides b_strides(const cx_product *p)
{
    return p->transposes_b ? transposed(row_major(p->depth))
                           : row_major(p->columns);
}

/* result (rows,columns) = left (rows,depth) right (depth,columns) */
static cx_multiply multiply(int64_t rows, int64_t columns, int64_t depth,
                            strides left, strides right)
{
    return (cx_multiply){
        .rows = rows,
        .columns = columns,
        .depth = depth,
        .a_row = left.row,
        .a_column = left.column,
        .b_row = right.row,
        .b_column = right.column,
        .c_row = columns,
    };
}

/* Whether the second operand is the left factor: the transposed product is
   computed where the result lies transposed. */
static int is_swapped(const cx_product *p, cx_product_kind kind)
{
    return (kind == CX_GRADIENT_A && p->transposes_a) ||
           (kind == CX_GRADIENT_B && p->transposes_b);
}

/* da' = dy b'^T, or da = b' dy^T; db' = a'^T dy, or db = dy^T a'. */
static cx_multiply factors(const cx_product *p, cx_product_kind kind)
{
    strides a = a_strides(p), b = b_strides(p), dy = row_major(p->columns);
    switch (kind) {
    case CX_PRODUCT: break;
    case CX_GRADIENT_A:
        if (p->transposes_a)
            return multiply(p->depth, p->rows, p->columns, b, transposed(dy));
        return multiply(p->rows, p->depth, p->columns, dy, transposed(b));
    case CX_GRADIENT_B:
        if (p->transposes_b)
            return multiply(p->columns, p->depth, p->rows, transposed(dy), a);
        return multiply(p->depth, p->columns, p->rows, transposed(a), dy);
    }
    return multiply(p->rows, p->columns, p->depth, a, b);
}

static int64_t item_count(const cx_product *p)
{
    int64_t items = 1;
    for (int i = 0; i < p->batch_rank; i++)
        items *= p->batch[i];
    return items;
}

static const int64_t *result_batch(const cx_product *p, cx_product_kind kind)
{
    return kind == CX_PRODUCT      ? p->y_batch
           : kind == CX_GRADIENT_A ? p->a_batch
                                   : p->b_batch;
}

/* Whether each thread takes whole matrices of the batch, which none adds to:
   there must be enough of them for equal shares. */
static int takes_whole(const cx_case *c, const cx_product *p,
                       cx_product_kind kind)
{
    int64_t items = item_count(p);
    const int64_t *batch = result_batch(p, kind);
    for (int i = 0; i < p->batch_rank; i++)
        if (batch[i] == 0 && p->batch[i] > 1)
            return 0;
    return c->threads > 1 && items > 1 &&
           (items % c->threads == 0 || items >= 4 * c->threads);
}

/* Of a thread that takes whole matrices. */
static size_t room_bytes(const cx_case *c, const cx_product *p,
                         cx_product_kind kind)
{
    const cx_multiply m = factors(p, kind);
    return cx_size_line(cx_multiply_workspace(c->kernels, &m, 1));
}

size_t cx_product_workspace(const cx_case *c, const cx_product *p,
                            cx_product_kind kind)
{
    const cx_multiply m = factors(p, kind);
    if (takes_whole(c, p, kind))
        return cx_size_times((size_t)c->threads, room_bytes(c, p, kind));
    return cx_multiply_workspace(c->kernels, &m, c->threads);
}

size_t cx_product_packed_bytes(const cx_case *c, const cx_product *p,
                               cx_product_kind kind)
{
    const cx_multiply m = factors(p, kind);
    if (is_swapped(p, kind) || kind == CX_GRADIENT_B)
        return 0; /* b is the left factor, or none */
    for (int i = 0; i < p->batch_rank; i++)
        if (p->b_batch[i] != 0)
            return 0;
    return cx_multiply_packed_bytes(c->kernels, &m);
}

void cx_product_pack(const cx_case *c, const cx_product *p,
                     cx_product_kind kind, const cxai_real *b,
                     const cxai_real *bias, void *packed)
{
    cx_multiply m = factors(p, kind);
    m.b = b;
    cx_multiply_pack(c->kernels, &m, bias, packed);
}

/* Matrix number `item` of the batch. */
static cx_multiply item_of(const cx_product *p, cx_product_kind kind,
                           const cx_factors *f, int64_t item)
{
    int swapped = is_swapped(p, kind);
    const int64_t *first_batch =
        kind == CX_GRADIENT_A ? p->y_batch : p->a_batch;
    const int64_t *second_batch =
        kind == CX_GRADIENT_B ? p->y_batch : p->b_batch;
    const int64_t *batch = result_batch(p, kind);
    cx_multiply m = factors(p, kind);
    /* no gradient passes where there is none */
    m.skips_zeros = kind == CX_GRADIENT_A && !swapped;
    m.a = swapped ? f->second : f->first;
    m.b = swapped ? f->first : f->second;
    m.c = f->result;
    m.panels = f->packed;
    m.finish = f->finish;
    for (int i = p->batch_rank - 1; i >= 0; i--) {
        int64_t at = item % p->batch[i];
        item /= p->batch[i];
        m.a += at * (swapped ? second_batch : first_batch)[i];
        m.b += at * (swapped ? first_batch : second_batch)[i];
        m.c += at * batch[i];
        m.accumulate |= at > 0 && batch[i] == 0;
    }
    return m;
}

void cx_product_run(const cx_case *c, const cx_product *p, cx_product_kind kind,
                    const cx_factors *f, void *workspace)
{
    int64_t items = item_count(p);
    if (!takes_whole(c, p, kind)) {
        for (int64_t i = 0; i < items; i++) {
            const cx_multiply m = item_of(p, kind, f, i);
            cx_multiply_run(c->kernels, &m, c->threads, workspace);
        }
        return;
    }
    size_t room = room_bytes(c, p, kind);
    int64_t work = p->rows * p->columns;
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (work > CX_SMALL_WORK / (p->depth + 1) / items)
    for (int64_t i = 0; i < items; i++) {
        const cx_multiply m = item_of(p, kind, f, i);
        cx_multiply_run(c->kernels, &m, 1,
                        (char *)workspace + (size_t)cx_thread_number() * room);
    }
}
