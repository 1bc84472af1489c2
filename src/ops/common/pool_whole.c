#include "ops/common/pool_whole.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"

enum {
    RUNS = 8,   /* of a picture's pixels */
    BLOCK = 64, /* pixels added at once */
};

int cx_pool_is_whole(const cx_pool *pool)
{
    int whole = !pool->maximum;
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &pool->window.axis[i];
        whole = whole && axis->out == 1 && axis->kernel == axis->in &&
                axis->before == 0 && axis->dilation == 1;
    }
    return whole;
}

size_t cx_pool_whole_workspace(const cx_pool *pool)
{
    size_t sums = cx_size_times((size_t)pool->window.batch, RUNS);
    return cx_size_times(cx_size_times(sums, (size_t)pool->channels),
                         sizeof(cxai_real));
}

/* sum = weight times the pixels [from, to). */
static void add_pixels(const cx_case *c, const cx_pool_pass *pass,
                       cxai_real weight, int64_t from, int64_t to,
                       cxai_real *sum)
{
    int64_t pixel = cx_pixel_stride(pass->from);
    int64_t channels = pass->pool->channels;
    for (int64_t i = 0; i < channels; i++)
        sum[i] = 0;
    for (int64_t p = from; p < to; p += BLOCK) {
        const cxai_real *row[BLOCK];
        cxai_real weights[BLOCK];
        int64_t count = cx_minimum(BLOCK, to - p);
        for (int64_t i = 0; i < count; i++) {
            row[i] = pass->from->data + (p + i) * pixel;
            weights[i] = weight;
        }
        c->kernels->combine(sum, row, weights, count, channels, 1);
    }
}

/* y = all runs of a picture, in their order. */
static void add_runs(const cx_case *c, const cxai_real *sums, int64_t channels,
                     cxai_real *y)
{
    const cxai_real *row[RUNS];
    cxai_real weights[RUNS];
    for (int i = 0; i < RUNS; i++) {
        row[i] = sums + i * channels;
        weights[i] = 1;
    }
    c->kernels->combine(y, row, weights, RUNS, channels, 0);
}

void cx_pool_whole_run(const cx_case *c, const cx_pool_pass *pass,
                       void *workspace)
{
    const cx_window *window = &pass->pool->window;
    int64_t channels = pass->pool->channels;
    int64_t pixels =
        window->axis[0].in * window->axis[1].in * window->axis[2].in;
    cxai_real weight = pixels > 0 ? 1 / (cxai_real)pixels : 0;
    cxai_real *sums = workspace;
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (window->batch * pixels * channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < window->batch * RUNS; i++) {
        int64_t first = i / RUNS * pixels, run = i % RUNS;
        add_pixels(c, pass, weight, first + pixels * run / RUNS,
                   first + pixels * (run + 1) / RUNS, sums + i * channels);
    }
    for (int64_t n = 0; n < window->batch; n++)
        add_runs(c, sums + n * RUNS * channels, channels,
                 pass->to->data + n * cx_pixel_stride(pass->to));
}
