/*
 * Comparisons and logic. They yield truth values, 0 or 1, which change nowhere
 * but in jumps: the gradient that passes through is 0. On constants (the shape
 * arithmetic that exporters write into models) they are exact for integers.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/common/constant.h"
#include "ops/common/fold.h"
#include "ops/common/rows.h"

typedef struct params {
    cx_row_function *row;
    cxai_real parameter;
    int trailing;           /* axes of one behind those of input 1 (opset 6) */
    cxai_tensor integer[2]; /* constants of integers; data NULL: others */
} params;

static cxai_status logic_infer(const cx_case *c, cx_row_function *row)
{
    params *p = c->params;
    p->row = row;
    p->trailing = cx_trailing_axes(c);
    c->y_type[0] = CX_INT64;
    cxai_status status = cx_broadcast_inputs(c, p->trailing, &c->y_shape[0]);
    for (int k = 0; status == CXAI_OK && k < c->input_count; k++)
        status = cx_constant_reals(c, k, &p->integer[k]);
    return status;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = p->row,
                     .parameter = p->parameter,
                     .count = call->c->input_count,
                     .threads = call->c->threads };
    for (int k = 0; k < rows.count; k++) {
        rows.in[k] = p->integer[k].data != NULL ? p->integer[k] : call->x[k];
        rows.in[k].shape =
            cx_with_trailing(&rows.in[k].shape, k == 1 ? p->trailing : 0);
    }
    cx_rows_map(&rows, &call->y[0]);
}

static void backward(const cx_call *call)
{
    for (int k = 0; k < call->c->input_count; k++)
        if (call->dx[k].data != NULL) {
            cx_view dx = cx_view_of(&call->dx[k]);
            cx_view_fill(&dx, 0);
        }
}

/* ---- of two ---- */

static int64_t is_equal(int order)
{
    return order == 0;
}

static int64_t is_less(int order)
{
    return order == -1;
}

static int64_t is_less_or_equal(int order)
{
    return order == -1 || order == 0;
}

static int64_t is_greater(int order)
{
    return order == 1;
}

static int64_t is_greater_or_equal(int order)
{
    return order == 1 || order == 0;
}

static int both(int64_t a, int64_t b, int64_t *y)
{
    *y = a != 0 && b != 0;
    return 0;
}

static int either(int64_t a, int64_t b, int64_t *y)
{
    *y = a != 0 || b != 0;
    return 0;
}

static int one_of(int64_t a, int64_t b, int64_t *y)
{
    *y = (a != 0) != (b != 0);
    return 0;
}

/* An operator: what is true of reals a and b, and how constants are folded. */
#define LOGIC(name, truth, how, function)                                      \
    static void name##_row(cxai_real *out, const cxai_real *const *in,         \
                           int64_t n, cxai_real parameter)                     \
    {                                                                          \
        const cxai_real *p = in[0], *q = in[1] != NULL ? in[1] : p;            \
        (void)parameter;                                                       \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real a = p[i], b = q[i];                                      \
            (void)b;                                                           \
            out[i] = (cxai_real)((truth) ? 1 : 0);                             \
        }                                                                      \
    }                                                                          \
    static cxai_status name##_infer(const cx_case *c)                          \
    {                                                                          \
        return logic_infer(c, name##_row);                                     \
    }                                                                          \
    static cxai_status name##_fold(const cx_case *c, cx_literal *const *y)     \
    {                                                                          \
        return how(c, function, y[0]);                                         \
    }

LOGIC(Equal, a == b, cx_fold_comparison, is_equal)
LOGIC(Less, a < b, cx_fold_comparison, is_less)
LOGIC(LessOrEqual, a <= b, cx_fold_comparison, is_less_or_equal)
LOGIC(Greater, a > b, cx_fold_comparison, is_greater)
LOGIC(GreaterOrEqual, a >= b, cx_fold_comparison, is_greater_or_equal)
LOGIC(And, a != 0 && b != 0, cx_fold_integers, both)
LOGIC(Or, a != 0 || b != 0, cx_fold_integers, either)
LOGIC(Xor, (a != 0) != (b != 0), cx_fold_integers, one_of)

/* ---- of one ---- */

/* An operator's own row function on a constant of any type. */
static cxai_status fold_row(const cx_case *c, cx_row_function *row,
                            const cx_literal *y)
{
    for (int64_t i = 0; i < cx_literal_count(y); i++) {
        cxai_real value = (cxai_real)cx_literal_number(c->x_literal[0], i);
        const cxai_real *in[CX_ROW_INPUTS] = { &value };
        cxai_real truth;
        row(&truth, in, 1, ((const params *)c->params)->parameter);
        cx_literal_set_int(y, i, truth != 0);
    }
    return CXAI_OK;
}

LOGIC(Not, a == 0, fold_row, Not_row)
LOGIC(IsNaN, isnan(a), fold_row, IsNaN_row)

enum { NEGATIVE = 1, POSITIVE = 2 }; /* infinities that are looked for */

LOGIC(IsInf, isinf(a) && ((int)parameter & (a < 0 ? NEGATIVE : POSITIVE)),
      fold_row, IsInf_row)

static cxai_status infinite_infer(const cx_case *c)
{
    int negative = cx_attribute_int(c->attributes, "detect_negative", 1) != 0;
    int positive = cx_attribute_int(c->attributes, "detect_positive", 1) != 0;
    ((params *)c->params)->parameter =
        (cxai_real)(negative * NEGATIVE + positive * POSITIVE);
    return IsInf_infer(c);
}

static const cx_sample one[] = {
    { .inputs = "4=0,1,1,0" },
    { .inputs = "2,3" },
};
static const cx_sample infinite_samples[] = {
    { .inputs = "2,3" },
    { .inputs = "2,3", .attributes = "detect_negative=0" },
};
static const cx_sample two[] = {
    { .inputs = "2,3=1,0,0,1,2,3;3=1,0,3" },
    { .inputs = "2,3;3" },
    { .inputs = "2,3;3=0,1,0" },
    { .inputs = "2,3;2", .attributes = "broadcast=1 axis=0", .opset = 6 },
};

#define ENTRY(operator_name, infer_function, inputs, operator_samples)         \
    {                                                                          \
        .name = #operator_name, .min_inputs = inputs, .max_inputs = inputs,    \
        .layout = CX_STRIDED, .params_size = sizeof(params),                   \
        .carries_integers = 1, .infer = infer_function, .forward = forward,    \
        .backward = backward, .fold = operator_name##_fold,                    \
        CX_SAMPLES(operator_samples)                                           \
    }

static const cx_operator operators[] = {
    ENTRY(Equal, Equal_infer, 2, two),
    ENTRY(Less, Less_infer, 2, two),
    ENTRY(LessOrEqual, LessOrEqual_infer, 2, two),
    ENTRY(Greater, Greater_infer, 2, two),
    ENTRY(GreaterOrEqual, GreaterOrEqual_infer, 2, two),
    ENTRY(And, And_infer, 2, two),
    ENTRY(Or, Or_infer, 2, two),
    ENTRY(Xor, Xor_infer, 2, two),
    ENTRY(Not, Not_infer, 1, one),
    ENTRY(IsNaN, IsNaN_infer, 1, one),
    ENTRY(IsInf, infinite_infer, 1, infinite_samples),
};
const cx_operator_family cx_operators_logic = CX_FAMILY(operators);
