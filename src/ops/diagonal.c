/* Diagonals of matrices: Trilu keeps one side of a constant diagonal, EyeLike
   sets one. */
#include "ops/common/constant.h"
#include "ops/common/move.h"

/* The diagonal is a number that cannot overflow when a row is added. */
static int64_t clamp_diagonal(int64_t k)
{
    const int64_t most = INT64_MAX / 4;
    return k < -most ? -most : k > most ? most : k;
}

/* ---- Trilu ---- */

typedef struct params {
    int upper;
    int64_t k;
} params;

static cxai_status trilu_infer(const cx_case *c)
{
    params *p = c->params;
    p->upper = cx_attribute_int(c->attributes, "upper", 1) != 0;
    if (c->x_shape[0].rank < 2)
        return cx_refuse(c, CXAI_MALFORMED, "its input is no matrix");
    if (cx_has_input(c, 1)) {
        const cx_literal *k = c->x_literal[1];
        if (k == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "its diagonal is computed from the data; only "
                             "constants are supported");
        if (k->type == CX_REAL || cx_literal_count(k) != 1)
            return cx_refuse(c, CXAI_MALFORMED,
                             "its diagonal is not one integer");
        p->k = clamp_diagonal(cx_literal_int(k, 0));
    }
    return cx_set_shape(c, 0, &c->x_shape[0]);
}

/* Of row r the columns from r + k on are kept, or those up to it. */
static void trilu_describe(const cx_mover *m)
{
    const params *p = m->c->params;
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    int row = x.shape.rank - 2, column = x.shape.rank - 1;
    int64_t columns = x.shape.dim[column];
    for (int64_t r = 0; r < x.shape.dim[row]; r++) {
        int64_t cut = r + p->k + (p->upper ? 0 : 1);
        cut = cut < 0 ? 0 : cut > columns ? columns : cut;
        int64_t from = p->upper ? cut : 0, to = p->upper ? columns : cut;
        cx_view part = cx_view_slice(x, column, from, 1, to - from);
        cx_view kept = cx_view_slice(y, column, from, 1, to - from);
        part = cx_view_select(part, row, r);
        kept = cx_view_select(kept, row, r);
        cx_move(m, &part, &kept);
    }
}

static void trilu_forward(const cx_call *call)
{
    cx_view y = cx_view_of(&call->y[0]);
    cx_view_fill(&y, 0);
    cx_move_forward(call, trilu_describe);
}

static void trilu_backward(const cx_call *call)
{
    cx_move_backward(call, trilu_describe, CX_AT_MOST_ONCE);
}

/* y is zero already. */
static cxai_status trilu_fold(const cx_case *c, cx_literal *const *y)
{
    return cx_move_fold(c, y, trilu_describe);
}

static const cx_sample trilu_samples[] = {
    { .inputs = "3,4" },
    { .inputs = "2,3,4;1=-1" },
    { .inputs = "2,2,4,3;1=1", .attributes = "upper=0" },
    { .inputs = "3,3;1=-7", .attributes = "upper=0" },
    { .inputs = "2,2=1,2,3,4;1=1" },
};

/* ---- EyeLike ---- */

static cxai_status eye_infer(const cx_case *c)
{
    if (c->x_shape[0].rank != 2)
        return cx_refuse(c, CXAI_MALFORMED, "its input is no matrix");
    switch (cx_attribute_int(c->attributes, "dtype", 0)) {
    case 0: break;                          /* the input's */
    case 1:                                 /* float */
    case 10:                                /* float16 */
    case 11:                                /* double */
    case 16: c->y_type[0] = CX_REAL; break; /* bfloat16 */
    case 2: c->y_type[0] = CX_UINT8; break;
    case 3: c->y_type[0] = CX_INT8; break;
    default: c->y_type[0] = CX_INT64;
    }
    return cx_set_shape(c, 0, &c->x_shape[0]);
}

/* How many elements lie on the diagonal, and the first one's number. */
static int64_t eye_length(const cx_case *c, int64_t *first)
{
    const cxai_shape *y = &c->y_shape[0];
    int64_t k = clamp_diagonal(cx_attribute_int(c->attributes, "k", 0));
    int64_t row = k < 0 ? -k : 0, column = k > 0 ? k : 0;
    int64_t rows = y->dim[0] - row, columns = y->dim[1] - column;
    int64_t length = rows < columns ? rows : columns;
    *first = length > 0 ? row * y->dim[1] + column : 0;
    return length > 0 ? length : 0;
}

static void eye_forward(const cx_call *call)
{
    int64_t first, length = eye_length(call->c, &first);
    const cxai_tensor *y = &call->y[0];
    cx_view view = cx_view_of(y);
    cx_view_fill(&view, 0);
    for (int64_t i = 0; i < length; i++)
        y->data[first + i * (y->shape.dim[1] + 1)] = 1;
}

static cxai_status eye_fold(const cx_case *c, cx_literal *const *y)
{
    int64_t first, length = eye_length(c, &first);
    for (int64_t i = 0; i < length; i++)
        cx_literal_set_int(y[0], first + i * (c->y_shape[0].dim[1] + 1), 1);
    return CXAI_OK;
}

static const cx_sample eye_samples[] = {
    { .inputs = "3,4" },
    { .inputs = "4,3", .attributes = "k=-1 dtype=7" },
    { .inputs = "2,3=0,0,0,0,0,0", .attributes = "k=2 dtype=1" },
};

static const cx_operator operators[] = {
    { .name = "Trilu",
      .min_inputs = 1,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .params_size = sizeof(params),
      .infer = trilu_infer,
      .forward = trilu_forward,
      .backward = trilu_backward,
      .fold = trilu_fold,
      CX_SAMPLES(trilu_samples) },
    { .name = "EyeLike",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_ROW_MAJOR,
      .shape_only = 1,
      .infer = eye_infer,
      .forward = eye_forward,
      .fold = eye_fold,
      .not_differentiable = "its output does not depend on the elements",
      CX_SAMPLES(eye_samples) },
};

const cx_operator_family cx_operators_diagonal = CX_FAMILY(operators);
