#include "rescale.h"

#include <math.h>

#include "rows.h"
#include "types.h"

static const double smallest = 1e-10;

/* The first or the second picture's part of a tensor; also where the batch was
   merged with a dimension behind it. */
static cxai_tensor half(const cxai_tensor *whole, int which)
{
    cxai_tensor part = *whole;

    part.shape.dim[0] /= 2;
    part.data += which * part.shape.dim[0] * part.stride[0];
    return part;
}

static int has_halves(const cxai_tensor *view)
{
    return view->data && view->shape.rank > 0 && view->shape.dim[0] % 2 == 0;
}

/* rows x, x', y, y', m_y, m_y', m_x, m_x' */
static void rescale_row(cxai_real *const *at, const int64_t *step,
                        int64_t count, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        double dx = (double)at[0][i * step[0]] - (double)at[1][i * step[1]];
        double dy = (double)at[2][i * step[2]] - (double)at[3][i * step[3]];
        if (fabs(dx) < smallest)
            continue;
        at[6][i * step[6]] = (cxai_real)((double)at[4][i * step[4]] * dy / dx);
        at[7][i * step[7]] = (cxai_real)((double)at[5][i * step[5]] * dy / dx);
    }
}

static int rescale(const cxai_hook_call *call, void *payload)
{
    const cxai_tensor *x = &call->inputs[0], *y = &call->outputs[0];
    const cxai_tensor *my = &call->output_gradients[0];
    const cxai_tensor *mx = &call->input_gradients[0];

    if (has_halves(mx) && cxai_shape_equal(&x->shape, &y->shape)) {
        const cxai_tensor views[] = { half(x, 0),  half(x, 1),  half(y, 0),
                                      half(y, 1),  half(my, 0), half(my, 1),
                                      half(mx, 0), half(mx, 1) };
        cx_each_row(views, 8, rescale_row, payload);
    }
    return 0;
}

/* rows y, y', m_y, m_y': times what each picture's maximum is to be given */
static void share_row(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        cxai_real change = at[0][i * step[0]] - at[1][i * step[1]];
        at[2][i * step[2]] *= change > 0 ? change : 0;
        at[3][i * step[3]] *= change < 0 ? change : 0;
    }
}

/* rows x, x', and what was given to their places */
static void divide_row(cxai_real *const *at, const int64_t *step, int64_t count,
                       void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        double dx = (double)at[0][i * step[0]] - (double)at[1][i * step[1]];
        double given = (double)at[2][i * step[2]] + (double)at[3][i * step[3]];
        double m = fabs(dx) < smallest ? 0 : given / dx;
        at[2][i * step[2]] = at[3][i * step[3]] = (cxai_real)m;
    }
}

static int share_maxima(const cxai_hook_call *call, void *payload)
{
    const cxai_tensor *x = &call->inputs[0], *y = &call->outputs[0];
    const cxai_tensor *my = &call->output_gradients[0];
    const cxai_tensor *mx = &call->input_gradients[0];

    if (call->place == CXAI_BEFORE_BACKWARD && has_halves(my)) {
        const cxai_tensor views[] = { half(y, 0), half(y, 1), half(my, 0),
                                      half(my, 1) };
        cx_each_row(views, 4, share_row, payload);
    }
    if (call->place == CXAI_AFTER_BACKWARD && has_halves(mx)) {
        const cxai_tensor views[] = { half(x, 0), half(x, 1), half(mx, 0),
                                      half(mx, 1) };
        cx_each_row(views, 4, divide_row, payload);
    }
    return 0;
}

static void average_row(cxai_real *const *at, const int64_t *step,
                        int64_t count, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        cxai_real *a = at[0] + i * step[0], *b = at[1] + i * step[1];
        *a = *b = (*a + *b) / 2;
    }
}

static int average(const cxai_hook_call *call, void *payload)
{
    for (int i = 0; i < call->input_count; i++) {
        const cxai_tensor *mx = &call->input_gradients[i];
        if (!has_halves(mx))
            continue;
        const cxai_tensor views[] = { half(mx, 0), half(mx, 1) };
        cx_each_row(views, 2, average_row, payload);
    }
    return 0;
}

/* The rule for a node; NULL: none. */
static cxai_hook_function *rule_of(const cxai_model *model, int number)
{
    static const char functions[] =
        "Relu Clip LeakyRelu PRelu Elu Selu Celu Sigmoid Tanh Softplus "
        "Softsign HardSwish HardSigmoid Swish Mish Gelu Erf Exp Log Sqrt Abs "
        "ThresholdedRelu Reciprocal";
    static const char maxima[] = "MaxPool GlobalMaxPool";
    static const char products[] = "Mul MatMul";
    cxai_node node = cxai_model_node(model, number);

    if (cx_is_one_of(node.operator_type, functions))
        return rescale;
    if (cx_is_one_of(node.operator_type, maxima))
        return share_maxima;
    if (cx_is_one_of(node.operator_type, products) &&
        !cxai_model_constant(model, node.inputs[0]).data &&
        !cxai_model_constant(model, node.inputs[1]).data)
        return average;
    return NULL;
}

int cx_list_rescalers(const cxai_model *model, void *payload, cxai_hook *hooks)
{
    int count = 0;

    (void)payload;
    for (int i = 0; i < cxai_model_node_count(model); i++) {
        cxai_hook_function *rule = rule_of(model, i);
        int first = rule == share_maxima ? CXAI_BEFORE_BACKWARD : 0;
        if (rule)
            hooks[count++] = (cxai_hook){ .places = CXAI_AFTER_BACKWARD | first,
                                          .node = i,
                                          .function = rule };
    }
    return count;
}
