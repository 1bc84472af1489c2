/*
 * Einsum of one or two inputs, in the explicit and the implicit form.
 *
 * Two inputs are brought to batches of matrices whose product is the result:
 * a label that both inputs and the output have is the batch, one of an input
 * and the output a row or a column, one of both inputs alone is summed by the
 * product, and one of a single input alone is summed before. Copies are made
 * only of tensors that do not already lie that way. The gradients are the
 * products that belong to it. One input is a copy or a sum.
 */
#include "base/size.h"
#include "ops/common/check.h"
#include "ops/common/equation.h"
#include "ops/common/product.h"

enum { A, B, Y = CX_EQUATION_OUTPUT }; /* tensors */

/* Which labels a loop runs over, in order. */
typedef struct labels {
    int count;
    int label[CX_MAX_LABELS];
} labels;

/* How a tensor is seen as a batch of matrices. */
typedef struct matrices {
    labels outer;  /* dense: batch, then rows and columns in their order here */
    labels summed; /* before the product */
    int transposed;
    int is_copied;
} matrices;

typedef struct params {
    cx_equation equation;
    cx_product product;
    matrices tensor[CX_EQUATION_TENSORS];
} params;

/* ---- labels -------------------------------------------------------------- */

static void add_label(labels *l, int label)
{
    l->label[l->count++] = label;
}

static void add_labels(labels *l, const labels *more)
{
    for (int i = 0; i < more->count; i++)
        add_label(l, more->label[i]);
}

static int64_t size_of(const cx_equation *e, const labels *l)
{
    int64_t size = 1;
    for (int i = 0; i < l->count; i++)
        size *= e->size[l->label[i]];
    return size;
}

/* A tensor's data along two lists of labels. */
static cx_view view_along(const cx_equation *e, int tensor,
                          const cxai_real *data, const labels *first,
                          const labels *second)
{
    cx_view view = { .data = (void *)(uintptr_t)data,
                     .item = sizeof(cxai_real) };
    labels all = *first;
    add_labels(&all, second);
    view.shape.rank = all.count;
    for (int i = 0; i < all.count; i++) {
        view.shape.dim[i] = e->size[all.label[i]];
        view.stride[i] = e->stride[tensor][all.label[i]];
    }
    return view;
}

/* The same labels for dense data of the first list, repeated along the
   second. */
static cx_view dense_along(const cx_equation *e, const cxai_real *data,
                           const labels *first, const labels *second)
{
    cxai_shape shape = { .rank = first->count };
    for (int i = 0; i < first->count; i++)
        shape.dim[i] = e->size[first->label[i]];
    cx_view view =
        cx_view_dense((void *)(uintptr_t)data, sizeof(cxai_real), &shape);
    for (int i = 0; i < second->count; i++) {
        view.shape.dim[view.shape.rank] = e->size[second->label[i]];
        view.stride[view.shape.rank++] = 0;
    }
    return view;
}

/* ---- plan ---------------------------------------------------------------- */

static int lies_along(const cx_equation *e, int tensor, const labels *order)
{
    const labels none = { 0 };
    cx_view view = view_along(e, tensor, NULL, order, &none);
    return cx_view_is_dense(&view);
}

/* Takes a tensor as it lies where it is dense in this order of labels or with
   rows and columns exchanged. */
static void arrange(const cx_equation *e, int tensor, const labels *batch,
                    const labels *rows, const labels *columns, matrices *m)
{
    labels swapped = *batch;
    m->outer = *batch;
    add_labels(&m->outer, rows);
    add_labels(&m->outer, columns);
    add_labels(&swapped, columns);
    add_labels(&swapped, rows);
    m->is_copied = 1;
    if (m->summed.count > 0)
        return;
    if (lies_along(e, tensor, &m->outer)) {
        m->is_copied = 0;
    } else if (tensor != Y && lies_along(e, tensor, &swapped)) {
        m->outer = swapped;
        m->transposed = 1;
        m->is_copied = 0;
    }
}

static void plan_product(params *p)
{
    const cx_equation *e = &p->equation;
    matrices *t = p->tensor;
    labels batch = { 0 }, rows = { 0 }, columns = { 0 }, depth = { 0 };
    for (int i = 0; i < e->output.rank; i++) {
        int l = e->output_label[i];
        if (e->size[l] == 1)
            continue; /* perhaps of no input's own axes */
        add_label(e->varies[A][l] && e->varies[B][l] ? &batch
                  : e->varies[B][l]                  ? &columns
                                                     : &rows,
                  l);
    }
    for (int l = 0; l < e->labels; l++) {
        if (e->varies[Y][l])
            continue;
        if (e->varies[A][l] && e->varies[B][l])
            add_label(&depth, l);
        else if (e->varies[A][l] || e->varies[B][l])
            add_label(&t[e->varies[A][l] ? A : B].summed, l);
    }
    arrange(e, A, &batch, &rows, &depth, &t[A]);
    arrange(e, B, &batch, &depth, &columns, &t[B]);
    arrange(e, Y, &batch, &rows, &columns, &t[Y]);
    int64_t m = size_of(e, &rows), n = size_of(e, &columns),
            k = size_of(e, &depth);
    p->product = (cx_product){
        .rows = m,
        .columns = n,
        .depth = k,
        .transposes_a = t[A].transposed,
        .transposes_b = t[B].transposed,
        .batch_rank = 1,
        .batch = { size_of(e, &batch) },
        .a_batch = { m * k },
        .b_batch = { k * n },
        .y_batch = { m * n },
    };
}

static void plan_sum(params *p)
{
    const cx_equation *e = &p->equation;
    for (int i = 0; i < e->output.rank; i++)
        add_label(&p->tensor[A].outer, e->output_label[i]);
    for (int l = 0; l < e->labels; l++)
        if (!e->varies[Y][l])
            add_label(&p->tensor[A].summed, l);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = cx_equation_read(c, &p->equation);
    if (status != CXAI_OK)
        return status;
    if (c->input_count == 1)
        plan_sum(p);
    else
        plan_product(p);
    c->y_shape[0] = p->equation.output;
    return cx_check_demand(c, demand, 3);
}

/* ---- copies -------------------------------------------------------------- */

/* to = from, summed over the labels that `to` repeats. */
static void copy_or_sum(const cx_view *to, const cx_view *from, int sums)
{
    if (!sums) {
        cx_view_copy(to, from);
        return;
    }
    cx_view_fill(to, 0);
    cx_view_add(to, from);
}

static size_t copy_bytes(const params *p, int tensor)
{
    const matrices *m = &p->tensor[tensor];
    if (!m->is_copied)
        return 0;
    return cx_size_line(cx_size_times((size_t)size_of(&p->equation, &m->outer),
                                      sizeof(cxai_real)));
}

/* Takes a tensor's copy out of the workspace. */
static cxai_real *take_copy(const params *p, int tensor, char **workspace)
{
    cxai_real *copy = (cxai_real *)(void *)*workspace;
    *workspace += copy_bytes(p, tensor);
    return copy;
}

/* The tensor as matrices: itself, or a copy in the workspace. */
static const cxai_real *pack(const params *p, int tensor, const cxai_real *data,
                             char **workspace)
{
    const matrices *m = &p->tensor[tensor];
    if (!m->is_copied)
        return data;
    cxai_real *copy = take_copy(p, tensor, workspace);
    cx_view to = dense_along(&p->equation, copy, &m->outer, &m->summed);
    cx_view from =
        view_along(&p->equation, tensor, data, &m->outer, &m->summed);
    copy_or_sum(&to, &from, m->summed.count > 0);
    return copy;
}

/* A tensor from its matrices: what lies on no diagonal is 0, what was summed
   gets the same number. */
static void unpack(const params *p, int tensor, const cxai_real *matrices_data,
                   const cxai_tensor *out)
{
    const matrices *m = &p->tensor[tensor];
    cx_view whole = cx_view_of(out);
    cx_view from =
        dense_along(&p->equation, matrices_data, &m->outer, &m->summed);
    cx_view to =
        view_along(&p->equation, tensor, out->data, &m->outer, &m->summed);
    if (cxai_shape_count(&to.shape) < cxai_shape_count(&out->shape))
        cx_view_fill(&whole, 0);
    cx_view_copy(&to, &from);
}

/* ---- one input ----------------------------------------------------------- */

static void sum_forward(const cx_call *call)
{
    const params *p = call->c->params;
    const matrices *m = &p->tensor[A];
    cx_view to =
        dense_along(&p->equation, call->y[0].data, &m->outer, &m->summed);
    cx_view from =
        view_along(&p->equation, A, call->x[A].data, &m->outer, &m->summed);
    copy_or_sum(&to, &from, m->summed.count > 0);
}

/* ---- running ------------------------------------------------------------- */

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    char *workspace = call->workspace;
    if (call->c->input_count == 1) {
        sum_forward(call);
        return;
    }
    const cxai_real *a = pack(p, A, call->x[A].data, &workspace);
    const cxai_real *b = pack(p, B, call->x[B].data, &workspace);
    cxai_real *y = call->y[0].data;
    if (p->tensor[Y].is_copied)
        y = take_copy(p, Y, &workspace);
    const cx_factors factors = { .first = a, .second = b, .result = y };
    cx_product_run(call->c, &p->product, CX_PRODUCT, &factors, workspace);
    if (p->tensor[Y].is_copied)
        unpack(p, Y, y, &call->y[0]);
}

static void backward_of(const cx_call *call, int input, const cxai_real *dy,
                        char *workspace)
{
    const params *p = call->c->params;
    const cxai_tensor *dx = &call->dx[input];
    int other = input == A ? B : A;
    const cxai_real *factor = pack(p, other, call->x[other].data, &workspace);
    cxai_real *out = dx->data;
    if (p->tensor[input].is_copied)
        out = take_copy(p, input, &workspace);
    const cx_factors factors = { .first = input == A ? dy : factor,
                                 .second = input == A ? factor : dy,
                                 .result = out };
    cx_product_run(call->c, &p->product,
                   input == A ? CX_GRADIENT_A : CX_GRADIENT_B, &factors,
                   workspace);
    if (p->tensor[input].is_copied)
        unpack(p, input, out, dx);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    char *workspace = call->workspace;
    if (call->c->input_count == 1) {
        unpack(p, A, call->dy[0].data, &call->dx[A]);
        return;
    }
    const cxai_real *dy = pack(p, Y, call->dy[0].data, &workspace);
    for (int input = A; input <= B; input++)
        if (call->dx[input].data != NULL)
            backward_of(call, input, dy, workspace);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t copies = 0;
    if (c->input_count == 1)
        return;
    for (int tensor = 0; tensor < CX_EQUATION_TENSORS; tensor++)
        copies = cx_size_plus(copies, copy_bytes(p, tensor));
    demand->forward_workspace =
        cx_size_plus(copies, cx_product_workspace(c, &p->product, CX_PRODUCT));
    for (int input = A; input <= B; input++) {
        if (!(wanted >> input & 1))
            continue;
        size_t bytes = cx_size_plus(
            copies,
            cx_product_workspace(c, &p->product,
                                 input == A ? CX_GRADIENT_A : CX_GRADIENT_B));
        demand->keep_inputs |= 1u << (input == A ? B : A);
        if (bytes > demand->backward_workspace)
            demand->backward_workspace = bytes;
    }
}

static const cx_sample samples[] = {
    { .inputs = "3,4;4,5", .attributes = "equation=ij,jk->ik" },
    { .inputs = "2,2,3,4;2,2,5,4", .attributes = "equation=bhid,bhjd->bhij" },
    { .inputs = "2,3,2,4;2,5,2,4", .attributes = "equation=bnhd,bmhd->bhnm" },
    { .inputs = "2,2,3,5;2,5,2,4", .attributes = "equation=bhnm,bmhd->bnhd" },
    { .inputs = "2,3,4,5;4,6,5", .attributes = "equation=bxwc,wkc->bxwk" },
    { .inputs = "4,3;4,5", .attributes = "equation=ki,kj->ji" },
    { .inputs = "2,3,4;2,4,5", .attributes = "equation=...ij,...jk->...ik" },
    { .inputs = "2,3,4;4,5", .attributes = "equation=...ij,jk" },
    { .inputs = "1,3,4;2,4,5", .attributes = "equation=bij,bjk" },
    { .inputs = "3,4;2,5", .attributes = "equation=ij,kl->jk" },
    { .inputs = "2,3,4;2,3", .attributes = "equation=bcx,bc->xcb" },
    { .inputs = "3,3,4;4", .attributes = "equation=iij,j->i" },
    { .inputs = "3;3", .attributes = "equation=i,i" },
    { .inputs = "2,3,4", .attributes = "equation=ijk->kij" },
    { .inputs = "2,3,4", .attributes = "equation=i...k->k" },
    { .inputs = "2,3,3", .attributes = "equation=...ii->...i" },
    { .inputs = "3,3", .attributes = "equation=ii" },
    { .inputs = "3,2", .attributes = "equation=ba" },
    { .inputs = "1,2,1,3,1,2,1;1,1,1,3,1,2,1",
      .attributes = "equation=...a,...b" },
};

static const cx_operator operators[] = {
    { .name = "Einsum",
      .min_inputs = 1,
      .max_inputs = -1,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = infer,
      .demand = demand,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_einsum = CX_FAMILY(operators);
