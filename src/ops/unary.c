/*
 * Smooth functions of one real number. Each is one line below: its value and
 * its derivative, written in terms of the value that backward keeps (x or y).
 * Functions made of two straight lines are in piecewise.c.
 */
#include <math.h>
#include <tgmath.h>

#include "kernels/exponential.h"
#include "kernels/kernels.h"
#include "ops/common/flat.h"
#include "ops/common/fold.h"
#include "ops/operator.h"

#define R(number) ((cxai_real)(number))

enum { KEEPS_NOTHING, KEEPS_X, KEEPS_Y };

typedef struct function {
    void (*value)(cxai_real *y, const cxai_real *x, int64_t n, cxai_real a,
                  cxai_real b);
    void (*derivative)(cxai_real *dx, const cxai_real *kept,
                       const cxai_real *dy, int64_t n, cxai_real a,
                       cxai_real b);
    int keeps;
    struct {
        const char *attribute;
        double otherwise;
    } a, b;                        /* parameters; attribute NULL: none */
    int64_t (*integer)(int64_t x); /* NULL: reals only */
} function;

typedef struct params {
    const function *f;
    cxai_real a, b;
    /* kernels that compute the value and the gradient, NULL: f's do */
    void (*kernel)(cxai_real *y, const cxai_real *x, int64_t n);
    void (*gradient)(cxai_real *dx, const cxai_real *kept, const cxai_real *dy,
                     int64_t n);
} params;

static cxai_status unary_infer(const cx_case *c, const function *f)
{
    params *p = c->params;
    p->f = f;
    if (f->a.attribute != NULL)
        p->a = (cxai_real)cx_attribute_float(c->attributes, f->a.attribute,
                                             f->a.otherwise);
    if (f->b.attribute != NULL)
        p->b = (cxai_real)cx_attribute_float(c->attributes, f->b.attribute,
                                             f->b.otherwise);
    if (c->y_type[0] != CX_REAL && f->integer == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its input must be real numbers");
    c->y_shape[0] = c->x_shape[0];
    return CXAI_OK;
}

static void unary_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    demand->keep_inputs = wanted && p->f->keeps == KEEPS_X;
    demand->keep_outputs = wanted && p->f->keeps == KEEPS_Y;
}

static void unary_forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *x = call->x[0].data;
    cxai_real *y = call->y[0].data;
    int64_t n = cxai_shape_count(&call->y[0].shape);
#pragma omp parallel for num_threads(cx_flat_threads(call->c->threads, n))     \
    schedule(static)
    for (int64_t i = 0; i < n; i += CX_FLAT_CHUNK) {
        int64_t length = cx_flat_length(i, n);
        if (p->kernel != NULL)
            p->kernel(y + i, x + i, length);
        else
            p->f->value(y + i, x + i, length, p->a, p->b);
    }
}

static void unary_backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *dy = call->dy[0].data;
    const cxai_real *kept = p->f->keeps == KEEPS_X   ? call->x[0].data
                            : p->f->keeps == KEEPS_Y ? call->y[0].data
                                                     : dy;
    cxai_real *dx = call->dx[0].data;
    int64_t n = cxai_shape_count(&call->dx[0].shape);
#pragma omp parallel for num_threads(cx_flat_threads(call->c->threads, n))     \
    schedule(static)
    for (int64_t i = 0; i < n; i += CX_FLAT_CHUNK) {
        int64_t length = cx_flat_length(i, n);
        if (p->gradient != NULL)
            p->gradient(dx + i, kept + i, dy + i, length);
        else
            p->f->derivative(dx + i, kept + i, dy + i, length, p->a, p->b);
    }
}

static cxai_status unary_fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    int64_t n = cx_literal_count(y[0]);
    for (int64_t i = 0; i < n; i++)
        cx_literal_set_int(y[0], i,
                           p->f->integer(cx_literal_int(c->x_literal[0], i)));
    return CXAI_OK;
}

/* Wraps like the two's complement that ONNX's own runners use. */
static int64_t integer_negative(int64_t x)
{
    return (int64_t)(0 - (uint64_t)x);
}

static int64_t integer_magnitude(int64_t x)
{
    return x < 0 ? integer_negative(x) : x;
}

static int64_t integer_sign(int64_t x)
{
    return (x > 0) - (x < 0);
}

static inline cxai_real sign(cxai_real x)
{
    return x > 0 ? R(1) : x < 0 ? R(-1) : x; /* NaN stays */
}

/* log(1 + exp(x)) without overflow. */
static inline cxai_real softplus(cxai_real x)
{
    return (x > 0 ? x : R(0)) + log1p(exp(-fabs(x)));
}

static inline cxai_real hard_swish_slope(cxai_real x)
{
    return x <= R(-3) ? R(0) : x >= R(3) ? R(1) : x / R(3) + R(0.5);
}

static inline cxai_real mish_slope(cxai_real x)
{
    cxai_real t = cx_tanh(softplus(x));
    return t + x * (1 - t * t) * cx_sigmoid(x);
}

static inline cxai_real swish_slope(cxai_real x, cxai_real a)
{
    cxai_real s = cx_sigmoid(a * x);
    return s + a * x * s * (1 - s);
}

/* The argument of Gelu's tanh, Hendrycks and Gimpel 2016 (arXiv 1606.08415)
   section 2, and its derivative. */
static inline cxai_real gelu_inner(cxai_real x)
{
    return R(0.79788456080286536) * (x + R(0.044715) * x * x * x);
}

static inline cxai_real gelu_tanh_slope(cxai_real x)
{
    cxai_real t = cx_tanh(gelu_inner(x));
    cxai_real inner = R(0.79788456080286536) * (1 + R(0.134145) * x * x);
    return R(0.5) * (1 + t) + R(0.5) * x * (1 - t * t) * inner;
}

/* FUNCTION(name, what backward keeps, y of x, dy/dx of x or y, ...): the loops
   of one function and its entry; a and b are its parameters, further arguments
   are further fields. */
#define FUNCTION(name, kept, value_of, derivative_of, ...)                     \
    static void name##_value(cxai_real *ys, const cxai_real *xs, int64_t n,    \
                             cxai_real a, cxai_real b)                         \
    {                                                                          \
        (void)a, (void)b;                                                      \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++)                    \
        {                                                                      \
            cxai_real x = xs[i];                                               \
            ys[i] = value_of;                                                  \
        }                                                                      \
    }                                                                          \
    static void name##_derivative(cxai_real *dx, const cxai_real *v,           \
                                  const cxai_real *dy, int64_t n, cxai_real a, \
                                  cxai_real b)                                 \
    {                                                                          \
        (void)a, (void)b;                                                      \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++)                    \
        {                                                                      \
            cxai_real x = v[i], y = v[i];                                      \
            (void)x, (void)y;                                                  \
            dx[i] = dy[i] * (derivative_of);                                   \
        }                                                                      \
    }                                                                          \
    static const function name##_function = { .value = name##_value,           \
                                              .derivative = name##_derivative, \
                                              .keeps = kept,                   \
                                              __VA_ARGS__ }

/* The operator of one function, and of one that a kernel computes. */
#define OPERATOR(name)                                                         \
    static cxai_status name##_infer(const cx_case *c)                          \
    {                                                                          \
        return unary_infer(c, &name##_function);                               \
    }

#define KERNEL_OPERATOR(name, kernel_name)                                     \
    static cxai_status name##_infer(const cx_case *c)                          \
    {                                                                          \
        ((params *)c->params)->kernel = c->kernels->kernel_name;               \
        return unary_infer(c, &name##_function);                               \
    }

#define UNARY(name, ...)                                                       \
    FUNCTION(name, __VA_ARGS__);                                               \
    OPERATOR(name)

/* clang-format off */
FUNCTION(Sigmoid, KEEPS_Y, cx_sigmoid(x), y * (1 - y), );
KERNEL_OPERATOR(Sigmoid, sigmoid)
FUNCTION(Tanh, KEEPS_Y, cx_tanh(x), 1 - y * y, );
KERNEL_OPERATOR(Tanh, hyperbolic_tangent)
FUNCTION(Exp, KEEPS_Y, cx_exp(x), y, );
KERNEL_OPERATOR(Exp, exponential)
UNARY(Sqrt, KEEPS_Y, sqrt(x), R(0.5) / y, )
UNARY(Reciprocal, KEEPS_Y, 1 / x, -y * y, )
UNARY(Softplus, KEEPS_Y, softplus(x), -expm1(-y), )
UNARY(Log, KEEPS_X, log(x), 1 / x, )
FUNCTION(Erf, KEEPS_X, cx_erf(x), R(1.1283791670955126) * cx_exp(-x * x), );
KERNEL_OPERATOR(Erf, error_function)
UNARY(Softsign, KEEPS_X, x / (1 + fabs(x)),
      1 / ((1 + fabs(x)) * (1 + fabs(x))), )
UNARY(HardSwish, KEEPS_X, x * (x <= R(-3) ? R(0) : x >= R(3) ? R(1)
      : x / R(6) + R(0.5)), hard_swish_slope(x), )
UNARY(Mish, KEEPS_X, x * cx_tanh(softplus(x)), mish_slope(x), )
FUNCTION(Swish, KEEPS_X, x * cx_sigmoid(a * x), swish_slope(x, a),
         .a = { "alpha", 1 });
UNARY(Elu, KEEPS_X, x > 0 ? x : a * expm1(x), x > 0 ? R(1) : a * exp(x),
      .a = { "alpha", 1 })
UNARY(Celu, KEEPS_X, x > 0 ? x : a * expm1(x / a),
      x > 0 ? R(1) : exp(x / a), .a = { "alpha", 1 })
UNARY(Selu, KEEPS_X, b * (x > 0 ? x : a * expm1(x)),
      b * (x > 0 ? R(1) : a * exp(x)),
      .a = { "alpha", 1.67326319217681884765625 },
      .b = { "gamma", 1.05070102214813232421875 })
UNARY(Shrink, KEEPS_X, x < -b ? x + a : x > b ? x - a : R(0),
      fabs(x) > b ? R(1) : R(0), .a = { "bias", 0 }, .b = { "lambd", 0.5 })
UNARY(Sin, KEEPS_X, sin(x), cos(x), )
UNARY(Cos, KEEPS_X, cos(x), -sin(x), )
UNARY(Tan, KEEPS_Y, tan(x), 1 + y * y, )
UNARY(Asin, KEEPS_X, asin(x), 1 / sqrt(1 - x * x), )
UNARY(Acos, KEEPS_X, acos(x), -1 / sqrt(1 - x * x), )
UNARY(Atan, KEEPS_X, atan(x), 1 / (1 + x * x), )
UNARY(Sinh, KEEPS_X, sinh(x), cosh(x), )
UNARY(Cosh, KEEPS_X, cosh(x), sinh(x), )
UNARY(Asinh, KEEPS_X, asinh(x), 1 / sqrt(x * x + 1), )
UNARY(Acosh, KEEPS_X, acosh(x), 1 / sqrt(x * x - 1), )
UNARY(Atanh, KEEPS_X, atanh(x), 1 / (1 - x * x), )
UNARY(Abs, KEEPS_X, fabs(x), sign(x), .integer = integer_magnitude)
UNARY(Neg, KEEPS_NOTHING, -x, R(-1), .integer = integer_negative)
UNARY(Sign, KEEPS_NOTHING, sign(x), R(0), .integer = integer_sign)
UNARY(Floor, KEEPS_NOTHING, floor(x), R(0), )
UNARY(Ceil, KEEPS_NOTHING, ceil(x), R(0), )
UNARY(Round, KEEPS_NOTHING, rint(x), R(0), ) /* half to even */
FUNCTION(Gelu, KEEPS_X, cx_gelu(x), cx_gelu_slope(x), );
FUNCTION(Gelu_tanh, KEEPS_X, R(0.5) * x * (1 + cx_tanh(gelu_inner(x))),
         gelu_tanh_slope(x), );
/* clang-format on */

static cxai_status Swish_infer(const cx_case *c)
{
    params *p = c->params;
    cxai_status status = unary_infer(c, &Swish_function);
    if (p->a == 1) {
        p->kernel = c->kernels->swish;
        p->gradient = c->kernels->swish_gradient;
    }
    return status;
}

static cxai_status Gelu_infer(const cx_case *c)
{
    const char *form =
        cx_attribute_string(c->attributes, "approximate", "none");
    if (strcmp(form, "tanh") == 0)
        return unary_infer(c, &Gelu_tanh_function);
    if (strcmp(form, "none") == 0) {
        params *p = c->params;
        p->kernel = c->kernels->gelu;
        p->gradient = c->kernels->gelu_gradient;
        return unary_infer(c, &Gelu_function);
    }
    return cx_refuse(c, CXAI_MALFORMED,
                     "approximate is \"%s\", not \"none\" or \"tanh\"", form);
}

static const cx_sample anywhere[] = {
    { .inputs = "2,5,3,4", .low = -4, .high = 4 },
    { .inputs = "7", .low = -1, .high = 1 },
};
static const cx_sample positive[] = {
    { .inputs = "2,5,3,4", .low = 0.2, .high = 4 },
};
static const cx_sample inside_one[] = {
    { .inputs = "2,5,3,4", .low = -0.9, .high = 0.9 },
};
static const cx_sample above_one[] = {
    { .inputs = "2,5,3,4", .low = 1.2, .high = 4 },
};
static const cx_sample with_alpha[] = {
    { .inputs = "2,5,3,4", .low = -4, .high = 4 },
    { .inputs = "2,5", .attributes = "alpha=0.7f", .low = -4, .high = 4 },
};
static const cx_sample selu_samples[] = {
    { .inputs = "2,5,3,4", .low = -4, .high = 4 },
    { .inputs = "6", .attributes = "alpha=2f gamma=3f", .low = -2, .high = 2 },
};
static const cx_sample shrink_samples[] = {
    { .inputs = "2,5,3,4", .low = -2, .high = 2 },
    { .inputs = "2,5",
      .attributes = "bias=0.3f lambd=1f",
      .low = -2,
      .high = 2 },
};
static const cx_sample gelu_samples[] = {
    { .inputs = "2,5,3,4", .low = -4, .high = 4 },
    { .inputs = "2,5", .attributes = "approximate=tanh", .low = -4, .high = 4 },
};

#define ENTRY(operator_name, operator_samples)                                 \
    {                                                                          \
        .name = #operator_name, .min_inputs = 1, .max_inputs = 1,              \
        .layout = CX_SAME, .params_size = sizeof(params),                      \
        .infer = operator_name##_infer, .demand = unary_demand,                \
        .forward = unary_forward, .backward = unary_backward,                  \
        .fold = unary_fold, CX_SAMPLES(operator_samples)                       \
    }

static const cx_operator operators[] = {
    ENTRY(Sigmoid, anywhere),      ENTRY(Tanh, anywhere),
    ENTRY(Exp, anywhere),          ENTRY(Sqrt, positive),
    ENTRY(Reciprocal, positive),   ENTRY(Softplus, anywhere),
    ENTRY(Log, positive),          ENTRY(Erf, anywhere),
    ENTRY(Softsign, anywhere),     ENTRY(HardSwish, anywhere),
    ENTRY(Mish, anywhere),         ENTRY(Swish, with_alpha),
    ENTRY(Elu, with_alpha),        ENTRY(Celu, with_alpha),
    ENTRY(Selu, selu_samples),     ENTRY(Gelu, gelu_samples),
    ENTRY(Shrink, shrink_samples), ENTRY(Sin, anywhere),
    ENTRY(Cos, anywhere),          ENTRY(Tan, inside_one),
    ENTRY(Asin, inside_one),       ENTRY(Acos, inside_one),
    ENTRY(Atan, anywhere),         ENTRY(Sinh, anywhere),
    ENTRY(Cosh, anywhere),         ENTRY(Asinh, anywhere),
    ENTRY(Acosh, above_one),       ENTRY(Atanh, inside_one),
    ENTRY(Abs, anywhere),          ENTRY(Neg, anywhere),
    ENTRY(Sign, anywhere),         ENTRY(Floor, anywhere),
    ENTRY(Ceil, anywhere),         ENTRY(Round, anywhere),
};
const cx_operator_family cx_operators_unary = CX_FAMILY(operators);
