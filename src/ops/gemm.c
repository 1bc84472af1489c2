/*
 * Gemm: y = alpha a' b' + beta c, where a' and b' are a and b or their
 * transposes. MatMul: numpy.matmul, a product of the last two axes over
 * broadcast batches.
 *
 * Both, and all their gradients, are batches of matrix products
 * (common/product.h); weights are read as they lie, in both directions.
 */
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/product.h"

enum { A, B, C }; /* inputs */

typedef struct params {
    cx_product product;
    cxai_real alpha, beta;
} params;

static void scale(const cxai_tensor *t, cxai_real factor)
{
    int64_t count = cxai_shape_count(&t->shape);
    for (int64_t i = 0; i < count && factor != 1; i++)
        t->data[i] *= factor;
}

/* y before alpha. */
static void multiply(const cx_call *call)
{
    const params *p = call->c->params;
    cx_product_run(call->c, &p->product, CX_PRODUCT, call->x[A].data,
                   call->x[B].data, call->prepared[CX_FORWARD], call->y[0].data,
                   call->workspace);
}

static void multiply_backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *dy = call->dy[0].data;
    if (call->dx[A].data != NULL) {
        cx_product_run(call->c, &p->product, CX_GRADIENT_A, dy, call->x[B].data,
                       call->prepared[CX_BACKWARD], call->dx[A].data,
                       call->workspace);
        scale(&call->dx[A], p->alpha);
    }
    if (call->dx[B].data != NULL) {
        cx_product_run(call->c, &p->product, CX_GRADIENT_B, call->x[A].data, dy,
                       NULL, call->dx[B].data, call->workspace);
        scale(&call->dx[B], p->alpha);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const cx_product *p = &((const params *)c->params)->product;
    int constant = c->x_literal[B] != NULL;
    demand->forward_workspace = cx_product_workspace(c, p, CX_PRODUCT);
    if (constant)
        demand->prepared_bytes[CX_FORWARD] =
            cx_product_packed_bytes(c, p, CX_PRODUCT);
    if (wanted & 1u << A) {
        if (constant)
            demand->prepared_bytes[CX_BACKWARD] =
                cx_product_packed_bytes(c, p, CX_GRADIENT_A);
        demand->keep_inputs |= 1u << B;
        demand->backward_workspace = cx_product_workspace(c, p, CX_GRADIENT_A);
    }
    if (wanted & 1u << B) {
        size_t bytes = cx_product_workspace(c, p, CX_GRADIENT_B);
        demand->keep_inputs |= 1u << A;
        if (bytes > demand->backward_workspace)
            demand->backward_workspace = bytes;
    }
}

static void prepare(const cx_case *c, int pass, void *prepared)
{
    const cx_product *p = &((const params *)c->params)->product;
    cx_product_pack(c, p, pass == CX_FORWARD ? CX_PRODUCT : CX_GRADIENT_A,
                    c->x_literal[B]->data, prepared);
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
    params *numbers = c->params;
    cx_product *p = &numbers->product;
    const cxai_shape *a = &c->x_shape[A], *b = &c->x_shape[B];
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (a->rank != 2 || b->rank != 2)
        return refuse_shapes(c);
    numbers->alpha = (cxai_real)cx_attribute_float(c->attributes, "alpha", 1);
    numbers->beta = (cxai_real)cx_attribute_float(c->attributes, "beta", 1);
    p->transposes_a = cx_attribute_int(c->attributes, "transA", 0) != 0;
    p->transposes_b = cx_attribute_int(c->attributes, "transB", 0) != 0;
    p->rows = a->dim[p->transposes_a];
    p->depth = a->dim[!p->transposes_a];
    p->columns = b->dim[!p->transposes_b];
    if (b->dim[p->transposes_b] != p->depth)
        return refuse_shapes(c);
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
    int64_t rows = p->product.rows, columns = p->product.columns;
    for (int64_t i = 0; i < rows; i++) {
        cxai_real *y = call->y[0].data + i * columns;
        const cxai_real *row = c.data;
        if (row != NULL)
            row += i * c.stride[0];
        for (int64_t j = 0; j < columns; j++) {
            cxai_real v = p->alpha * y[j];
            if (row != NULL)
                v += p->beta * row[j * c.stride[1]];
            if (residual != NULL)
                v += residual[i * columns + j];
            v = v < epilogue.low ? epilogue.low : v;
            y[j] = v > epilogue.high ? epilogue.high : v;
        }
    }
    cx_save_mask(call);
}

static void gemm_forward(const cx_call *call)
{
    multiply(call);
    finish(call);
}

static void gemm_backward(const cx_call *call)
{
    const params *p = call->c->params;
    multiply_backward(call);
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
static void set_batch(const cx_product *p, const cxai_shape *shape,
                      int64_t matrix, int64_t *offset)
{
    int own = batch_axes(shape);
    for (int i = p->batch_rank - 1, k = own - 1; i >= 0; i--, k--) {
        offset[i] = k < 0 || shape->dim[k] == 1 ? 0 : matrix;
        matrix *= k < 0 ? 1 : shape->dim[k];
    }
}

/* A batch of a over one b is a single, taller matrix. */
static void merge_batch(cx_product *p)
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
    const cx_product *p = &((const params *)c->params)->product;
    cxai_shape y = *batch;
    if (c->x_shape[A].rank > 1)
        y.dim[y.rank++] = p->rows;
    if (c->x_shape[B].rank > 1)
        y.dim[y.rank++] = p->columns;
    return cx_set_shape(c, 0, &y);
}

static cxai_status matmul_infer(const cx_case *c)
{
    params *numbers = c->params;
    cx_product *p = &numbers->product;
    const cxai_shape *a = &c->x_shape[A], *b = &c->x_shape[B];
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (a->rank < 1 || b->rank < 1)
        return refuse_shapes(c);
    numbers->alpha = 1;
    p->rows = a->rank > 1 ? a->dim[a->rank - 2] : 1;
    p->depth = a->dim[a->rank - 1];
    p->columns = b->rank > 1 ? b->dim[b->rank - 1] : 1;
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
        .prepare = prepare,
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
        .prepare = prepare,
        .forward = multiply,
        .backward = multiply_backward,
        CX_SAMPLES(matmul_samples),
    },
};

const cx_operator_family cx_operators_gemm = CX_FAMILY(operators);
