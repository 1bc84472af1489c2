/*
 * Conv: y[n,m,o] = b[m] + sum over c, k of x[n, c, o*stride - before +
 * k*dilation] * w[m,c,k], one to three spatial axes, in groups.
 *
 * Forward and, phase by phase, the gradient of x are gather convolutions
 * (kernels/convolve.h, ops/common/phase.h) on weights that are packed once
 * when they are constant.
 */
#include <string.h>

#include "base/size.h"
#include "kernels/convolve.h"
#include "ops/common/channel_sum.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/weight_gradient.h"

typedef struct params {
    cx_window window;
    int64_t groups, inputs, outputs; /* channels of a group */
    cx_phase forward;
    cx_phases backward;
} params;

enum { X, W, B }; /* inputs */

static int is_depthwise(const params *p)
{
    return p->inputs == 1 && p->outputs == 1;
}

/* ---- shapes -------------------------------------------------------------- */

static cxai_status check_channels(const cx_case *c, params *p)
{
    const cxai_shape *x = &c->x_shape[X], *w = &c->x_shape[W];
    int64_t group = cx_attribute_int(c->attributes, "group", 1);
    if (group < 1 || x->dim[1] < 1 || x->dim[1] % group != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld input channels cannot be divided into %lld "
                         "groups",
                         (long long)x->dim[1], (long long)group);
    if (w->dim[1] != x->dim[1] / group)
        return cx_refuse(c, CXAI_INVALID,
                         "its weights are made for %lld channels a group, its "
                         "input has %lld",
                         (long long)w->dim[1], (long long)(x->dim[1] / group));
    if (w->dim[0] < 1 || w->dim[0] % group != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld output channels cannot be divided into %lld "
                         "groups",
                         (long long)w->dim[0], (long long)group);
    p->groups = group;
    p->inputs = w->dim[1];
    p->outputs = w->dim[0] / group;
    const cxai_shape *b = &c->x_shape[B];
    if (cx_has_input(c, B) && (b->rank != 1 || b->dim[0] != w->dim[0])) {
        char text[128];
        return cx_refuse(c, CXAI_MALFORMED,
                         "its bias has the shape %s; %lld numbers are needed",
                         cxai_shape_text(b, text, sizeof text),
                         (long long)w->dim[0]);
    }
    return CXAI_OK;
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X], *w = &c->x_shape[W];
    if (x->rank != w->rank || x->rank < 3)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its input has %d dimensions, its weights %d; both "
                         "need the same 3 or more",
                         x->rank, w->rank);
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = check_channels(c, p);
    const cx_window_options options = { .kernel = w->dim + 2 };
    if (status == CXAI_OK)
        status = cx_window_read(c, &options, &p->window);
    if (status != CXAI_OK)
        return status;
    const cxai_shape y = cx_window_output(&p->window, w->dim[0]);
    status = cx_set_shape(c, 0, &y);
    if (status == CXAI_OK)
        status = cx_forward_taps(c, &p->window, &p->forward);
    if (status == CXAI_OK)
        status = cx_backward_phases(c, &p->window, &p->backward);
    return status == CXAI_OK ? cx_check_demand(c, demand, 7) : status;
}

/* ---- weights ------------------------------------------------------------- */

/* Bytes that a phase's packed weights take. */
static size_t packed_bytes(const cx_case *c, const cx_phase *phase, int pass)
{
    const params *p = c->params;
    if (is_depthwise(p))
        return cx_size_line(cx_size_times(
            cx_size_times((size_t)phase->taps + 1, (size_t)p->groups),
            sizeof(cxai_real)));
    int64_t depth = pass == CX_FORWARD ? p->inputs : p->outputs;
    int64_t columns = pass == CX_FORWARD ? p->outputs : p->inputs;
    size_t group = cx_panels_bytes(c->kernels, phase->taps, depth, columns);
    return cx_size_line(cx_size_times(group, (size_t)p->groups));
}

static size_t packed_backward_bytes(const cx_case *c)
{
    const params *p = c->params;
    size_t bytes = 0;
    for (int64_t i = 0; i < p->backward.count; i++)
        bytes = cx_size_plus(
            bytes, packed_bytes(c, &p->backward.phase[i], CX_BACKWARD));
    return bytes;
}

/* A row of biases, then a row of all channels for each tap. */
static void pack_depthwise(const params *p, const cx_phase *phase,
                           const cxai_real *w, const cxai_real *bias,
                           cxai_real *packed)
{
    int64_t cells = p->forward.taps;
    for (int64_t g = 0; g < p->groups; g++)
        packed[g] = bias == NULL ? 0 : bias[g];
    for (int64_t t = 0; t < phase->taps; t++)
        for (int64_t g = 0; g < p->groups; g++)
            packed[(t + 1) * p->groups + g] =
                w[g * cells + phase->tap[t].weight];
}

static void pack(const cx_case *c, const cx_phase *phase, int pass,
                 const cxai_real *w, const cxai_real *bias, void *packed)
{
    const params *p = c->params;
    if (is_depthwise(p)) {
        pack_depthwise(p, phase, w, bias, packed);
        return;
    }
    int64_t cells = p->forward.taps, row = p->inputs * cells;
    int forward = pass == CX_FORWARD;
    cx_weights weights = {
        .tap_stride = 1,
        .depth_stride = forward ? cells : row,
        .column_stride = forward ? row : cells,
        .taps = phase->taps,
        .depth = forward ? p->inputs : p->outputs,
        .columns = forward ? p->outputs : p->inputs,
        .tap = phase->tap,
    };
    size_t group_bytes = cx_panels_bytes(c->kernels, weights.taps,
                                         weights.depth, weights.columns);
    for (int64_t g = 0; g < p->groups; g++) {
        weights.data = w + g * p->outputs * row;
        weights.bias = bias == NULL ? NULL : bias + g * p->outputs;
        cx_pack_panels(c->kernels, &weights, c->threads,
                       (cxai_real *)packed +
                           (size_t)g * (group_bytes / sizeof(cxai_real)));
    }
}

static void pack_backward(const cx_case *c, const cxai_real *w, char *packed)
{
    const params *p = c->params;
    for (int64_t i = 0; i < p->backward.count; i++) {
        const cx_phase *phase = &p->backward.phase[i];
        pack(c, phase, CX_BACKWARD, w, NULL, packed);
        packed += packed_bytes(c, phase, CX_BACKWARD);
    }
}

/* Whether the weights that a pass needs are known when it is prepared. */
static int is_constant(const cx_case *c, int pass)
{
    return c->x_literal[W] != NULL &&
           (pass == CX_BACKWARD || !cx_has_input(c, B) ||
            c->x_literal[B] != NULL);
}

static const cxai_real *literal_data(const cx_case *c, int input)
{
    return cx_has_input(c, input) ? c->x_literal[input]->data : NULL;
}

/* Prepared bytes of the forward pass, which come first. */
static size_t prepared_forward_bytes(const cx_case *c)
{
    const params *p = c->params;
    return is_constant(c, CX_FORWARD) ? packed_bytes(c, &p->forward, CX_FORWARD)
                                      : 0;
}

static void prepare(const cx_case *c, int passes, void *prepared)
{
    const params *p = c->params;
    if (passes & CX_FORWARD && is_constant(c, CX_FORWARD))
        pack(c, &p->forward, CX_FORWARD, literal_data(c, W), literal_data(c, B),
             prepared);
    if (passes & CX_BACKWARD && is_constant(c, CX_BACKWARD))
        pack_backward(c, literal_data(c, W),
                      (char *)prepared + prepared_forward_bytes(c));
}

/* ---- convolutions -------------------------------------------------------- */

static cx_convolution describe(const cx_case *c, const cx_phase *phase,
                               int pass)
{
    const params *p = c->params;
    int forward = pass == CX_FORWARD;
    const cx_epilogue none = cx_no_epilogue();
    cx_convolution k = {
        .batch = p->window.batch,
        .taps = phase->taps,
        .tap = phase->tap,
        .groups = p->groups,
        .depth = forward ? p->inputs : p->outputs,
        .columns = forward ? p->outputs : p->inputs,
        .low = none.low,
        .high = none.high,
    };
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &p->window.axis[i];
        k.in[i] = forward ? axis->in : axis->out;
        k.out[i] = phase->out[i];
        k.step[i] = forward ? axis->stride : 1;
    }
    return k;
}

static void run(const cx_case *c, const cx_convolution *k, void *workspace)
{
    const params *p = c->params;
    if (is_depthwise(p))
        cx_convolve_depthwise(c->kernels, k, c->threads, workspace);
    else
        cx_convolve(c->kernels, k, c->threads, workspace);
}

/* Reals along batch, depth, height, width of a tensor with these pixels. */
static void set_strides(int64_t stride[4], int64_t pixel, int64_t height,
                        int64_t width, int64_t depth)
{
    stride[3] = pixel;
    stride[2] = stride[3] * width;
    stride[1] = stride[2] * height;
    stride[0] = stride[1] * depth;
}

static void forward(const cx_call *call)
{
    const cx_case *c = call->c;
    const params *p = c->params;
    const cx_window_axis *axis = p->window.axis;
    char *workspace = call->workspace;
    const void *packed = call->prepared;
    if (!is_constant(c, CX_FORWARD)) {
        pack(c, &p->forward, CX_FORWARD, call->x[W].data,
             cx_has_input(c, B) ? call->x[B].data : NULL, workspace);
        packed = workspace;
        workspace += packed_bytes(c, &p->forward, CX_FORWARD);
    }
    cx_epilogue epilogue = cx_call_epilogue(call);
    cx_convolution k = describe(c, &p->forward, CX_FORWARD);
    k.x = call->x[X].data;
    k.x_pixel = cx_pixel_stride(&call->x[X]);
    k.y = call->y[0].data;
    set_strides(k.y_stride, cx_pixel_stride(&call->y[0]), axis[1].out,
                axis[2].out, axis[0].out);
    k.residual = cx_epilogue_residual(&epilogue);
    k.weights = packed;
    k.low = epilogue.low;
    k.high = epilogue.high;
    run(c, &k, workspace);
    cx_save_mask(call);
}

static void clear(const cxai_tensor *dx)
{
    cx_view view = cx_view_of(dx);
    cx_view_fill(&view, 0);
}

/* dx, one phase after the other. */
static void input_gradient(const cx_call *call, const char *packed,
                           void *workspace)
{
    const cx_case *c = call->c;
    const params *p = c->params;
    const cx_window_axis *axis = p->window.axis;
    const cxai_tensor *dx = &call->dx[X];
    int64_t stride[4];
    set_strides(stride, cx_pixel_stride(dx), axis[1].in, axis[2].in,
                axis[0].in);
    if (!p->backward.complete)
        clear(dx);
    for (int64_t i = 0; i < p->backward.count; i++) {
        const cx_phase *phase = &p->backward.phase[i];
        cx_convolution k = describe(c, phase, CX_BACKWARD);
        k.x = call->dy[0].data;
        k.x_pixel = cx_pixel_stride(&call->dy[0]);
        k.y = dx->data;
        k.y_stride[0] = stride[0];
        for (int a = 0; a < 3; a++) {
            k.y += phase->start[a] * stride[1 + a];
            k.y_stride[1 + a] = stride[1 + a] * axis[a].stride;
        }
        k.weights = (const cxai_real *)(const void *)packed;
        run(c, &k, workspace);
        packed += packed_bytes(c, phase, CX_BACKWARD);
    }
}

static cx_weight_gradient weight_gradient(const cx_case *c)
{
    const params *p = c->params;
    return (cx_weight_gradient){
        .window = &p->window,
        .forward = &p->forward,
        .groups = p->groups,
        .inputs = p->inputs,
        .outputs = p->outputs,
    };
}

static void bias_gradient(const cx_call *call)
{
    const cxai_tensor *dy = &call->dy[0];
    int64_t channels = dy->shape.dim[1];
    double *sum = call->workspace;
    cx_channel_sums(sum, channels,
                    channels > 0 ? cxai_shape_count(&dy->shape) / channels : 0,
                    dy->data, cx_pixel_stride(dy), NULL, 0, call->c->threads);
    for (int64_t m = 0; m < channels; m++)
        call->dx[B].data[m] = (cxai_real)sum[m];
}

static void backward(const cx_call *call)
{
    const cx_case *c = call->c;
    if (call->dx[X].data != NULL) {
        char *workspace = call->workspace;
        const char *packed =
            (const char *)call->prepared + prepared_forward_bytes(c);
        if (!is_constant(c, CX_BACKWARD)) {
            pack_backward(c, call->x[W].data, workspace);
            packed = workspace;
            workspace += packed_backward_bytes(c);
        }
        input_gradient(call, packed, workspace);
    }
    if (call->dx[W].data != NULL) {
        cx_weight_gradient g = weight_gradient(c);
        g.x = call->x[X].data;
        g.x_pixel = cx_pixel_stride(&call->x[X]);
        g.dy = call->dy[0].data;
        g.dy_pixel = cx_pixel_stride(&call->dy[0]);
        g.dw = call->dx[W].data;
        cx_weight_gradient_run(c->kernels, &g, c->threads, call->workspace);
    }
    if (cx_has_input(c, B) && call->dx[B].data != NULL)
        bias_gradient(call);
}

/* ---- memory -------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t convolve_bytes(const cx_case *c, const cx_phase *phase, int pass)
{
    cx_convolution k = describe(c, phase, pass);
    return cx_convolve_workspace(c->kernels, &k, c->threads);
}

static void demand_input_gradient(const cx_case *c, cx_demand *demand)
{
    const params *p = c->params;
    size_t workspace = 0;
    for (int64_t i = 0; i < p->backward.count; i++)
        workspace = larger(
            workspace, convolve_bytes(c, &p->backward.phase[i], CX_BACKWARD));
    if (!is_constant(c, CX_BACKWARD)) {
        demand->keep_inputs |= 1u << W;
        workspace = cx_size_plus(workspace, packed_backward_bytes(c));
    }
    demand->backward_workspace = workspace;
}

static void demand_weight_gradient(const cx_case *c, cx_demand *demand)
{
    cx_weight_gradient g = weight_gradient(c);
    demand->keep_inputs |= 1u << X;
    demand->backward_workspace =
        larger(demand->backward_workspace,
               cx_weight_gradient_workspace(c->kernels, &g, c->threads));
}

/* The order of prepared weights is that of prepare, which packs for backward
   whichever gradient is wanted. */
static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    size_t packed = packed_bytes(c, &p->forward, CX_FORWARD);
    demand->prepared_bytes = prepared_forward_bytes(c);
    demand->forward_workspace =
        cx_size_plus(convolve_bytes(c, &p->forward, CX_FORWARD),
                     is_constant(c, CX_FORWARD) ? 0 : packed);
    if (wanted != 0 && is_constant(c, CX_BACKWARD))
        demand->prepared_bytes =
            cx_size_plus(demand->prepared_bytes, packed_backward_bytes(c));
    if (wanted & 1u << X)
        demand_input_gradient(c, demand);
    if (wanted & 1u << W)
        demand_weight_gradient(c, demand);
    if (wanted & 1u << B)
        demand->backward_workspace =
            larger(demand->backward_workspace,
                   cx_size_times((size_t)c->x_shape[W].dim[0], sizeof(double)));
}

static const cx_sample samples[] = {
    { .inputs = "1,2,5,6;3,2,3,3;3" },
    { .inputs = "2,3,6,5;4,3,3,3;4",
      .attributes = "pads=1,1,1,1 kernel_shape=3,3" },
    { .inputs = "1,2,7,8;3,2,3,3", .attributes = "strides=2,3 pads=0,1,2,1" },
    { .inputs = "1,2,9,8;2,2,3,2;2",
      .attributes = "dilations=2,3 pads=1,2,0,1" },
    { .inputs = "1,2,9,9;2,2,3,3",
      .attributes = "strides=3,2 dilations=2,4 pads=4,4,4,4" },
    { .inputs = "1,4,5,5;6,2,3,3;6", .attributes = "group=2 pads=1,1,1,1" },
    { .inputs = "2,5,6,6;5,1,3,3;5", .attributes = "group=5 pads=1,1,1,1" },
    { .inputs = "1,3,7,7;3,1,3,3",
      .attributes = "group=3 strides=2,2 pads=1,1,1,1" },
    { .inputs = "1,3,5,5;6,1,3,3", .attributes = "group=3" },
    { .inputs = "1,19,4,4;37,19,1,1;37" },
    { .inputs = "1,5,6,6;7,5,1,1", .attributes = "strides=2,2" },
    { .inputs = "1,2,6,7;2,2,3,3",
      .attributes = "auto_pad=SAME_UPPER strides=2,2" },
    { .inputs = "1,2,6,7;2,2,2,4",
      .attributes = "auto_pad=SAME_LOWER strides=2,2" },
    { .inputs = "1,2,6,7;2,2,3,3", .attributes = "auto_pad=VALID strides=2,2" },
    { .inputs = "2,3,9;4,3,3;4", .attributes = "strides=2, pads=1,0" },
    { .inputs = "1,2,4,5,6;3,2,2,3,2;3",
      .attributes = "strides=1,2,2 pads=1,1,0,0,1,1" },
};

static const cx_operator operators[] = {
    {
        .name = "Conv",
        .min_inputs = 2,
        .max_inputs = 3,
        .layout = CX_CHANNELS_LAST,
        .params_size = sizeof(params),
        .fuses_epilogue = 1,
        .infer = infer,
        .demand = demand,
        .prepare = prepare,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_conv = CX_FAMILY(operators);
