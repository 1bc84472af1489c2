#include "ops/common/channel_factor.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/channel_sum.h"

static int64_t pixel_count(const cxai_shape *shape)
{
    return cx_shape_product(shape, 2, shape->rank);
}

/* Dense, channels fastest. */
static int is_channels_last(const cxai_tensor *t)
{
    int64_t stride[CXAI_MAX_RANK];
    if (t->shape.rank < 3)
        return 0;
    cx_shape_strides_channels_last(&t->shape, stride);
    for (int i = 0; i < t->shape.rank; i++)
        if (t->shape.dim[i] != 1 && t->stride[i] != stride[i])
            return 0;
    return 1;
}

int cx_is_channel_factor(const cxai_tensor *whole, const cxai_tensor *factor)
{
    const cxai_shape *w = &whole->shape, *f = &factor->shape;
    return is_channels_last(whole) && is_channels_last(factor) &&
           f->rank == w->rank && f->dim[0] == w->dim[0] &&
           f->dim[1] == w->dim[1] && pixel_count(f) == 1 && pixel_count(w) > 1;
}

void cx_multiply_channels(const cx_case *c, const cxai_tensor *whole,
                          const cxai_tensor *factor, const cxai_tensor *out)
{
    int64_t channels = whole->shape.dim[1], pixels = pixel_count(&whole->shape);
    int64_t block = cx_maximum(1, CX_SMALL_WORK / cx_maximum(1, channels));
    int64_t blocks = cx_ceiling(pixels, block);
    int64_t items = whole->shape.dim[0] * blocks;
#pragma omp parallel for num_threads(c->threads) schedule(static) if (items > 1)
    for (int64_t i = 0; i < items; i++) {
        int64_t n = i / blocks, first = i % blocks * block;
        int64_t at = (n * pixels + first) * channels;
        c->kernels->affine(&(cx_affine){
            .pixels = cx_minimum(block, pixels - first),
            .channels = channels,
            .x = whole->data + at,
            .x_pixel = channels,
            .scale = factor->data + n * channels,
            .y = out->data + at,
            .y_pixel = channels,
            .low = -(cxai_real)INFINITY,
            .high = (cxai_real)INFINITY,
        });
    }
}

/* Runs of channels are whole lines of the cache and serve all threads. */
void cx_sum_channels(const cx_case *c, const cxai_tensor *a,
                     const cxai_tensor *b, const cxai_tensor *out)
{
    enum { RUN = 16 };
    int64_t channels = a->shape.dim[1], pixels = pixel_count(&a->shape);
    int64_t runs = cx_ceiling(channels, RUN);
    int64_t items = a->shape.dim[0] * runs;
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (items > 1 && pixels * channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < items; i++) {
        int64_t n = i / runs, first = i % runs * RUN;
        int64_t count = cx_minimum(RUN, channels - first);
        int64_t at = n * pixels * channels + first;
        double sum[RUN] = { 0 };
        cx_channel_sum(sum, count, pixels, a->data + at, channels, b->data + at,
                       channels);
        for (int64_t k = 0; k < count; k++)
            out->data[n * channels + first + k] = (cxai_real)sum[k];
    }
}
