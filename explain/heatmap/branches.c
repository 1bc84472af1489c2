#include "branches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "types.h"

/* The value and the slope at x of the piece of a function that goes through
   (x0,y0); alpha is the node's attribute. */
typedef struct piece {
    double value, slope;
} piece;

typedef piece piece_function(double x0, double y0, double x, double alpha);

/* A ray from the origin. */
static piece ray(double x0, double y0, double x, double alpha)
{
    double slope = x0 != 0 ? y0 / x0 : 0;

    (void)alpha;
    return (piece){ slope * x, slope };
}

static piece clip(double x0, double y0, double x, double alpha)
{
    (void)alpha;
    return x0 == y0 ? (piece){ x, 1 } : (piece){ y0, 0 };
}

static piece hard_sigmoid(double x0, double y0, double x, double alpha)
{
    return y0 > 0 && y0 < 1 ? (piece){ y0 + alpha * (x - x0), alpha }
                            : (piece){ y0, 0 };
}

static piece hard_swish(double x0, double y0, double x, double alpha)
{
    (void)y0;
    (void)alpha;
    if (fabs(x0) < 3)
        return (piece){ x * (x + 3) / 6, (2 * x + 3) / 6 };
    return x0 > 0 ? (piece){ x, 1 } : (piece){ 0, 0 };
}

typedef struct function {
    const char *type;
    piece_function *piece;
} function;

static const function functions[] = {
    { "Relu", ray },
    { "LeakyRelu", ray },
    { "PRelu", ray },
    { "Abs", ray },
    { "Clip", clip },
    { "HardSigmoid", hard_sigmoid },
    { "HardSwish", hard_swish },
};

static piece_function *piece_of(const char *type)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].type, type) == 0)
            return functions[i].piece;
    return NULL;
}

/* ---- hooks --------------------------------------------------------------- */

/* One picture's part of a tensor; also where the batch was merged with a
   dimension behind it. */
static cxai_tensor part_of(const cxai_tensor *whole, int picture)
{
    cxai_tensor part = *whole;

    part.shape.dim[0] /= cx_held_items;
    part.data += picture * part.shape.dim[0] * part.stride[0];
    return part;
}

static int has_parts(const cxai_tensor *view)
{
    return view->data && view->shape.rank > 0 &&
           view->shape.dim[0] % cx_held_items == 0;
}

typedef struct held {
    piece_function *piece;
    double alpha;
} held;

/* rows x0, y0, x1, x2, y1, y2 */
static void hold_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    const held *h = payload;

    for (int64_t i = 0; i < count; i++)
        for (int k = 2; k < 4; k++)
            at[k + 2][i * step[k + 2]] =
                (cxai_real)h
                    ->piece((double)at[0][i * step[0]],
                            (double)at[1][i * step[1]],
                            (double)at[k][i * step[k]], h->alpha)
                    .value;
}

/* rows x0, y0, x1, x2, dy1, dy2, dx1, dx2 */
static void hold_gradient_row(cxai_real *const *at, const int64_t *step,
                              int64_t count, void *payload)
{
    const held *h = payload;

    for (int64_t i = 0; i < count; i++)
        for (int k = 2; k < 4; k++)
            at[k + 4][i * step[k + 4]] =
                (cxai_real)((double)at[k + 2][i * step[k + 2]] *
                            h->piece((double)at[0][i * step[0]],
                                     (double)at[1][i * step[1]],
                                     (double)at[k][i * step[k]], h->alpha)
                                .slope);
}

static int hold_function(const cxai_hook_call *call, void *payload)
{
    const cxai_model *model = cxai_session_model(call->session);
    cxai_node node = cxai_model_node(model, call->node);
    held h = { piece_of(node.operator_type),
               cxai_model_attribute(model, call->node, "alpha", 0.2) };
    const cxai_tensor *x = &call->inputs[0], *y = &call->outputs[0];

    (void)payload;
    if (!has_parts(x) || !cxai_shape_equal(&x->shape, &y->shape))
        return 0;
    cxai_tensor views[] = { part_of(x, 0), part_of(y, 0), part_of(x, 1),
                            part_of(x, 2), part_of(y, 1), part_of(y, 2),
                            { 0 },         { 0 } };
    if (call->place == CXAI_AFTER_FORWARD) {
        cx_each_row(views, 6, hold_row, &h);
        return 0;
    }
    const cxai_tensor *dx = &call->input_gradients[0];
    const cxai_tensor *dy = &call->output_gradients[0];
    if (!has_parts(dx))
        return 0;
    for (int k = 1; k < cx_held_items; k++) {
        views[3 + k] = part_of(dy, k);
        views[5 + k] = part_of(dx, k);
    }
    cx_each_row(views, 8, hold_gradient_row, &h);
    return 0;
}

/* ---- maxima -------------------------------------------------------------- */

/* Finds where x has the maximum y[out], out and in being (n,c,row,column): the
   nearest place with that number. How large windows are need not be known, for
   a number that is there twice does not depend on anything, as a ReLU's 0. */
static int find_maximum(const cxai_tensor *x, const cxai_tensor *y,
                        const int64_t *out, int64_t *in)
{
    const int64_t *size = x->shape.dim, *of = y->shape.dim;
    const cxai_real maximum = *cxai_tensor_at(y, out);
    int64_t most = size[2] > size[3] ? size[2] : size[3];
    int64_t row = (2 * out[2] + 1) * size[2] / (2 * of[2]);
    int64_t column = (2 * out[3] + 1) * size[3] / (2 * of[3]);

    memcpy(in, out, 2 * sizeof *in);
    for (int64_t ring = 0; ring < most && maximum == maximum; ring++)
        for (in[2] = row - ring; in[2] <= row + ring; in[2]++) {
            int is_side = in[2] == row - ring || in[2] == row + ring;
            for (in[3] = column - ring; in[3] <= column + ring;
                 in[3] += is_side ? 1 : 2 * ring)
                if (in[2] >= 0 && in[2] < size[2] && in[3] >= 0 &&
                    in[3] < size[3] && *cxai_tensor_at(x, in) == maximum)
                    return 1;
        }
    return 0;
}

/* Between the places of the maxima y of x, in `inner` of x's shape, and `outer`
   of y's: there, or, added, back. */
static void carry(const cxai_tensor *x, const cxai_tensor *y,
                  const cxai_tensor *inner, const cxai_tensor *outer, int back)
{
    const int64_t *of = y->shape.dim;
    int64_t out[4], in[4];

    for (out[0] = 0; out[0] < of[0]; out[0]++)
        for (out[1] = 0; out[1] < of[1]; out[1]++)
            for (out[2] = 0; out[2] < of[2]; out[2]++)
                for (out[3] = 0; out[3] < of[3]; out[3]++) {
                    if (!find_maximum(x, y, out, in))
                        continue;
                    if (back)
                        *cxai_tensor_at(inner, in) +=
                            *cxai_tensor_at(outer, out);
                    else
                        *cxai_tensor_at(outer, out) =
                            *cxai_tensor_at(inner, in);
                }
}

static void zero_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = 0;
}

static int hold_maxima(const cxai_hook_call *call, void *payload)
{
    int back = call->place == CXAI_AFTER_BACKWARD;
    const cxai_tensor *whole_x = &call->inputs[0], *whole_y = &call->outputs[0];

    (void)payload;
    if (!has_parts(whole_x) || whole_x->shape.rank != 4 ||
        (back && !call->input_gradients[0].data))
        return 0;
    const cxai_tensor x = part_of(whole_x, 0), y = part_of(whole_y, 0);
    for (int k = 1; k < cx_held_items; k++) {
        cxai_tensor inner =
            part_of(back ? &call->input_gradients[0] : whole_x, k);
        cxai_tensor outer =
            part_of(back ? &call->output_gradients[0] : whole_y, k);
        if (back)
            cx_each_row(&inner, 1, zero_row, NULL);
        carry(&x, &y, &inner, &outer, back);
    }
    return 0;
}

static const char maxima[] = "MaxPool GlobalMaxPool";

int cx_list_branches(const cxai_model *model, void *payload, cxai_hook *hooks)
{
    int count = 0;

    (void)payload;
    for (int i = 0; i < cxai_model_node_count(model); i++) {
        const char *type = cxai_model_node(model, i).operator_type;
        cxai_hook hook = { .places = CXAI_AFTER_FORWARD | CXAI_AFTER_BACKWARD,
                           .node = i };
        if (piece_of(type))
            hook.function = hold_function;
        else if (cx_is_one_of(type, maxima))
            hook.function = hold_maxima;
        if (hook.function)
            hooks[count++] = hook;
    }
    return count;
}

/* ---- straight ------------------------------------------------------------ */

/* Linear in one input, the first, while the others are held; in all of them. */
static const char linear[] =
    "Conv ConvTranspose Gemm MatMul Mul BatchNormalization Div AveragePool "
    "Identity GlobalAveragePool Dropout Flatten Reshape Squeeze Pad Unsqueeze "
    "Transpose Slice Split ReduceMean ReduceSum Neg Expand Gather Resize "
    "DepthToSpace Relu LeakyRelu PRelu Abs Clip HardSigmoid MaxPool "
    "GlobalMaxPool";
static const char additive[] = "Add Sub Sum Concat";

/* Whether a node is affine in what depends on the layer. */
static int is_affine(const cxai_node *node, const unsigned char *depends)
{
    int count = 0;

    for (int i = 0; i < node->input_count; i++)
        count += node->inputs[i] >= 0 && depends[node->inputs[i]];
    if (node->domain[0] != '\0')
        return 0;
    if (cx_is_one_of(node->operator_type, additive))
        return 1;
    if (count > 1 || !cx_is_one_of(node->operator_type, linear))
        return 0;
    return strcmp(node->operator_type, "Div") != 0 || depends[node->inputs[0]];
}

/* Marks the values that lead to the target. */
static void find_leading(const cxai_model *model, int target,
                         unsigned char *leads)
{
    leads[target] = 1;
    for (int n = cxai_model_node_count(model) - 1; n >= 0; n--) {
        cxai_node node = cxai_model_node(model, n);
        int needed = 0;
        for (int i = 0; i < node.output_count; i++)
            needed |= node.outputs[i] >= 0 && leads[node.outputs[i]];
        for (int i = 0; needed && i < node.input_count; i++)
            if (node.inputs[i] >= 0)
                leads[node.inputs[i]] = 1;
    }
}

/* Follows what depends on the layer to the target; whether all is affine. */
static int follow(const cxai_model *model, int layer,
                  const unsigned char *leads, unsigned char *depends)
{
    int straight = 1;

    depends[layer] = 1;
    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        int reached = 0, leading = 0;
        for (int i = 0; i < node.input_count; i++)
            reached |= node.inputs[i] >= 0 && depends[node.inputs[i]];
        for (int i = 0; i < node.output_count; i++)
            if (node.outputs[i] >= 0 && node.outputs[i] != layer) {
                depends[node.outputs[i]] = (unsigned char)reached;
                leading |= leads[node.outputs[i]];
            }
        if (reached && leading)
            straight &= is_affine(&node, depends);
    }
    return straight;
}

cxai_status cx_is_straight(const cxai_heatmap_call *call, int *straight,
                           cxai_error *error)
{
    size_t count = (size_t)cxai_model_value_count(call->model);
    unsigned char *marks = calloc(count, 2);

    if (!marks)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %zu marks",
                         count);
    find_leading(call->model, call->value, marks);
    *straight = follow(call->model, call->layer, marks, marks + count);
    free(marks);
    return CXAI_OK;
}
