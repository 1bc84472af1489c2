/*
 * Where: y = condition ? x[1] : x[2], broadcast. A constant condition moves
 * elements; one that is computed is a real, 0 or not, and gets the gradient 0.
 */
#include "ops/common/constant.h"
#include "ops/common/move.h"
#include "ops/common/rows.h"

enum { CONDITION, YES, NO, INPUTS };

typedef struct params {
    int moves;                   /* the condition is constant, all else real */
    cxai_tensor integer[INPUTS]; /* constants of integers; data NULL: others */
} params;

static cxai_status read_constants(const cx_case *c)
{
    params *p = c->params;
    cxai_status status = CXAI_OK;
    p->moves = c->x_literal[CONDITION] != NULL && c->y_type[0] == CX_REAL;
    for (int k = 0; status == CXAI_OK && !p->moves && k < INPUTS; k++)
        status = cx_constant_reals(c, k, &p->integer[k]);
    return status;
}

static cxai_status where_infer(const cx_case *c)
{
    if (cx_input_type(c, CONDITION) == CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its condition is no truth value but a real number");
    if (cx_input_type(c, 1) != cx_input_type(c, 2))
        return cx_refuse(c, CXAI_MALFORMED,
                         "inputs 1 and 2 are of different types");
    c->y_type[0] = cx_input_type(c, 1);
    cxai_shape y;
    if (cx_shape_broadcast(&c->x_shape[1], &c->x_shape[2], &y) != 0 ||
        cx_shape_broadcast(&y, &c->x_shape[0], &y) != 0) {
        char text[3][128];
        for (int i = 0; i < 3; i++)
            cxai_shape_text(&c->x_shape[i], text[i], sizeof text[i]);
        return cx_refuse(c, CXAI_MALFORMED,
                         "shapes %s, %s and %s cannot be broadcast", text[0],
                         text[1], text[2]);
    }
    cxai_status status = cx_set_shape(c, 0, &y);
    return status == CXAI_OK ? read_constants(c) : status;
}

/* ---- a constant condition ------------------------------------------------ */

/* The part of a view of y's shape that `count` entries of the condition
   decide, beginning at row-major number `entry`; they lie on its last axis.
   Axes on which the condition is broadcast stay whole. */
static cx_view decided_by(cx_view view, const cxai_shape *condition,
                          int64_t entry, int64_t count)
{
    int shift = view.shape.rank - condition->rank;
    for (int i = condition->rank - 1; i >= 0; i--) {
        int64_t dim = condition->dim[i];
        int64_t length = i == condition->rank - 1 ? count : 1;
        if (dim != 1)
            view = cx_view_slice(view, i + shift, entry % dim, 1, length);
        entry /= dim;
    }
    return view;
}

/* How many entries from `entry` on, up to the end of their row, are alike. */
static int64_t alike(const cx_literal *condition, int64_t entry)
{
    const cxai_shape *shape = &condition->shape;
    int64_t row = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    int64_t end = entry - entry % row + row, next = entry + 1;
    int chosen = cx_literal_int(condition, entry) != 0;
    while (next < end && (cx_literal_int(condition, next) != 0) == chosen)
        next++;
    return next - entry;
}

static void describe(const cx_mover *m)
{
    const cx_literal *condition = m->c->x_literal[0];
    cx_view y = cx_mover_y(m, 0);
    cx_view x[2] = { cx_view_broadcast(cx_mover_x(m, 2), &y.shape),
                     cx_view_broadcast(cx_mover_x(m, 1), &y.shape) };
    int64_t total = cx_literal_count(condition), count;
    for (int64_t entry = 0; entry < total; entry += count) {
        count = alike(condition, entry);
        const cx_view *source = &x[cx_literal_int(condition, entry) != 0];
        cx_view from = decided_by(*source, &condition->shape, entry, count);
        cx_view to = decided_by(y, &condition->shape, entry, count);
        cx_move(m, &from, &to);
    }
}

/* ---- a computed condition ------------------------------------------------ */

static cxai_tensor input(const cx_call *call, int k)
{
    const params *p = call->c->params;
    return p->integer[k].data != NULL ? p->integer[k] : call->x[k];
}

/* of condition, yes, no */
static void choose(cxai_real *out, const cxai_real *const *in, int64_t n,
                   cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] != 0 ? in[1][i] : in[2][i];
}

/* of dy, condition: what passes where the condition is as wanted */
static void pass(cxai_real *out, const cxai_real *const *in, int64_t n,
                 cxai_real wanted)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (in[1][i] != 0) == (wanted != 0) ? in[0][i] : 0;
}

static void forward(const cx_call *call)
{
    if (((const params *)call->c->params)->moves) {
        cx_move_forward(call, describe);
        return;
    }
    cx_rows rows = {
        .function = choose,
        .in = { input(call, CONDITION), input(call, YES), input(call, NO) },
        .count = 3,
        .threads = call->c->threads,
    };
    cx_rows_map(&rows, &call->y[0]);
}

static void backward(const cx_call *call)
{
    if (((const params *)call->c->params)->moves) {
        cx_move_backward(call, describe, CX_ANY_NUMBER);
        return;
    }
    for (int k = YES; k <= NO; k++) {
        cx_rows rows = { .function = pass,
                         .parameter = k == YES,
                         .in = { call->dy[0], input(call, CONDITION) },
                         .count = 2,
                         .threads = call->c->threads };
        if (call->dx[k].data != NULL)
            cx_rows_gradient(&rows, &call->dx[k]);
    }
    if (call->dx[CONDITION].data != NULL) {
        cx_view dx = cx_view_of(&call->dx[CONDITION]);
        cx_view_fill(&dx, 0);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (wanted != 0 && !((const params *)c->params)->moves)
        demand->keep_inputs = 1u << CONDITION;
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, describe);
}

static const cx_sample samples[] = {
    { .inputs = "2,3=1,0,1,1,0,0;2,3;2,3" },
    { .inputs = "2,1=1,0;2,3;1" },
    { .inputs = "3=0,1,1;1;2,2,3" },
    { .inputs = "1=1;2,3;3" },
};

static const cx_operator operators[] = {
    { .name = "Where",
      .min_inputs = 3,
      .max_inputs = 3,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .carries_integers = 1,
      .demand = demand,
      .infer = where_infer,
      .forward = forward,
      .backward = backward,
      .fold = fold,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_where = CX_FAMILY(operators);
