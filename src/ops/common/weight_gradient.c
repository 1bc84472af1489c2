#include "ops/common/weight_gradient.h"

#include <string.h>

#include "base/size.h"
#include "kernels/multiply.h"
#include "kernels/work.h"
#include "ops/common/channel_sum.h"

/* Output pixels whose inputs are gathered together. */
enum { BLOCK = 4096 };

static int64_t pixel_count(const cx_weight_gradient *g)
{
    const cx_window_axis *axis = g->window->axis;
    return g->window->batch * axis[0].out * axis[1].out * axis[2].out;
}

static int is_depthwise(const cx_weight_gradient *g)
{
    return g->inputs == 1 && g->outputs == 1;
}

/* ---- depthwise ----------------------------------------------------------- */

/* Output pixels [from, to) along one axis through which a tap reads inside
   the input; at is the tap's place for output pixel 0. */
static void tap_range(const cx_window_axis *axis, int64_t at, int64_t *from,
                      int64_t *to)
{
    *from = at < 0 ? cx_ceiling(-at, axis->stride) : 0;
    *to = at < axis->in ? cx_ceiling(axis->in - at, axis->stride) : 0;
    *to = cx_minimum(*to, axis->out);
}

/* One tap, channels c .. c+channels. */
static void depthwise_tap(const cx_weight_gradient *g, const cx_tap *tap,
                          int64_t c, int64_t channels)
{
    const cx_window_axis *axis = g->window->axis;
    double sum[CX_CHANNEL_RUN] = { 0 };
    int64_t from[3], to[3];
    for (int i = 0; i < 3; i++)
        tap_range(&axis[i], tap->at[i], &from[i], &to[i]);
    for (int64_t n = 0; n < g->window->batch; n++)
        for (int64_t z = from[0]; z < to[0]; z++)
            for (int64_t y = from[1]; y < to[1] && from[2] < to[2]; y++) {
                int64_t out =
                    ((n * axis[0].out + z) * axis[1].out + y) * axis[2].out +
                    from[2];
                int64_t in =
                    ((n * axis[0].in + z * axis[0].stride + tap->at[0]) *
                         axis[1].in +
                     y * axis[1].stride + tap->at[1]) *
                        axis[2].in +
                    from[2] * axis[2].stride + tap->at[2];
                cx_channel_sum(sum, channels, to[2] - from[2],
                               g->dy + out * g->dy_pixel + c, g->dy_pixel,
                               g->x + in * g->x_pixel + c,
                               g->x_pixel * axis[2].stride);
            }
    for (int64_t i = 0; i < channels; i++)
        g->dw[(c + i) * g->forward->taps + tap->weight] = (cxai_real)sum[i];
}

static void depthwise(const cx_weight_gradient *g, int threads)
{
    int64_t runs = cx_ceiling(g->groups, CX_CHANNEL_RUN);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < runs * g->forward->taps; i++) {
        int64_t c = i % runs * CX_CHANNEL_RUN;
        depthwise_tap(g, &g->forward->tap[i / runs], c,
                      cx_minimum(CX_CHANNEL_RUN, g->groups - c));
    }
}

/* ---- in general ---------------------------------------------------------- */

/* The product of a group's gradients and gathered inputs over a block. */
static cx_multiply block_product(const cx_weight_gradient *g, int64_t depth)
{
    return (cx_multiply){
        .rows = g->outputs,
        .columns = g->inputs,
        .depth = depth,
        .a_row = 1,
        .a_column = g->dy_pixel,
        .b_row = g->inputs,
        .b_column = 1,
        .c_row = g->inputs,
    };
}

static size_t rows_bytes(const cx_weight_gradient *g)
{
    return cx_size_line(cx_size_times(cx_size_times(BLOCK, (size_t)g->inputs),
                                      sizeof(cxai_real)));
}

static size_t sums_bytes(const cx_weight_gradient *g)
{
    size_t bytes = cx_size_times((size_t)g->outputs, sizeof(cxai_real));
    bytes = cx_size_times(bytes, (size_t)g->inputs);
    return cx_size_line(cx_size_times(bytes, (size_t)g->forward->taps));
}

/* Asked for before the strides are known: with dy_pixel 0 the product plans to
   transpose. */
size_t cx_weight_gradient_workspace(const cx_kernels *kernels,
                                    const cx_weight_gradient *g, int threads)
{
    if (is_depthwise(g))
        return 0;
    cx_multiply m = block_product(g, cx_minimum(BLOCK, pixel_count(g)));
    return cx_size_plus(cx_size_plus(rows_bytes(g), sums_bytes(g)),
                        cx_multiply_workspace(kernels, &m, threads));
}

/* The inputs that a tap reads for output pixels first .. first+count, a row of
   the group's channels each. */
static void gather(const cx_weight_gradient *g, const cx_tap *tap,
                   int64_t channel, int64_t first, int64_t count,
                   cxai_real *rows, int threads)
{
    const cx_window_axis *axis = g->window->axis;
    size_t bytes = (size_t)g->inputs * sizeof(cxai_real);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = first + i, pixel = 0, scale = 1;
        int inside = 1;
        for (int a = 2; a >= 0; a--) {
            int64_t at = rest % axis[a].out * axis[a].stride + tap->at[a];
            rest /= axis[a].out;
            inside &= at >= 0 && at < axis[a].in;
            pixel += at * scale;
            scale *= axis[a].in;
        }
        pixel += rest * scale;
        if (inside)
            memcpy(rows + i * g->inputs, g->x + pixel * g->x_pixel + channel,
                   bytes);
        else
            memset(rows + i * g->inputs, 0, bytes);
    }
}

/* sums = taps,outputs,inputs of one group, by blocks of pixels. */
static void sum_group(const cx_kernels *kernels, const cx_weight_gradient *g,
                      int64_t group, int threads, cxai_real *rows,
                      cxai_real *sums, void *workspace)
{
    int64_t pixels = pixel_count(g);
    for (int64_t first = 0; first < pixels; first += BLOCK) {
        int64_t count = cx_minimum(BLOCK, pixels - first);
        cx_multiply m = block_product(g, count);
        m.a = g->dy + first * g->dy_pixel + group * g->outputs;
        m.b = rows;
        m.accumulate = first > 0;
        for (int64_t t = 0; t < g->forward->taps; t++) {
            gather(g, &g->forward->tap[t], group * g->inputs, first, count,
                   rows, threads);
            m.c = sums + t * g->outputs * g->inputs;
            cx_multiply_run(kernels, &m, threads, workspace);
        }
    }
}

/* dw = outputs,inputs,taps of one group. */
static void spread(const cx_weight_gradient *g, const cxai_real *sums,
                   cxai_real *dw)
{
    int64_t count = g->outputs * g->inputs;
    for (int64_t t = 0; t < g->forward->taps; t++)
        for (int64_t i = 0; i < count; i++)
            dw[i * g->forward->taps + t] = sums[t * count + i];
}

void cx_weight_gradient_run(const cx_kernels *kernels,
                            const cx_weight_gradient *g, int threads,
                            void *workspace)
{
    if (is_depthwise(g)) {
        depthwise(g, threads);
        return;
    }
    cxai_real *rows = workspace;
    char *rest = (char *)workspace + rows_bytes(g);
    cxai_real *sums = (cxai_real *)(void *)rest;
    rest += sums_bytes(g);
    int64_t weights = g->outputs * g->inputs * g->forward->taps;
    if (pixel_count(g) == 0)
        memset(sums, 0, (size_t)weights * sizeof *sums);
    for (int64_t group = 0; group < g->groups; group++) {
        sum_group(kernels, g, group, threads, rows, sums, rest);
        spread(g, sums, g->dw + group * weights);
    }
}
