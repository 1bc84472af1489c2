/*
 * Conv: y[n,m,o] = b[m] + sum over c, k of x[n, c, o*stride - before +
 * k*dilation] * w[m,c,k], one to three spatial axes, in groups.
 *
 * ConvTranspose: its transpose, y[n, m, i*stride - before + k*dilation] +=
 * x[n,c,i] * w[c,m,k]. So what is forwards for one is backwards for the other
 * (ops/common/convolver.h), on weights that are packed once when they are
 * constant.
 */
#include "base/size.h"
#include "ops/common/channel_sum.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/convolver.h"
#include "ops/common/convolver_shape.h"
#include "ops/common/epilogue.h"
#include "ops/common/streamed.h"
#include "ops/common/weight_gradient.h"

typedef struct params {
    cx_convolver convolver;
    cx_direction forward;
} params;

/* Inputs. F is a factor that x is multiplied by, fused in: batch, channels and
   ones. */
enum { X, W, B, F };

/* ---- shapes -------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status finish_infer(const cx_case *c, const cxai_shape *y)
{
    params *p = c->params;
    cxai_status status = cx_set_shape(c, 0, y);
    if (status == CXAI_OK)
        status = cx_convolver_infer(c, &p->convolver);
    return status == CXAI_OK ? cx_check_demand(c, demand, 7) : status;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    cxai_shape y;
    cxai_status status = cx_convolver_read(c, &p->convolver, &y);
    p->forward = CX_GATHER;
    p->convolver.scales = cx_has_input(c, F);
    return status == CXAI_OK ? finish_infer(c, &y) : status;
}

static cxai_status infer_transposed(const cx_case *c)
{
    params *p = c->params;
    cxai_shape y;
    cxai_status status = cx_convolver_read_transposed(c, &p->convolver, &y);
    p->forward = CX_SCATTER;
    return status == CXAI_OK ? finish_infer(c, &y) : status;
}

/* ---- weights ------------------------------------------------------------- */

static cx_direction direction_of(const cx_case *c, int pass)
{
    const params *p = c->params;
    return (pass == CX_FORWARD) == (p->forward == CX_GATHER) ? CX_GATHER
                                                             : CX_SCATTER;
}

static size_t packed_bytes(const cx_case *c, int pass)
{
    const params *p = c->params;
    return cx_convolver_packed_bytes(c, &p->convolver, direction_of(c, pass));
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

static void prepare(const cx_case *c, int pass, void *prepared)
{
    const params *p = c->params;
    cx_convolver_pack(c, &p->convolver, direction_of(c, pass),
                      literal_data(c, W),
                      pass == CX_FORWARD ? literal_data(c, B) : NULL, prepared);
}

static size_t packing(const cx_case *c, int pass, int64_t *numbers)
{
    const params *p = c->params;
    return cx_convolver_packing(&p->convolver, direction_of(c, pass), numbers);
}

/* Whether backward uses the weights that forward has packed. */
static int turns(const cx_case *c)
{
    const params *p = c->params;
    return p->forward == CX_GATHER && is_constant(c, CX_FORWARD) &&
           is_constant(c, CX_BACKWARD) && cx_convolver_turns(c, &p->convolver);
}

/* Runs with what was prepared, or packs into the workspace first. */
static void run(const cx_call *call, int pass, cx_convolver_pass *how)
{
    const cx_case *c = call->c;
    const params *p = c->params;
    char *workspace = call->workspace;
    how->direction = direction_of(c, pass);
    how->packed = call->prepared[pass];
    if (!is_constant(c, pass)) {
        cx_convolver_pack(c, &p->convolver, how->direction, call->x[W].data,
                          how->bias, workspace);
        how->packed = workspace;
        workspace += packed_bytes(c, pass);
    } else if (pass == CX_BACKWARD && turns(c)) {
        how->packed = call->prepared[CX_FORWARD];
        how->turned = 1;
    }
    cx_convolver_run(c, &p->convolver, how, workspace);
}

/* ---- what it takes over -------------------------------------------------- */

static const cx_convolver *convolver_of(const cx_case *c)
{
    return &((const params *)c->params)->convolver;
}

static int takes_producer(const cx_case *c, const cx_case *producer)
{
    return is_constant(c, CX_FORWARD) && is_constant(producer, CX_FORWARD) &&
           !cx_has_input(producer, F) &&
           cx_streamed_fits(convolver_of(producer), convolver_of(c));
}

static int takes_factor(const cx_case *c)
{
    return cx_convolver_can_scale(convolver_of(c));
}

/* ---- passes -------------------------------------------------------------- */

static void forward(const cx_call *call)
{
    cx_epilogue epilogue = cx_call_epilogue(call);
    cx_convolver_pass how = {
        .from = &call->x[X],
        .to = &call->y[0],
        .factor = cx_has_input(call->c, F) ? call->x[F].data : NULL,
        .bias = cx_has_input(call->c, B) ? call->x[B].data : NULL,
        .epilogue = &epilogue,
    };
    if (call->c->producer != NULL)
        cx_streamed_run(call, convolver_of(call->c->producer->c),
                        convolver_of(call->c), &epilogue);
    else
        run(call, CX_FORWARD, &how);
    cx_save_mask(call);
}

static void input_gradient(const cx_call *call)
{
    cx_convolver_pass how = { .from = &call->dy[0],
                              .to = &call->dx[X],
                              .delivery = cx_call_delivery(call, X) };
    run(call, CX_BACKWARD, &how);
}

static cx_weight_gradient describe_weight_gradient(const cx_case *c)
{
    const cx_convolver *v = &((const params *)c->params)->convolver;
    return (cx_weight_gradient){
        .window = &v->window,
        .forward = &v->gather,
        .groups = v->groups,
        .inputs = v->inputs,
        .outputs = v->outputs,
    };
}

static void weight_gradient(const cx_call *call)
{
    const cx_case *c = call->c;
    int gathers = direction_of(c, CX_FORWARD) == CX_GATHER;
    const cxai_tensor *in = gathers ? &call->x[X] : &call->dy[0];
    const cxai_tensor *out = gathers ? &call->dy[0] : &call->x[X];
    cx_weight_gradient g = describe_weight_gradient(c);
    g.x = in->data;
    g.x_pixel = cx_pixel_stride(in);
    g.dy = out->data;
    g.dy_pixel = cx_pixel_stride(out);
    g.dw = call->dx[W].data;
    cx_weight_gradient_run(c->kernels, &g, c->threads, call->workspace);
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
    if (call->dx[X].data != NULL)
        input_gradient(call);
    if (call->dx[W].data != NULL)
        weight_gradient(call);
    if (cx_has_input(call->c, B) && call->dx[B].data != NULL)
        bias_gradient(call);
}

/* ---- memory -------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* With packed weights in it when they are not constant. */
static size_t run_bytes(const cx_case *c, int pass)
{
    const params *p = c->params;
    if (pass == CX_FORWARD && c->producer != NULL)
        return cx_streamed_workspace(c, convolver_of(c->producer->c),
                                     convolver_of(c));
    size_t bytes =
        cx_convolver_workspace(c, &p->convolver, direction_of(c, pass),
                               pass == CX_BACKWARD && turns(c));
    return is_constant(c, pass) ? bytes
                                : cx_size_plus(bytes, packed_bytes(c, pass));
}

static void demand_weight_gradient(const cx_case *c, cx_demand *demand)
{
    cx_weight_gradient g = describe_weight_gradient(c);
    demand->keep_inputs |= 1u << X;
    demand->backward_workspace =
        larger(demand->backward_workspace,
               cx_weight_gradient_workspace(c->kernels, &g, c->threads));
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (is_constant(c, CX_FORWARD))
        demand->prepared_bytes[CX_FORWARD] = packed_bytes(c, CX_FORWARD);
    demand->forward_workspace = run_bytes(c, CX_FORWARD);
    if (wanted & 1u << X) {
        demand->backward_workspace = run_bytes(c, CX_BACKWARD);
        if (!is_constant(c, CX_BACKWARD))
            demand->keep_inputs |= 1u << W;
        else if (!turns(c))
            demand->prepared_bytes[CX_BACKWARD] = packed_bytes(c, CX_BACKWARD);
    }
    if (wanted & 1u << W)
        demand_weight_gradient(c, demand);
    if (wanted & 1u << B)
        demand->backward_workspace =
            larger(demand->backward_workspace,
                   cx_size_times((size_t)c->y_shape[0].dim[1], sizeof(double)));
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

static const cx_sample transposed_samples[] = {
    { .inputs = "1,2,4,3;2,3,3,3;3" },
    { .inputs = "2,4,3,5;4,3,2,2;3",
      .attributes = "strides=2,2 kernel_shape=2,2" },
    { .inputs = "1,2,4,3;2,3,3,3;3",
      .attributes = "strides=2,3 pads=1,0,2,1 output_padding=1,2" },
    { .inputs = "1,2,4,3;2,2,3,2;2",
      .attributes = "dilations=2,3 pads=1,2,0,1" },
    { .inputs = "1,2,3,3;2,2,3,3;2",
      .attributes = "strides=3,2 dilations=2,4 pads=4,1,4,4" },
    { .inputs = "1,3,3,3;3,2,1,1;2", .attributes = "strides=2,3" },
    { .inputs = "1,6,3,4;6,2,3,3;4", .attributes = "group=2 strides=2,1" },
    { .inputs = "2,5,3,3;5,1,3,3;5",
      .attributes = "group=5 strides=2,2 pads=1,1,1,1" },
    { .inputs = "1,3,3,3;3,1,2,2;3", .attributes = "group=3 strides=3,3" },
    { .inputs = "1,3,3,3;3,2,2,2", .attributes = "group=3" },
    { .inputs = "1,2,3,3;2,2,3,3",
      .attributes = "strides=3,2 output_shape=10,8" },
    { .inputs = "1,2,3,4;2,2,4,4",
      .attributes = "strides=2,2 output_shape=6,9" },
    { .inputs = "1,2,3,4;2,2,4,3",
      .attributes = "auto_pad=SAME_UPPER strides=2,2" },
    { .inputs = "1,2,3,4;2,2,4,3",
      .attributes = "auto_pad=SAME_LOWER strides=2,2" },
    { .inputs = "1,2,3,4;2,2,3,3", .attributes = "auto_pad=VALID" },
    { .inputs = "2,3,5;3,4,3;4", .attributes = "strides=2, pads=1,0" },
    { .inputs = "1,2,2,3,3;2,3,2,3,2;3",
      .attributes = "strides=1,2,2 pads=1,1,0,0,1,1" },
};

#define ENTRY(type, infers, fuses, takes, scales, cases)                       \
    {                                                                          \
        .name = type, .min_inputs = 2, .max_inputs = 3,                        \
        .layout = CX_CHANNELS_LAST, .params_size = sizeof(params),             \
        .takes_gaps = fuses, .delivers = 1u << X, .fuses_epilogue = fuses,     \
        .fuses_swish = fuses, .infer = infers, .demand = demand,               \
        .prepare = prepare, .packing = packing, .takes_producer = takes,       \
        .takes_factor = scales, .forward = forward, .backward = backward,      \
        CX_SAMPLES(cases)                                                      \
    }

static const cx_operator operators[] = {
    ENTRY("Conv", infer, 1, takes_producer, takes_factor, samples),
    ENTRY("ConvTranspose", infer_transposed, 0, NULL, NULL, transposed_samples),
};

const cx_operator_family cx_operators_conv = CX_FAMILY(operators);
