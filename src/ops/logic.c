/*
 * Comparisons and logic. They yield truth values, which no gradient passes
 * through, and are evaluated on constants: the shape arithmetic that exporters
 * write into models.
 */
#include "ops/common/fold.h"

static cxai_status infer(const cx_case *c)
{
    c->y_type[0] = CX_INT64;
    for (int k = 0; k < c->input_count; k++)
        if (c->x_literal[k] == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "its input %d is not a constant, and truth values "
                             "are only computed from constants",
                             k);
    return cx_broadcast_inputs(c, &c->y_shape[0]);
}

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

/* The fold function of an operator. */
#define FOLD(name, how, function)                                              \
    static cxai_status name##_fold(const cx_case *c, cx_literal *const *y)     \
    {                                                                          \
        return how(c, function, y[0]);                                         \
    }

FOLD(Equal, cx_fold_comparison, is_equal)
FOLD(Less, cx_fold_comparison, is_less)
FOLD(LessOrEqual, cx_fold_comparison, is_less_or_equal)
FOLD(Greater, cx_fold_comparison, is_greater)
FOLD(GreaterOrEqual, cx_fold_comparison, is_greater_or_equal)
FOLD(And, cx_fold_integers, both)
FOLD(Or, cx_fold_integers, either)
FOLD(Xor, cx_fold_integers, one_of)

static cxai_status Not_fold(const cx_case *c, cx_literal *const *y)
{
    int64_t count = cx_literal_count(y[0]);
    for (int64_t i = 0; i < count; i++)
        ((int64_t *)y[0]->data)[i] = cx_literal_int(c->x_literal[0], i) == 0;
    return CXAI_OK;
}

static const cx_sample one[] = { { .inputs = "4=0,1,1,0" } };
static const cx_sample two[] = {
    { .inputs = "2,3=1,0,0,1,2,3;3=1,0,3" },
};

#define ENTRY(operator_name, inputs, operator_samples)                         \
    {                                                                          \
        .name = #operator_name, .min_inputs = inputs, .max_inputs = inputs,    \
        .layout = CX_ROW_MAJOR, .infer = infer,                                \
        .not_differentiable = "its output is a truth value",                   \
        .fold = operator_name##_fold, CX_SAMPLES(operator_samples)             \
    }

static const cx_operator operators[] = {
    ENTRY(Equal, 2, two),
    ENTRY(Less, 2, two),
    ENTRY(LessOrEqual, 2, two),
    ENTRY(Greater, 2, two),
    ENTRY(GreaterOrEqual, 2, two),
    ENTRY(And, 2, two),
    ENTRY(Or, 2, two),
    ENTRY(Xor, 2, two),
    ENTRY(Not, 1, one),
};
const cx_operator_family cx_operators_logic = CX_FAMILY(operators);
