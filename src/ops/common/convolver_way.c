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
    return k;
}

cx_convolver_way cx_convolver_way_of(const cx_convolver *v,
                                     const cx_convolution *k)
{
    if (is_depthwise(v))
        return CX_DEPTHWISE_WAY;
    if (!v->direct && cx_winograd_fits(k))
        return CX_WINOGRAD_WAY;
    return cx_narrow_fits(k) ? CX_NARROW_WAY : CX_PANELS_WAY;
}
