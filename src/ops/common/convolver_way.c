#include "ops/common/convolver_way.h"

#include "kernels/narrow.h"
#include "kernels/winograd.h"

static int is_depthwise(const cx_convolver *v)
{
    return v->inputs == 1 && v->outputs == 1;
}

int64_t cx_convolver_phase_count(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? 1 : v->scatter.count;
}

const cx_phase *cx_convolver_phase(const cx_convolver *v,
                                   cx_direction direction, int64_t i)
{
    return direction == CX_GATHER ? &v->gather : &v->scatter.phase[i];
}

int64_t cx_convolver_depth(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? v->inputs : v->outputs;
}

int64_t cx_convolver_columns(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? v->outputs : v->inputs;
}

cx_convolution cx_convolver_describe(const cx_convolver *v,
                                     const cx_phase *phase,
                                     cx_direction direction)
{
    int gathers = direction == CX_GATHER;
    const cx_epilogue none = cx_no_epilogue();
    cx_convolution k = {
        .batch = v->window.batch,
        .taps = phase->taps,
        .tap = phase->tap,
        .groups = v->groups,
        .depth = cx_convolver_depth(v, direction),
        .columns = cx_convolver_columns(v, direction),
        .low = none.low,
        .high = none.high,
    };
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &v->window.axis[i];
        k.in[i] = gathers ? axis->in : axis->out;
        k.out[i] = phase->out[i];
        k.step[i] = gathers ? axis->stride : 1;
    }
    k.scales = gathers && v->scales;
    k.tile = v->direct ? 0 : cx_winograd_choose(&k, v->many);
    return k;
}

cx_convolver_way cx_convolver_way_of(const cx_convolver *v,
                                     const cx_convolution *k)
{
    if (is_depthwise(v))
        return CX_DEPTHWISE_WAY;
    if (k->tile > 0)
        return CX_WINOGRAD_WAY;
    return cx_narrow_fits(k) ? CX_NARROW_WAY : CX_PANELS_WAY;
}

int cx_convolver_spreads(const cx_case *c, const cx_convolver *v,
                         cx_direction direction, cx_spread *s)
{
    const cx_window_axis *axis = v->window.axis;
    int flat = axis[0].in == 1 && axis[0].out == 1 && axis[0].kernel == 1 &&
               axis[0].before == 0;
    if (direction != CX_SCATTER || v->groups != 1 || !flat ||
        axis[1].dilation != 1 || axis[2].dilation != 1)
        return 0;
    *s = (cx_spread){
        .batch = v->window.batch,
        .depth = v->outputs,
        .channels = v->inputs,
    };
    for (int i = 0; i < 2; i++) {
        s->in[i] = axis[1 + i].in;
        s->out[i] = axis[1 + i].out;
        s->kernel[i] = axis[1 + i].kernel;
        s->stride[i] = axis[1 + i].stride;
        s->before[i] = axis[1 + i].before;
    }
    return cx_spread_fits(c->kernels, s);
}
