/*
 * Functions of two tensors that broadcast, numpy's way: Add, Sub, Mul, Div,
 * Pow, Mod and PRelu. Each is three row functions: the value, and dy times the
 * derivative by a and by b, which are summed over the axes along which that
 * operand was repeated.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/common/channel_factor.h"
#include "ops/common/fold.h"
#include "ops/common/integers.h"
#include "ops/common/rows.h"

/* What the derivative by one operand reads beside dy, in this order. */
enum { NEEDS_A = 1, NEEDS_B = 2, NEEDS_Y = 4 };

typedef struct binary {
    cx_row_function *value; /* of a, b */
    struct {
        cx_row_function *row; /* of dy, then what it needs */
        int needs;
    } derivative[2];
    cx_integer_function *integer; /* NULL: reals only */
} binary;

typedef struct params {
    const binary *f;
    cxai_tensor exponent; /* Pow's, where the base has another type */
    int trailing;         /* axes of one behind those of b (opset 6) */
} params;

static cxai_status binary_infer(const cx_case *c, const binary *f)
{
    params *p = c->params;
    p->f = f;
    if (p->trailing == 0)
        p->trailing = cx_trailing_axes(c);
    int real = c->y_type[0] == CX_REAL;
    for (int k = 0; k < 2; k++)
        if (c->x_literal[k] != NULL && (k == 0 || p->exponent.data == NULL) &&
            (c->x_literal[k]->type == CX_REAL) != real)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "it mixes real numbers and integers");
    if (!real && f->integer == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its inputs must be real numbers");
    return cx_broadcast_inputs(c, p->trailing, &c->y_shape[0]);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const binary *f = ((const params *)c->params)->f;
    for (int k = 0; k < 2; k++)
        if (wanted >> k & 1) {
            int needs = f->derivative[k].needs;
            demand->keep_inputs |= (uint64_t)(needs & (NEEDS_A | NEEDS_B));
            demand->keep_outputs |= (needs & NEEDS_Y) != 0;
        }
}

static cxai_tensor lengthen(const params *p, cxai_tensor b)
{
    b.shape = cx_with_trailing(&b.shape, p->trailing);
    return b;
}

static cxai_tensor second_input(const cx_call *call)
{
    const params *p = call->c->params;
    return lengthen(p, p->exponent.data != NULL ? p->exponent : call->x[1]);
}

static const binary multiply_f;

/* The operand of a product that has one number a channel, the other and
   `result` being pictures; or -1. */
static int channel_factor(const cx_call *call, const cxai_tensor *result)
{
    if (((const params *)call->c->params)->f != &multiply_f)
        return -1;
    for (int k = 0; k < 2; k++)
        if (cx_is_channel_factor(&call->x[!k], &call->x[k]) &&
            cx_is_channel_factor(result, &call->x[k]))
            return k;
    return -1;
}

/* dx = dy f for factors f; df = sum of dy x. */
static void factor_backward(const cx_call *call, int factor)
{
    const cxai_tensor *x = call->x, *dy = &call->dy[0], *dx = call->dx;
    if (dx[!factor].data != NULL)
        cx_multiply_channels(call->c, dy, &x[factor], &dx[!factor]);
    if (dx[factor].data != NULL)
        cx_sum_channels(call->c, dy, &x[!factor], &dx[factor]);
}

static void forward(const cx_call *call)
{
    int factor = channel_factor(call, &call->y[0]);
    if (factor >= 0) {
        cx_multiply_channels(call->c, &call->x[!factor], &call->x[factor],
                             &call->y[0]);
        return;
    }
    cx_rows rows = {
        .function = ((const params *)call->c->params)->f->value,
        .in = { call->x[0], second_input(call) },
        .count = 2,
        .threads = call->c->threads,
    };
    cx_rows_map(&rows, &call->y[0]);
}

static void backward(const cx_call *call)
{
    const binary *f = ((const params *)call->c->params)->f;
    int factor = channel_factor(call, &call->dy[0]);
    if (factor >= 0) {
        factor_backward(call, factor);
        return;
    }
    for (int k = 0; k < 2; k++) {
        if (call->dx[k].data == NULL)
            continue;
        int needs = f->derivative[k].needs;
        cx_rows rows = { .function = f->derivative[k].row,
                         .in = { call->dy[0] },
                         .count = 1,
                         .threads = call->c->threads };
        if (needs & NEEDS_A)
            rows.in[rows.count++] = call->x[0];
        if (needs & NEEDS_B)
            rows.in[rows.count++] = second_input(call);
        if (needs & NEEDS_Y)
            rows.in[rows.count++] = call->y[0];
        const cxai_tensor dx =
            k == 0 ? call->dx[0] : lengthen(call->c->params, call->dx[1]);
        cx_rows_gradient(&rows, &dx);
    }
}

/* ROW(name, first, second, third, expression): out = expression of up to three
   inputs, in order. */
#define ROW(name, first, second, third, expression)                            \
    static void name(cxai_real *out, const cxai_real *const *in, int64_t n,    \
                     cxai_real parameter)                                      \
    {                                                                          \
        const cxai_real *p0 = in[0], *p1 = in[1];                              \
        const cxai_real *p2 = in[2] != NULL ? in[2] : p1;                      \
        (void)parameter;                                                       \
        for (int64_t i = 0; i < n; i++) {                                      \
            cxai_real first = p0[i], second = p1[i], third = p2[i];            \
            (void)first, (void)second, (void)third;                            \
            out[i] = expression;                                               \
        }                                                                      \
    }

static inline cxai_real pow_by_base(cxai_real a, cxai_real b)
{
    return b == 2 ? 2 * a : b == 0 ? 0 : b * pow(a, b - 1);
}

/* As in PyTorch, 0 where a is 0 and b >= 0. */
static inline cxai_real pow_by_exponent(cxai_real a, cxai_real b, cxai_real y)
{
    return a == 0 && b >= 0 ? 0 : y * log(a);
}

static inline cxai_real power(cxai_real a, cxai_real b)
{
    return b == 2 ? a * a : b == (cxai_real)0.5 ? sqrt(a) : pow(a, b);
}

/* The remainder with the sign of b, that of 0 too. */
static inline cxai_real floored_remainder(cxai_real a, cxai_real b)
{
    cxai_real r = fmod(a, b);
    if (r == 0)
        return copysign(r, b);
    return (r < 0) != (b < 0) ? r + b : r;
}

/* clang-format off */
ROW(add, a, b, unused, a + b)
ROW(subtract, a, b, unused, a - b)
ROW(multiply, a, b, unused, a * b)
ROW(divide, a, b, unused, a / b)
ROW(divide_by_a, dy, b, unused, dy / b)
ROW(divide_by_b, dy, b, y, -dy * y / b)
ROW(raise, a, b, unused, power(a, b))
ROW(raise_by_a, dy, a, b, dy * pow_by_base(a, b))
ROW(remainder_truncated, a, b, unused, fmod(a, b))
ROW(remainder_truncated_by_b, dy, a, b, -dy * trunc(a / b))
ROW(remainder_floored, a, b, unused, floored_remainder(a, b))
ROW(remainder_floored_by_b, dy, a, b, -dy * floor(a / b))
ROW(prelu, x, slope, unused, x > 0 ? x : slope * x)
ROW(prelu_by_x, dy, x, slope, x > 0 ? dy : slope * dy)
ROW(prelu_by_slope, dy, x, unused, x > 0 ? 0 : x * dy)
/* clang-format on */

static void negate(cxai_real *out, const cxai_real *const *in, int64_t n,
                   cxai_real parameter)
{
    (void)parameter;
    for (int64_t i = 0; i < n; i++)
        out[i] = -in[0][i];
}

static void raise_by_b(cxai_real *out, const cxai_real *const *in, int64_t n,
                       cxai_real parameter)
{
    (void)parameter;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] * pow_by_exponent(in[1][i], in[2][i], in[3][i]);
}

static const binary add_f = { add,
                              { { NULL, 0 }, { NULL, 0 } },
                              cx_add_integers };
static const binary subtract_f = { subtract,
                                   { { NULL, 0 }, { negate, 0 } },
                                   cx_subtract_integers };
static const binary multiply_f = { multiply,
                                   { { multiply, NEEDS_B },
                                     { multiply, NEEDS_A } },
                                   cx_multiply_integers };
static const binary divide_f = { divide,
                                 { { divide_by_a, NEEDS_B },
                                   { divide_by_b, NEEDS_B | NEEDS_Y } },
                                 cx_divide_integers };
static const binary raise_f = { raise,
                                { { raise_by_a, NEEDS_A | NEEDS_B },
                                  { raise_by_b, NEEDS_A | NEEDS_B | NEEDS_Y } },
                                cx_raise_integers };
static const binary truncated_f = {
    remainder_truncated,
    { { NULL, 0 }, { remainder_truncated_by_b, NEEDS_A | NEEDS_B } },
    cx_remainder_truncated_integers
};
static const binary floored_f = {
    remainder_floored,
    { { NULL, 0 }, { remainder_floored_by_b, NEEDS_A | NEEDS_B } },
    cx_remainder_floored_integers
};
static const binary prelu_f = { prelu,
                                { { prelu_by_x, NEEDS_A | NEEDS_B },
                                  { prelu_by_slope, NEEDS_A } },
                                NULL };

static cxai_status add_infer(const cx_case *c)
{
    return binary_infer(c, &add_f);
}

static cxai_status subtract_infer(const cx_case *c)
{
    return binary_infer(c, &subtract_f);
}

static cxai_status multiply_infer(const cx_case *c)
{
    return binary_infer(c, &multiply_f);
}

static cxai_status divide_infer(const cx_case *c)
{
    return binary_infer(c, &divide_f);
}

/* ONNX lets the exponent have another type than the base. */
static cxai_status raise_infer(const cx_case *c)
{
    const cx_literal *exponent = c->x_literal[1];
    if (exponent != NULL &&
        (c->y_type[0] == CX_REAL) != (exponent->type == CX_REAL)) {
        int64_t count = cx_literal_count(exponent);
        cxai_real *data = cx_arena_alloc(c->arena, (size_t)count, sizeof *data);
        if (data == NULL)
            return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
        for (int64_t i = 0; i < count; i++)
            data[i] = (cxai_real)cx_literal_number(exponent, i);
        ((params *)c->params)->exponent =
            cxai_tensor_dense(data, &exponent->shape);
    }
    return binary_infer(c, &raise_f);
}

static cxai_status mod_infer(const cx_case *c)
{
    int truncated = cx_attribute_int(c->attributes, "fmod", 0) != 0;
    return binary_infer(c, truncated ? &truncated_f : &floored_f);
}

/* The slope broadcasts to x, never the other way round. Before opset 7 it is
   one number or one for each channel. */
static cxai_status prelu_infer(const cx_case *c)
{
    params *p = c->params;
    if (c->opset < 7 && c->x_shape[1].rank == 1 && c->x_shape[0].rank > 2)
        p->trailing = c->x_shape[0].rank - 2;
    cxai_status status = binary_infer(c, &prelu_f);
    char text[128];
    if (status == CXAI_OK && !cxai_shape_equal(&c->y_shape[0], &c->x_shape[0]))
        return cx_refuse(c, CXAI_MALFORMED,
                         "a slope of shape %s does not broadcast to its input",
                         cxai_shape_text(&c->x_shape[1], text, sizeof text));
    return status;
}

/* Integers to powers of real numbers, row-major or one for all. */
static cxai_status fold_real_powers(const cx_case *c, cx_literal *y)
{
    const cx_literal *base = c->x_literal[0], *exponent = c->x_literal[1];
    int64_t count = cx_literal_count(y), powers = cx_literal_count(exponent);
    if (cx_literal_count(base) != count || (powers != count && powers != 1))
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "integers to powers of another shape are not "
                         "supported");
    for (int64_t i = 0; i < count; i++) {
        double value = pow(cx_literal_number(base, i),
                           cx_literal_number(exponent, powers == 1 ? 0 : i));
        if (!(fabs(value) < 9e18))
            return cx_refuse(c, CXAI_MALFORMED, "a power is no integer");
        cx_literal_set_int(y, i, (int64_t)value);
    }
    return CXAI_OK;
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    if (((const params *)c->params)->exponent.data != NULL)
        return fold_real_powers(c, y[0]);
    return cx_fold_integers(c, ((const params *)c->params)->f->integer, y[0]);
}

static const cx_sample linear[] = {
    { .inputs = "2,3,4,5;2,3,4,5" },
    { .inputs = "2,3,4,5;1,3,1,1" },
    { .inputs = "2,3,4,5;2,3,1,1" },
    { .inputs = "2,3,1,1;2,3,4,5" },
    { .inputs = "3,4;2,1,3,1" },
    { .inputs = "2,3;1" },
    { .inputs = "1;2,3,2" },
    { .inputs = "2,3,4,5;3", .attributes = "broadcast=1 axis=1", .opset = 6 },
    { .inputs = "2,3,4,5;3,4", .attributes = "broadcast=1 axis=1", .opset = 6 },
};
static const cx_sample positive[] = {
    { .inputs = "2,3,4,5;2,3,4,5", .low = 0.5, .high = 2 },
    { .inputs = "2,3,4,5;1,3,1,1", .low = 0.5, .high = 2 },
    { .inputs = "2,3,1,1;2,3,4,5", .low = 0.5, .high = 2 },
    { .inputs = "3,4;1", .low = 0.5, .high = 2 },
};
static const cx_sample pow_samples[] = {
    { .inputs = "2,3,4,5;2,3,4,5", .low = 0.5, .high = 2 },
    { .inputs = "2,3,1,1;2,3,4,5", .low = 0.5, .high = 2 },
    { .inputs = "2,3,4;=3" },
    { .inputs = "2,3;3=0,1,2" },
};
static const cx_sample mod_samples[] = {
    { .inputs = "2,3,4,5;2,3,4,5",
      .attributes = "fmod=1",
      .low = 0.5,
      .high = 2 },
    { .inputs = "2,3,4,5;1,3,1,1", .low = 0.5, .high = 2 },
};
static const cx_sample prelu_samples[] = {
    { .inputs = "2,3,4,5;3,1,1" },
    { .inputs = "2,3,4,5;1" },
    { .inputs = "2,3;2,3" },
    { .inputs = "2,3,4,5;3", .opset = 6 },
};

#define ENTRY(operator_name, infer_function, operator_samples)                 \
    {                                                                          \
        .name = operator_name, .min_inputs = 2, .max_inputs = 2,               \
        .layout = CX_STRIDED, .params_size = sizeof(params),                   \
        .infer = infer_function, .demand = demand, .forward = forward,         \
        .backward = backward, .fold = fold, CX_SAMPLES(operator_samples)       \
    }

static const cx_operator operators[] = {
    ENTRY("Add", add_infer, linear),
    ENTRY("Sub", subtract_infer, linear),
    ENTRY("Mul", multiply_infer, linear),
    ENTRY("Div", divide_infer, positive),
    ENTRY("Pow", raise_infer, pow_samples),
    ENTRY("Mod", mod_infer, mod_samples),
    ENTRY("PRelu", prelu_infer, prelu_samples),
};
const cx_operator_family cx_operators_binary = CX_FAMILY(operators);
