/*
 * LpPool and GlobalLpPool: y = (sum of |x|^p over a window)^(1/p).
 *
 * The sum is a map of weights 1 along each axis (ops/common/axis_map.h). With
 * its transpose T the gradient is dx = sign(x) |x|^(p-1) T(dy y^(1-p)); a
 * window of zeros gives 0.
 */
#include <math.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/work.h"
#include "ops/common/axis_map.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/window.h"

typedef struct params {
    int64_t p;
    cx_axis_map forward[3], backward[3];
    int64_t channels;
} params;

/* ---- shapes -------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

/* The map of one axis: every cell inside the input with weight 1. */
static cxai_status make_map(const cx_case *c, const cx_window_axis *axis,
                            cx_axis_map *map)
{
    const int64_t limit = 1 << 24;
    int64_t count = 0, from, to;
    if (axis->in > CX_AXIS_LIMIT || axis->out > CX_AXIS_LIMIT)
        return cx_refuse(c, CXAI_LIMIT, "more than %d pixels along an axis",
                         (int)CX_AXIS_LIMIT);
    for (int64_t o = 0; o < axis->out; o++) {
        cx_window_inside(axis, o, &from, &to);
        count += to - from;
    }
    if (count > limit)
        return cx_refuse(c, CXAI_LIMIT, "its windows are too large");
    cxai_status status = cx_axis_map_create(c, axis->in, axis->out, count, map);
    if (status != CXAI_OK)
        return status;
    count = 0;
    for (int64_t o = 0; o < axis->out; o++) {
        cx_window_inside(axis, o, &from, &to);
        for (int64_t k = from; k < to; k++)
            map->entry[count++] = (cx_axis_entry){
                (int32_t)(o * axis->stride - axis->before + k * axis->dilation),
                1
            };
        map->start[o + 1] = count;
    }
    cx_axis_map_measure(map);
    return CXAI_OK;
}

static cxai_status finish_infer(const cx_case *c, const cx_window *window)
{
    params *p = c->params;
    p->p = cx_attribute_int(c->attributes, "p", 2);
    if (p->p < 1)
        return cx_refuse(c, CXAI_MALFORMED, "p is %lld; 1 or more is possible",
                         (long long)p->p);
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    p->channels = c->x_shape[0].dim[1];
    const cxai_shape y = cx_window_output(window, p->channels);
    status = cx_set_shape(c, 0, &y);
    for (int i = 0; i < 3 && status == CXAI_OK; i++) {
        status = make_map(c, &window->axis[i], &p->forward[i]);
        if (status == CXAI_OK)
            status = cx_axis_map_transpose(c, &p->forward[i], &p->backward[i]);
    }
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

static cxai_status infer_windows(const cx_case *c)
{
    cx_window window;
    const cx_window_options options = {
        .ceil_mode = cx_attribute_int(c->attributes, "ceil_mode", 0) != 0,
    };
    cxai_status status = cx_window_read(c, &options, &window);
    return status == CXAI_OK ? finish_infer(c, &window) : status;
}

static cxai_status infer_global(const cx_case *c)
{
    cx_window window;
    cxai_status status = cx_window_whole(c, &window);
    return status == CXAI_OK ? finish_infer(c, &window) : status;
}

/* ---- passes -------------------------------------------------------------- */

/* to = f(a, b) for every channel of every pixel. */
typedef cxai_real function(cxai_real a, cxai_real b, int64_t p);

static void apply(const cx_call *call, function *f, const cxai_tensor *to,
                  const cxai_tensor *a, const cxai_tensor *b)
{
    const params *p = call->c->params;
    int64_t pixels =
        p->channels > 0 ? cxai_shape_count(&to->shape) / p->channels : 0;
    int64_t to_pixel = cx_pixel_stride(to), a_pixel = cx_pixel_stride(a);
    int64_t b_pixel = cx_pixel_stride(b);
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (pixels * p->channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t c = 0; c < p->channels; c++)
            to->data[i * to_pixel + c] =
                f(a->data[i * a_pixel + c], b->data[i * b_pixel + c], p->p);
}

static cxai_real integer_power(cxai_real x, int64_t p)
{
    return p == 0 ? 1 : p == 1 ? x : p == 2 ? x * x : pow(x, (cxai_real)p);
}

static cxai_real magnitude_power(cxai_real x, cxai_real unused, int64_t p)
{
    (void)unused;
    return integer_power(fabs(x), p);
}

static cxai_real root(cxai_real sum, cxai_real unused, int64_t p)
{
    (void)unused;
    return p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / (cxai_real)p);
}

static cxai_real root_slope(cxai_real dy, cxai_real y, int64_t p)
{
    return y == 0 ? 0 : dy / integer_power(y, p - 1);
}

static cxai_real power_slope(cxai_real sum, cxai_real x, int64_t p)
{
    cxai_real slope = x == 0 ? 0 : integer_power(fabs(x), p - 1);
    return sum * (x < 0 ? -slope : slope);
}

/* A tensor as t, behind the workspace of the maps. */
static cxai_tensor scratch(const cx_call *call, const cxai_tensor *t,
                           const cx_axis_map *map)
{
    cxai_tensor out = { .shape = t->shape };
    char *memory = (char *)call->workspace +
                   cx_size_line(cx_axis_workspace(map, call->c->threads));
    cx_shape_strides_channels_last(&out.shape, out.stride);
    out.data = (cxai_real *)(void *)memory;
    return out;
}

static void run(const cx_call *call, const cx_axis_map *map,
                const cxai_tensor *from, const cxai_tensor *to)
{
    const cx_axis_pass pass = {
        .map = map,
        .batch = from->shape.dim[0],
        .channels = from->shape.dim[1],
        .from = from->data,
        .from_pixel = cx_pixel_stride(from),
        .to = to->data,
        .to_pixel = cx_pixel_stride(to),
    };
    cx_axis_run(call->c->kernels, &pass, call->c->threads, call->workspace);
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_tensor *x = &call->x[0], *y = &call->y[0];
    cxai_tensor powers = scratch(call, x, p->forward);
    apply(call, magnitude_power, &powers, x, x);
    run(call, p->forward, &powers, y);
    apply(call, root, y, y, y);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_tensor *dy = &call->dy[0], *dx = &call->dx[0];
    cxai_tensor slopes = scratch(call, dy, p->backward);
    apply(call, root_slope, &slopes, dy, &call->y[0]);
    run(call, p->backward, &slopes, dx);
    apply(call, power_slope, dx, dx, &call->x[0]);
}

static size_t workspace(const cx_case *c, const cx_axis_map *map,
                        const cxai_shape *shape)
{
    size_t bytes =
        cx_size_times((size_t)cxai_shape_count(shape), sizeof(cxai_real));
    return cx_size_plus(cx_size_line(cx_axis_workspace(map, c->threads)),
                        bytes);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    demand->forward_workspace = workspace(c, p->forward, &c->x_shape[0]);
    if (wanted == 0)
        return;
    demand->keep_inputs = demand->keep_outputs = 1;
    demand->backward_workspace = workspace(c, p->backward, &c->y_shape[0]);
}

/* ---- operators ----------------------------------------------------------- */

static const cx_sample window_samples[] = {
    { .inputs = "2,3,6,7", .attributes = "kernel_shape=2,2 strides=2,2" },
    { .inputs = "1,9,7,7",
      .attributes = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 p=3" },
    { .inputs = "1,2,6,8",
      .attributes = "kernel_shape=3,3 strides=2,2 ceil_mode=1 p=1" },
    { .inputs = "1,2,7,6",
      .attributes = "kernel_shape=2,3 dilations=2,2 pads=0,1,1,2" },
    { .inputs = "1,2,6,7",
      .attributes = "kernel_shape=3,2 strides=2,2 auto_pad=SAME_LOWER",
      .opset = 11 },
    { .inputs = "2,3,9", .attributes = "kernel_shape=3, strides=2, pads=1,1" },
    { .inputs = "1,2,4,5,6",
      .attributes = "kernel_shape=2,3,2 strides=1,2,2 pads=1,1,0,0,1,1" },
};

static const cx_sample global_samples[] = {
    { .inputs = "2,9,4,5" },
    { .inputs = "1,3,7", .attributes = "p=1" },
    { .inputs = "1,3,2,3,4", .attributes = "p=3" },
};

#define POOL(type, reads, cases)                                               \
    {                                                                          \
        .name = type, .min_inputs = 1, .max_inputs = 1,                        \
        .layout = CX_CHANNELS_LAST, .params_size = sizeof(params),             \
        .infer = reads, .demand = demand, .forward = forward,                  \
        .backward = backward, CX_SAMPLES(cases),                               \
    }

static const cx_operator operators[] = {
    POOL("LpPool", infer_windows, window_samples),
    POOL("GlobalLpPool", infer_global, global_samples),
};

const cx_operator_family cx_operators_lp_pool = CX_FAMILY(operators);
