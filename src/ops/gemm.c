/*
 * Gemm: y = alpha a' b' + beta c, where a' and b' are a and b or their
 * transposes. MatMul: numpy.matmul, a product of the last two axes over
 * broadcast batches.
 *
 * Both, and all their gradients, are batches of matrix products
 * (common/product.h); weights are read as they lie, in both directions.
 */
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/product.h"

/* Inputs. MatMul's C is a bias, one number a column, fused in. */
enum { A, B, C };

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

static size_t packed_bytes(const cx_case *c, cx_product_kind kind)
{
    const cx_product *p = &((const params *)c->params)->product;
    return c->x_literal[B] != NULL ? cx_product_packed_bytes(c, p, kind) : 0;
}

/* Whether C is a number for each column, added to the plain product. */
static int has_bias(const cx_case *c)
{
    const params *p = c->params;
    if (!cx_has_input(c, C) || p->alpha != 1 || p->beta != 1)
        return 0;
    const cxai_shape *shape = &c->x_shape[C];
    return shape->rank > 0 &&
           shape->dim[shape->rank - 1] == p->product.columns &&
           cxai_shape_count(shape) == p->product.columns;
}

/* Whether it is packed together with b. */
static int packs_bias(const cx_case *c)
{
    return has_bias(c) && c->x_literal[C] != NULL &&
           c->x_literal[C]->place == NULL && packed_bytes(c, CX_PRODUCT) > 0;
}

/* Elements of y, which are clip(alpha y + beta c + residual). */
typedef struct finisher {
    const params *p;
    cxai_real *y;
    const cxai_real *c; /* NULL: none; strides of a row and of a column: */
    int64_t c_row, c_column;
    const cxai_real *residual;
    cxai_real low, high;
} finisher;

static void finish_row(const finisher *f, int64_t i)
{
    int64_t columns = f->p->product.columns;
    cxai_real *y = f->y + i * columns;
    const cxai_real *c = f->c != NULL ? f->c + i * f->c_row : NULL;
    const cxai_real *residual =
        f->residual != NULL ? f->residual + i * columns : NULL;
    for (int64_t j = 0; j < columns; j++) {
        cxai_real v = f->p->alpha * y[j];
        if (c != NULL)
            v += f->p->beta * c[j * f->c_column];
        if (residual != NULL)
            v += residual[j];
        v = v < f->low ? f->low : v;
        y[j] = v > f->high ? f->high : v;
    }
}

/* Where C is read in row i and column j of y: one axis each. */
static void set_summand(const cx_call *call, finisher *f)
{
    const cxai_tensor *c = &call->x[C];
    const cxai_shape matrix = { 2, { 1, f->p->product.columns } };
    int flat = cxai_shape_count(&c->shape) == f->p->product.columns;
    cx_view view = cx_view_of(c);
    if (flat)
        view = cx_view_dense(c->data, sizeof(cxai_real), &matrix);
    else
        view = cx_view_broadcast(view, &call->y[0].shape);
    f->c = c->data;
    f->c_row = flat ? 0 : view.stride[0];
    f->c_column = view.stride[1];
}

/* What the product has not done already. */
static void finish(const cx_call *call, const cx_epilogue *epilogue)
{
    const params *p = call->c->params;
    int64_t columns = p->product.columns;
    int64_t count = cxai_shape_count(&call->y[0].shape);
    finisher f = { .p = p,
                   .y = call->y[0].data,
                   .residual = cx_epilogue_residual(epilogue),
                   .low = epilogue->low,
                   .high = epilogue->high };
    if (cx_has_input(call->c, C) && !packs_bias(call->c))
        set_summand(call, &f);
    if (count == 0 ||
        (f.c == NULL && p->alpha == 1 &&
         epilogue->activation == CX_NO_ACTIVATION && f.residual == NULL))
        return;
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (count > CX_SMALL_WORK)
    for (int64_t i = 0; i < count / columns; i++)
        finish_row(&f, i);
}

/* y = clip(alpha a' b' + beta c + residual). */
static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_epilogue epilogue = cx_call_epilogue(call);
    int biased = has_bias(call->c);
    const cx_multiply_finish whole = {
        .bias = biased && !packs_bias(call->c) ? call->x[C].data : NULL,
        .residual = cx_epilogue_residual(&epilogue),
        .low = epilogue.low,
        .high = epilogue.high,
    };
    cx_factors factors = {
        .first = call->x[A].data,
        .second = call->x[B].data,
        .packed = call->prepared[CX_FORWARD],
        .result = call->y[0].data,
    };
    int at_once = p->product.batch_rank == 0 && p->alpha == 1 &&
                  (biased || !cx_has_input(call->c, C));
    if (at_once)
        factors.finish = &whole;
    cx_product_run(call->c, &p->product, CX_PRODUCT, &factors, call->workspace);
    if (!at_once)
        finish(call, &epilogue);
    cx_save_mask(call);
}

/* dA and dB. */
static void factors_backward(const cx_call *call)
{
    const params *p = call->c->params;
    if (call->dx[A].data != NULL) {
        const cx_factors factors = { .first = call->dy[0].data,
                                     .second = call->x[B].data,
                                     .packed = call->prepared[CX_BACKWARD],
                                     .result = call->dx[A].data };
        cx_product_run(call->c, &p->product, CX_GRADIENT_A, &factors,
                       call->workspace);
        scale(&call->dx[A], p->alpha);
    }
    if (call->dx[B].data != NULL) {
        const cx_factors factors = { .first = call->x[A].data,
                                     .second = call->dy[0].data,
                                     .result = call->dx[B].data };
        cx_product_run(call->c, &p->product, CX_GRADIENT_B, &factors,
                       call->workspace);
        scale(&call->dx[B], p->alpha);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const cx_product *p = &((const params *)c->params)->product;
    demand->forward_workspace = cx_product_workspace(c, p, CX_PRODUCT);
    demand->prepared_bytes[CX_FORWARD] = packed_bytes(c, CX_PRODUCT);
    if (wanted & 1u << A) {
        demand->prepared_bytes[CX_BACKWARD] = packed_bytes(c, CX_GRADIENT_A);
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
    int forwards = pass == CX_FORWARD;
    cx_product_pack(
        c, p, forwards ? CX_PRODUCT : CX_GRADIENT_A, c->x_literal[B]->data,
        forwards && packs_bias(c) ? c->x_literal[C]->data : NULL, prepared);
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

static void gemm_backward(const cx_call *call)
{
    const params *p = call->c->params;
    factors_backward(call);
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
        if (count != 1 &&
            (p->b_batch[last] != 0 || p->a_batch[last] != p->rows * p->depth ||
             p->y_batch[last] != p->rows * p->columns))
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
    numbers->alpha = numbers->beta = 1;
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
        .forward = forward,
        .backward = gemm_backward,
        CX_SAMPLES(gemm_samples),
    },
    {
        .name = "MatMul",
        .min_inputs = 2,
        .max_inputs = 2,
        .layout = CX_ROW_MAJOR,
        .params_size = sizeof(params),
        .fuses_epilogue = 1,
        .takes_bias = 1,
        .infer = matmul_infer,
        .demand = demand,
        .prepare = prepare,
        .forward = forward,
        .backward = factors_backward,
        CX_SAMPLES(matmul_samples),
    },
};

const cx_operator_family cx_operators_gemm = CX_FAMILY(operators);
