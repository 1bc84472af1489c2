#include "ops/common/pool_axis.h"

#include "base/size.h"
#include "kernels/work.h"

static cxai_real axis_weight(const cx_window_axis *axis, int count_padding,
                             int64_t o)
{
    int64_t from, to;
    cx_window_inside(axis, o, &from, &to);
    if (count_padding) {
        int64_t room = axis->in + axis->after + axis->before - o * axis->stride;
        from = 0;
        to = cx_minimum(axis->kernel, cx_ceiling(room, axis->dilation));
    }
    return 1 / (cxai_real)(to - from);
}

int64_t cx_pool_inputs(const cx_window_axis *axis, int count_padding, int64_t o,
                       cx_pool_place *list)
{
    int64_t from, to;
    cx_window_inside(axis, o, &from, &to);
    for (int64_t k = from; k < to; k++)
        list[k - from] = (cx_pool_place){
            .pixel = o * axis->stride - axis->before + k * axis->dilation,
            .cell = k,
            .weight = axis_weight(axis, count_padding, o),
        };
    return to - from;
}

int64_t cx_pool_outputs(const cx_window_axis *axis, int count_padding,
                        int64_t i, cx_pool_place *list)
{
    int64_t count = 0, padded = i + axis->before;
    int64_t beyond = padded - (axis->out - 1) * axis->stride;
    int64_t from = beyond > 0 ? cx_ceiling(beyond, axis->dilation) : 0;
    int64_t last = cx_minimum(axis->kernel - 1, padded / axis->dilation);
    for (int64_t k = from; k <= last; k++) {
        int64_t distance = padded - k * axis->dilation;
        int64_t o = distance / axis->stride;
        if (distance % axis->stride == 0)
            list[count++] =
                (cx_pool_place){ o, k, axis_weight(axis, count_padding, o) };
    }
    return count;
}

/* Where a winner lies among the input's pixels along one axis. */
static int64_t coordinate(const cx_window_axis *axis, int64_t o, int64_t cell)
{
    return o * axis->stride - axis->before + cell * axis->dilation;
}

/* The number of the input's element that output pixel o of a plane took. */
static int64_t number_of(const cx_window *w, int64_t o, int64_t winner,
                         int column_major)
{
    const cx_window_axis *axis = w->axis;
    int64_t at[3], cell[3], number = 0;
    for (int i = 2; i >= 0; i--) {
        cell[i] = winner % axis[i].kernel;
        at[i] = coordinate(&axis[i], o % axis[i].out, cell[i]);
        winner /= axis[i].kernel;
        o /= axis[i].out;
    }
    for (int i = 0; i < 3; i++) {
        int k = column_major ? 2 - i : i;
        number = number * axis[k].in + at[k];
    }
    return number;
}

void cx_pool_indices(const cx_window *w, int64_t channels, const void *winner,
                     int winner_bytes, int column_major, cxai_real *out)
{
    int64_t pixels = w->axis[0].out * w->axis[1].out * w->axis[2].out;
    int64_t plane = w->axis[0].in * w->axis[1].in * w->axis[2].in;
    for (int64_t i = 0; i < w->batch * channels * pixels; i++) {
        int64_t o = i % pixels, image = i / pixels;
        int64_t at =
            (image / channels * pixels + o) * channels + image % channels;
        int64_t cell = winner_bytes == 1 ? ((const uint8_t *)winner)[at]
                                         : ((const int32_t *)winner)[at];
        out[i] =
            (cxai_real)(image * plane + number_of(w, o, cell, column_major));
    }
}
