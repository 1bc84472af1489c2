/*
 * Gemm: y = alpha a' b' + beta c, where a' and b' are a and b or their
 * transposes. MatMul: numpy.matmul, a product of the last two axes over
 * broadcast batches.
 *
 * Both, and all their gradients, are products of strided matrices
 * (kernels/multiply.h); weights are read as they lie, in both directions.
 */
#include "base/size.h"
#include "kernels/multiply.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"

enum { A, B, C }; /* inputs */

/* The three products of a node. */
enum { PRODUCT, GRADIENT_A, GRADIENT_B, PRODUCTS };

/* A matrix in memory. */
typedef struct strides {
    int64_t row, column;
} strides;

typedef struct params {
    int64_t rows, columns, depth; /* a': rows,depth; b': depth,columns */
    strides a, b;
    int transposes_a, transposes_b;
    cxai_real alpha, beta;
    /* the batch; offsets are 0 along axes that are broadcast */
    int batch_rank;
    int64_t batch[CXAI_MAX_RANK];
    int64_t a_batch[CXAI_MAX_RANK], b_batch[CXAI_MAX_RANK];
    int64_t y_batch[CXAI_MAX_RANK];
} params;

/* ---- the products -------------------------------------------------------- */

/* y = a' b', without pointers. */
static cx_multiply plain_product(const params *p)
{
    return (cx_multiply){
        .rows = p->rows,
        .columns = p->columns,
        .depth = p->depth,
        .a_row = p->a.row,
        .a_column = p->a.column,
        .b_row = p->b.row,
        .b_column = p->b.column,
        .c_row = p->columns,
    };
}

/* da' = dy b'^T; as a lies in memory: da = b' dy^T when a is transposed. */
static cx_multiply gradient_a(const params *p)
{
    if (p->transposes_a)
        return (cx_multiply){
            .rows = p->depth,
            .columns = p->rows,
            .depth = p->columns,
            .a_row = p->b.row,
            .a_column = p->b.column,
            .b_row = 1,
            .b_column = p->columns,
            .c_row = p->rows,
        };
    return (cx_multiply){
        .rows = p->rows,
        .columns = p->depth,
        .depth = p->columns,
        .a_row = p->columns,
        .a_column = 1,
        .b_row = p->b.column,
        .b_column = p->b.row,
        .c_row = p->depth,
    };
}

/* db' = a'^T dy; as b lies in memory: db = dy^T a' when b is transposed. */
static cx_multiply gradient_b(const params *p)
{
    if (p->transposes_b)
        return (cx_multiply){
            .rows = p->columns,
            .columns = p->depth,
            .depth = p->rows,
            .a_row = 1,
            .a_column = p->columns,
            .b_row = p->a.row,
            .b_column = p->a.column,
            .c_row = p->depth,
        };
    return (cx_multiply){
        .rows = p->depth,
        .columns = p->columns,
        .depth = p->rows,
        .a_row = p->a.column,
        .a_column = p->a.row,
        .b_row = p->columns,
        .b_column = 1,
        .c_row = p->columns,
    };
}

static cx_multiply product_of(const params *p, int which)
{
    return which == PRODUCT      ? plain_product(p)
           : which == GRADIENT_A ? gradient_a(p)
                                 : gradient_b(p);
}

/* Runs one of the products for every item of the batch. Where the result is
   broadcast, items are added in ascending order. */
static void run_batch(const cx_case *c, cx_multiply m, const int64_t *a_batch,
                      const int64_t *b_batch, const int64_t *c_batch,
                      void *workspace)
{
    const params *p = c->params;
    const cx_multiply start = m;
    int64_t items = 1;
    for (int i = 0; i < p->batch_rank; i++)
        items *= p->batch[i];
    for (int64_t item = 0; item < items; item++) {
        int64_t rest = item;
        m = start;
        for (int i = p->batch_rank - 1; i >= 0; i--) {
            int64_t at = rest % p->batch[i];
            rest /= p->batch[i];
            m.a += at * a_batch[i];
            m.b += at * b_batch[i];
            m.c += at * c_batch[i];
            m.accumulate |= at > 0 && c_batch[i] == 0;
        }
        cx_multiply_run(c->kernels, &m, c->threads, workspace);
    }
}

static void scale(const cxai_tensor *t, cxai_real factor)
{
    int64_t count = cxai_shape_count(&t->shape);
    for (int64_t i = 0; i < count && factor != 1; i++)
        t->data[i] *= factor;
}

static void backward_a(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *dy = call->dy[0].data, *b = call->x[B].data;
    cx_multiply m = gradient_a(p);
    m.a = p->transposes_a ? b : dy;
    m.b = p->transposes_a ? dy : b;
    m.c = call->dx[A].data;
    /* a batch never comes with a transposed operand */
    run_batch(call->c, m, p->y_batch, p->b_batch, p->a_batch, call->workspace);
    scale(&call->dx[A], p->alpha);
}

static void backward_b(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *dy = call->dy[0].data, *a = call->x[A].data;
    cx_multiply m = gradient_b(p);
    m.a = p->transposes_b ? dy : a;
    m.b = p->transposes_b ? a : dy;
    m.c = call->dx[B].data;
    run_batch(call->c, m, p->a_batch, p->y_batch, p->b_batch, call->workspace);
    scale(&call->dx[B], p->alpha);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    for (int which = 0; which < PRODUCTS; which++) {
        const cx_multiply m = product_of(p, which);
        size_t bytes = cx_multiply_workspace(c->kernels, &m, c->threads);
        int runs = which == PRODUCT ||
                   (wanted & 1u << (which == GRADIENT_A ? A : B)) != 0;
        size_t *most = which == PRODUCT ? &demand->forward_workspace
                                        : &demand->backward_workspace;
        if (runs && bytes > *most)
            *most = bytes;
    }
    if (wanted & 1u << A)
        demand->keep_inputs |= 1u << B;
    if (wanted & 1u << B)
        demand->keep_inputs |= 1u << A;
}

/* ---- Gemm ---------------------------------------------------------------- */

static cxai_status refuse_shapes(const cx_case *c)
{
    char a[64], b[64];
    return cx_refuse(c, CXAI_INVALID, "matrices of %s and %s do not fit",
                     cxai_shape_text(&c->x_shape[A], a, sizeof a),
                     cxai_shape_text(&c->x_shape[B], b, sizeof b));
}

static cxai_status check_summand(const cx_case *c, const cxai_shape *y)
{
    cxai_shape both;
    char text[64];
    if (!cx_has_input(c, C) ||
        (cx_shape_broadcast(&c->x_shape[C], y, &both) == 0 &&
         cxai_shape_equal(&both, y)))
        return CXAI_OK;
    return cx_refuse(c, CXAI_INVALID,
                     "its input C of %s cannot be broadcast to the product's "
                     "%lldx%lld",
                     cxai_shape_text(&c->x_shape[C], text, sizeof text),
                     (long long)y->dim[0], (long long)y->dim[1]);
}

static cxai_status gemm_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *a = &c->x_shape[A], *b = &c->x_shape[B];
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (a->rank != 2 || b->rank != 2)
        return refuse_shapes(c);
    p->alpha = (cxai_real)cx_attribute_float(c->attributes, "alpha", 1);
    p->beta = (cxai_real)cx_attribute_float(c->attributes, "beta", 1);
    p->transposes_a = cx_attribute_int(c->attributes, "transA", 0) != 0;
    p->transposes_b = cx_attribute_int(c->attributes, "transB", 0) != 0;
    p->rows = a->dim[p->transposes_a];
    p->depth = a->dim[!p->transposes_a];
    p->columns = b->dim[!p->transposes_b];
    if (b->dim[p->transposes_b] != p->depth)
        return refuse_shapes(c);
    p->a = p->transposes_a ? (strides){ 1, p->rows } : (strides){ p->depth, 1 };
    p->b =
        p->transposes_b ? (strides){ 1, p->depth } : (strides){ p->columns, 1 };
    const cxai_shape y = { 2, { p->rows, p->columns } };
    status = check_summand(c, &y);
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, &y);
    return status == CXAI_OK ? cx_check_demand(c, demand, 3) : status;
}

/* y = clip(alpha y + beta c + residual). */
static void finish(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_epilogue epilogue = cx_call_epilogue(call);
    const cxai_real *residual = cx_epilogue_residual(&epilogue);
    cx_view c = { .data = NULL };
    if (cx_has_input(call->c, C)) {
        c = cx_view_of(&call->x[C]);
        c = cx_view_broadcast(c, &call->y[0].shape);
    }
    for (int64_t i = 0; i < p->rows; i++) {
        cxai_real *y = call->y[0].data + i * p->columns;
        const cxai_real *row = c.data;
        if (row != NULL)
            row += i * c.stride[0];
        for (int64_t j = 0; j < p->columns; j++) {
            cxai_real v = p->alpha * y[j];
            if (row != NULL)
                v += p->beta * row[j * c.stride[1]];
            if (residual != NULL)
                v += residual[i * p->columns + j];
            v = v < epilogue.low ? epilogue.low : v;
            y[j] = v > epilogue.high ? epilogue.high : v;
        }
    }
    cx_save_mask(call);
}

static void gemm_forward(const cx_call *call)
{
    cx_multiply m = plain_product(call->c->params);
    m.a = call->x[A].data;
    m.b = call->x[B].data;
    m.c = call->y[0].data;
    cx_multiply_run(call->c->kernels, &m, call->c->threads, call->workspace);
    finish(call);
}

static void gemm_backward(const cx_call *call)
{
    const params *p = call->c->params;
    if (call->dx[A].data != NULL)
        backward_a(call);
    if (call->dx[B].data != NULL)
        backward_b(call);
    if (!cx_has_input(call->c, C) || call->dx[C].data == NULL)
        return;
    cx_view dc = cx_view_of(&call->dx[C]), dy = cx_view_of(&call->dy[0]);
    cx_view_fill(&dc, 0);
    dc = cx_view_broadcast(dc, &call->dy[0].shape);
    cx_view_add(&dc, &dy);
    scale(&call->dx[C], p->beta);
}

/* ---- MatMul -------------------------------------------------------------- */

/* Axes of a shape that come before its matrix. */
static int batch_axes(const cxai_shape *shape)
{
    return shape->rank > 2 ? shape->rank - 2 : 0;
}

/* Offsets of an operand's matrices in the batch, aligned at its last axis. */
static void set_batch(const params *p, const cxai_shape *shape, int64_t matrix,
                      int64_t *offset)
{
    int own = batch_axes(shape);
    for (int i = p->batch_rank - 1, k = own - 1; i >= 0; i--, k--) {
        offset[i] = k < 0 || shape->dim[k] == 1 ? 0 : matrix;
        matrix *= k < 0 ? 1 : shape->dim[k];
    }
}

/* A batch of a over one b is a single, taller matrix. */
static void merge_batch(params *p)
{
    while (p->batch_rank > 0) {
        int last = p->batch_rank - 1;
        int64_t count = p->batch[last];
        if (p->b_batch[last] != 0 || p->a_batch[last] != p->rows * p->depth ||
            p->y_batch[last] != p->rows * p->columns)
            return;
        p->rows *= count;
        p->batch_rank--;
    }
}

static cxai_status set_matmul_shape(const cx_case *c, const cxai_shape *batch)
{
    const params *p = c->params;
    const cxai_shape *a = &c->x_shape[A], *b = &c->x_shape[B];
    cxai_shape y = *batch;
    if (a->rank > 1)
        y.dim[y.rank++] = p->rows;
    if (b->rank > 1)
        y.dim[y.rank++] = p->columns;
    return cx_set_shape(c, 0, &y);
}

static cxai_status matmul_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *a = &c->x_shape[A], *b = &c->x_shape[B];
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (a->rank < 1 || b->rank < 1)
        return refuse_shapes(c);
    p->alpha = 1;
    p->rows = a->rank > 1 ? a->dim[a->rank - 2] : 1;
    p->depth = a->dim[a->rank - 1];
    p->columns = b->rank > 1 ? b->dim[b->rank - 1] : 1;
    p->a = (strides){ p->depth, 1 };
    p->b = (strides){ p->columns, 1 };
    cxai_shape a_outer = *a, b_outer = *b, batch;
    a_outer.rank = batch_axes(a);
    b_outer.rank = batch_axes(b);
    if (b->dim[b->rank > 1 ? b->rank - 2 : 0] != p->depth ||
        cx_shape_broadcast(&a_outer, &b_outer, &batch) != 0)
        return refuse_shapes(c);
    status = set_matmul_shape(c, &batch);
    if (status != CXAI_OK)
        return status;
    p->batch_rank = batch.rank;
    for (int i = 0; i < batch.rank; i++)
        p->batch[i] = batch.dim[i];
    set_batch(p, a, p->rows * p->depth, p->a_batch);
    set_batch(p, b, p->depth * p->columns, p->b_batch);
    batch.rank += 2; /* of y, whose matrices have both axes here */
    set_batch(p, &batch, p->rows * p->columns, p->y_batch);
    merge_batch(p);
    return cx_check_demand(c, demand, 3);
}

static void matmul_forward(const cx_call *call)
{
    const params *p = call->c->params;
    cx_multiply m = plain_product(p);
    m.a = call->x[A].data;
    m.b = call->x[B].data;
    m.c = call->y[0].data;
    run_batch(call->c, m, p->a_batch, p->b_batch, p->y_batch, call->workspace);
}

static void matmul_backward(const cx_call *call)
{
    if (call->dx[A].data != NULL)
        backward_a(call);
    if (call->dx[B].data != NULL)
        backward_b(call);
}

/* ---- table --------------------------------------------------------------- */

static const cx_sample gemm_samples[] = {
    { .inputs = "3,4;4,5;5" },
    { .inputs = "3,4;5,4", .attributes = "transB=1" },
    { .inputs = "4,3;4,5;3,1", .attributes = "transA=1" },
    { .inputs = "4,3;5,4;3,5", .attributes = "transA=1 transB=1 alpha=0.5f" },
    { .inputs = "1,20;9,20;9", .attributes = "transB=1 beta=0.25f" },
    { .inputs = "1,20;20,9;1,9", .attributes = "alpha=2f" },
    { .inputs = "20,1;20,9", .attributes = "transA=1" },
    { .inputs = "9,20;20,35;1", .attributes = "beta=3f" },
    { .inputs = "9,20;35,20;35", .attributes = "transB=1" },
};

static const cx_sample matmul_samples[] = {
    { .inputs = "3,4;4,5" },         { .inputs = "4;4,5" },
    { .inputs = "3,4;4" },           { .inputs = "4;4" },
    { .inputs = "2,3,4;4,5" },       { .inputs = "2,3,4,5;3,5,2" },
    { .inputs = "3,4;2,4,5" },       { .inputs = "2,1,3,4;3,4,2" },
    { .inputs = "1,3,9,5;2,1,5,7" }, { .inputs = "2,9,6;2,6,1" },
    { .inputs = "5;2,5,3" },         { .inputs = "2,3,5;5" },
};

static const cx_operator operators[] = {
    {
        .name = "Gemm",
        .min_inputs = 2,
        .max_inputs = 3,
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(params),
        .fuses_epilogue = 1,
        .infer = gemm_infer,
        .demand = demand,
        .forward = gemm_forward,
        .backward = gemm_backward,
        CX_SAMPLES(gemm_samples),
    },
    {
        .name = "MatMul",
        .min_inputs = 2,
        .max_inputs = 2,
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(params),
        .infer = matmul_infer,
        .demand = demand,
        .forward = matmul_forward,
        .backward = matmul_backward,
        CX_SAMPLES(matmul_samples),
    },
};

const cx_operator_family cx_operators_gemm = CX_FAMILY(operators);
