/*
 * Functions of any number of tensors that broadcast: Sum, Mean, Max, Min.
 * Where several inputs of Max or Min are the greatest, they share the
 * gradient evenly, which for two is PyTorch's rule for maximum and minimum.
 */
#include "ops/common/fold.h"
#include "ops/common/rows.h"

typedef struct variadic {
    cx_row_function *combine; /* of two */
    cx_integer_function *integer;
    int picks; /* passes one of its inputs through */
    int averages;
} variadic;

typedef struct params {
    const variadic *f;
    cxai_real weight; /* of each input */
} params;

static cxai_status variadic_infer(const cx_case *c, const variadic *f)
{
    params *p = c->params;
    p->f = f;
    p->weight = f->averages ? 1 / (cxai_real)c->input_count : 1;
    for (int k = 0; k < c->input_count; k++)
        if (c->x_literal[k] != NULL &&
            (c->x_literal[k]->type == CX_REAL) != (c->y_type[0] == CX_REAL))
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "it mixes real numbers and integers");
    if (c->y_type[0] != CX_REAL && f->integer == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its inputs must be real numbers");
    if (f->picks && c->input_count > 64)
        return cx_refuse(c, CXAI_UNSUPPORTED, "it has %d inputs, more than 64",
                         c->input_count);
    return cx_broadcast_inputs(c, 0, &c->y_shape[0]);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    if (!p->f->picks || !wanted)
        return;
    demand->keep_inputs =
        c->input_count == 64 ? UINT64_MAX : ((uint64_t)1 << c->input_count) - 1;
    demand->keep_outputs = 1;
    demand->backward_workspace =
        (size_t)cxai_shape_count(&c->y_shape[0]) * sizeof(cxai_real);
}

static void copy(cxai_real *out, const cxai_real *const *in, int64_t n,
                 cxai_real weight)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = weight * in[0][i];
}

static void add(cxai_real *out, const cxai_real *const *in, int64_t n,
                cxai_real weight)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] + weight * in[1][i];
}

static void greater(cxai_real *out, const cxai_real *const *in, int64_t n,
                    cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++) {
        cxai_real a = in[0][i], b = in[1][i];
        out[i] = b > a || b != b ? b : a; /* a NaN wins */
    }
}

static void smaller(cxai_real *out, const cxai_real *const *in, int64_t n,
                    cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++) {
        cxai_real a = in[0][i], b = in[1][i];
        out[i] = b < a || b != b ? b : a;
    }
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = copy,
                     .parameter = p->weight,
                     .in = { call->x[0] },
                     .count = 1,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &call->y[0]);
    rows.function = p->f->combine;
    rows.in[0] = call->y[0];
    rows.count = 2;
    for (int k = 1; k < call->c->input_count; k++) {
        rows.in[1] = call->x[k];
        cx_rows_map(&rows, &call->y[0]);
    }
}

/* ties += x == y */
static void count_tie(cxai_real *out, const cxai_real *const *in, int64_t n,
                      cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] + (in[1][i] == in[2][i] ? 1 : 0);
}

/* of dy, ties, x, y */
static void share(cxai_real *out, const cxai_real *const *in, int64_t n,
                  cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[2][i] == in[3][i] ? in[0][i] / in[1][i] : 0;
}

/* For each element, how many inputs equal the output. */
static cxai_tensor count_ties(const cx_call *call)
{
    cxai_tensor ties = call->y[0];
    ties.data = call->workspace;
    cx_shape_strides(&ties.shape, ties.stride);
    cx_view view = cx_view_of(&ties);
    cx_view_fill(&view, 0);
    for (int k = 0; k < call->c->input_count; k++) {
        cx_rows rows = { .function = count_tie,
                         .in = { ties, call->x[k], call->y[0] },
                         .count = 3,
                         .threads = call->c->threads };
        cx_rows_map(&rows, &ties);
    }
    return ties;
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cx_rows rows = { .function = copy,
                     .parameter = p->weight,
                     .in = { call->dy[0] },
                     .count = 1,
                     .threads = call->c->threads };
    if (p->f->picks) {
        rows.function = share;
        rows.in[1] = count_ties(call);
        rows.in[3] = call->y[0];
        rows.count = 4;
    }
    for (int k = 0; k < call->c->input_count; k++) {
        if (call->dx[k].data == NULL)
            continue;
        if (p->f->picks)
            rows.in[2] = call->x[k];
        cx_rows_gradient(&rows, &call->dx[k]);
    }
}

static int greater_integer(int64_t a, int64_t b, int64_t *y)
{
    *y = a > b ? a : b;
    return 0;
}

static int smaller_integer(int64_t a, int64_t b, int64_t *y)
{
    *y = a < b ? a : b;
    return 0;
}

static const variadic sum = { .combine = add };
static const variadic mean = { .combine = add, .averages = 1 };
static const variadic maximum = { .combine = greater,
                                  .integer = greater_integer,
                                  .picks = 1 };
static const variadic minimum = { .combine = smaller,
                                  .integer = smaller_integer,
                                  .picks = 1 };

static cxai_status sum_infer(const cx_case *c)
{
    return variadic_infer(c, &sum);
}

static cxai_status mean_infer(const cx_case *c)
{
    return variadic_infer(c, &mean);
}

static cxai_status maximum_infer(const cx_case *c)
{
    return variadic_infer(c, &maximum);
}

static cxai_status minimum_infer(const cx_case *c)
{
    return variadic_infer(c, &minimum);
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    return cx_fold_integers(c, ((const params *)c->params)->f->integer, y[0]);
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4,5" },
    { .inputs = "2,3,4,5;2,3,4,5" },
    { .inputs = "2,3,4,5;3,1,1;1;2,3,1,1" },
};

#define ENTRY(operator_name, infer_function)                                   \
    {                                                                          \
        .name = operator_name, .min_inputs = 1, .max_inputs = -1,              \
        .layout = CX_STRIDED, .params_size = sizeof(params),                   \
        .infer = infer_function, .demand = demand, .forward = forward,         \
        .backward = backward, .fold = fold, CX_SAMPLES(samples)                \
    }

static const cx_operator operators[] = {
    ENTRY("Sum", sum_infer),
    ENTRY("Mean", mean_infer),
    ENTRY("Max", maximum_infer),
    ENTRY("Min", minimum_infer),
};
const cx_operator_family cx_operators_variadic = CX_FAMILY(operators);
