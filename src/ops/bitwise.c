/* BitShift, BitwiseAnd, BitwiseOr, BitwiseXor and BitwiseNot, on constants.
   Integers of 32 bits are 64 bits wide here: what is shifted out of 32 stays.
 */
#include <string.h>

#include "ops/common/constant.h"
#include "ops/common/fold.h"

typedef struct params {
    cx_integer_function *function;
} params;

static cxai_status bitwise_infer(const cx_case *c,
                                 cx_integer_function *function)
{
    for (int i = 0; i < c->input_count; i++) {
        if (c->x_literal[i] == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "input %d is computed from the data; only "
                             "constants are supported",
                             i);
        if (cx_input_type(c, i) == CX_REAL)
            return cx_refuse(c, CXAI_MALFORMED, "input %d is no integer", i);
    }
    ((params *)c->params)->function = function;
    return cx_broadcast_inputs(c, 0, &c->y_shape[0]);
}

static int and_bits(int64_t a, int64_t b, int64_t *y)
{
    *y = a & b;
    return 0;
}

static int or_bits(int64_t a, int64_t b, int64_t *y)
{
    *y = a | b;
    return 0;
}

static int xor_bits(int64_t a, int64_t b, int64_t *y)
{
    *y = a ^ b;
    return 0;
}

/* What is shifted by less than 0 or more than there are bits is gone. */
static int shift_left(int64_t a, int64_t b, int64_t *y)
{
    *y = b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b);
    return 0;
}

/* Signs are shifted in; a shift of a negative number is one of its complement,
   complemented. */
static int shift_right(int64_t a, int64_t b, int64_t *y)
{
    int64_t positive = a < 0 ? ~a : a;
    int64_t shifted = b < 0 || b > 63 ? 0 : positive >> b;
    *y = a < 0 ? ~shifted : shifted;
    return 0;
}

static cxai_status and_infer(const cx_case *c)
{
    return bitwise_infer(c, and_bits);
}

static cxai_status or_infer(const cx_case *c)
{
    return bitwise_infer(c, or_bits);
}

static cxai_status xor_infer(const cx_case *c)
{
    return bitwise_infer(c, xor_bits);
}

static cxai_status not_infer(const cx_case *c)
{
    return bitwise_infer(c, NULL);
}

static cxai_status shift_infer(const cx_case *c)
{
    const char *to = cx_attribute_string(c->attributes, "direction", "");
    if (strcmp(to, "LEFT") == 0)
        return bitwise_infer(c, shift_left);
    if (strcmp(to, "RIGHT") == 0)
        return bitwise_infer(c, shift_right);
    return cx_refuse(c, CXAI_MALFORMED,
                     "direction is \"%s\", not \"LEFT\" or \"RIGHT\"", to);
}

enum { INT32 = 6, UINT32 = 12 }; /* TensorProto.DataType */

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    int code = c->x_literal[0]->code;
    int64_t *values = y[0]->data;
    cxai_status status =
        cx_fold_integers(c, ((const params *)c->params)->function, y[0]);
    if (code != INT32 && code != UINT32)
        return status;
    for (int64_t i = 0; i < cx_literal_count(y[0]); i++)
        values[i] = code == INT32 ? (int64_t)(int32_t)values[i]
                                  : (int64_t)(uint32_t)values[i];
    return status;
}

static cxai_status not_fold(const cx_case *c, cx_literal *const *y)
{
    for (int64_t i = 0; i < cx_literal_count(y[0]); i++)
        cx_literal_set_int(y[0], i, ~cx_literal_int(c->x_literal[0], i));
    return CXAI_OK;
}

static const cx_sample two[] = { { .inputs = "2,3=1,6,0,1,2,3;3=1,0,3" } };
static const cx_sample one[] = { { .inputs = "3=1,0,-3" } };
static const cx_sample shift_samples[] = {
    { .inputs = "2,3=1,6,0,1,2,3;3=1,0,3", .attributes = "direction=LEFT" },
    { .inputs = "2,3=1,6,0,1,2,3;3=1,0,3", .attributes = "direction=RIGHT" },
};

#define BITWISE(type, inputs, reads, folds, cases)                             \
    {                                                                          \
        .name = type, .min_inputs = inputs, .max_inputs = inputs,              \
        .layout = CX_ROW_MAJOR, .params_size = sizeof(params), .infer = reads, \
        .fold = folds, .not_differentiable = "its inputs are constants",       \
        CX_SAMPLES(cases)                                                      \
    }

static const cx_operator operators[] = {
    BITWISE("BitShift", 2, shift_infer, fold, shift_samples),
    BITWISE("BitwiseAnd", 2, and_infer, fold, two),
    BITWISE("BitwiseOr", 2, or_infer, fold, two),
    BITWISE("BitwiseXor", 2, xor_infer, fold, two),
    BITWISE("BitwiseNot", 1, not_infer, not_fold, one),
};

const cx_operator_family cx_operators_bitwise = CX_FAMILY(operators);
