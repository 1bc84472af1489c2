/*
 * Depthwise convolution: vectors run over channels. A line of taps stands in
 * registers while its input columns pass, each of which goes into every output
 * pixel that it belongs to.
 */
#include "kernels/simd/level.h"
#include "kernels/simd/logistic.h"

enum { PIXELS = CX_DEPTHWISE_PIXELS, MOST_WIDTH = 7 };

/* Column j of a line, times all taps that read it for some pixel. */
INLINE void add_column(int pixels, int width, int step, int j, vector x,
                       const vector *weight, vector *sum)
{
    UNROLL for (int t = 0; t < width; t++)
    {
        int i = j - t;
        if (i >= 0 && i % step == 0 && i / step < pixels)
            sum[i / step] += x * weight[t];
    }
}

INLINE void finish(int pixels, const cx_depthwise_tile *tile, int64_t c,
                   vector *sum)
{
    vector low = fill(tile->low), high = fill(tile->high);
    UNROLL for (int i = 0; i < pixels; i++)
    {
        if (i < tile->pixels) {
            int64_t at = tile->y_offset[i] + c;
            if (tile->residual != NULL)
                sum[i] += load(tile->residual + at);
            vector v = clip(sum[i], low, high);
            if (tile->swish)
                v *= sigmoid(v);
            store(tile->y + at, v);
        }
    }
}

/* LANES channels from c of all pixels; pixels, width and step are constants in
   every caller. */
INLINE void channels_vector(int pixels, int width, int step,
                            const cx_depthwise_tile *tile, int64_t c)
{
    vector sum[PIXELS], weight[MOST_WIDTH];
    const cxai_real *weights = tile->weights + c;
    const cxai_real *const *x = tile->x;
    UNROLL for (int i = 0; i < pixels; i++) sum[i] = load(weights);
    for (int64_t l = 0; l < tile->lines; l++) {
        UNROLL for (int t = 0; t < width; t++)
        {
            weights += tile->weights_row;
            weight[t] = load(weights);
        }
        UNROLL for (int j = 0; j < (pixels - 1) * step + width; j++)
            add_column(pixels, width, step, j, load(x[j] + c), weight, sum);
        x += (PIXELS - 1) * step + width;
    }
    finish(pixels, tile, c, sum);
}

static void channel(const cx_depthwise_tile *tile, int64_t c)
{
    int columns = cx_depthwise_columns(tile->width, tile->step);
    for (int i = 0; i < tile->pixels; i++) {
        const cxai_real *weights = tile->weights + c;
        cxai_real sum = *weights;
        for (int64_t l = 0; l < tile->lines; l++)
            for (int t = 0; t < tile->width; t++) {
                weights += tile->weights_row;
                sum += tile->x[l * columns + i * tile->step + t][c] * *weights;
            }
        if (tile->residual != NULL)
            sum += tile->residual[tile->y_offset[i] + c];
        sum = clip_one(sum, tile->low, tile->high);
        tile->y[tile->y_offset[i] + c] = tile->swish ? cx_swish(sum) : sum;
    }
}

/* The last vector may overlap the one before it, unless it would add its
   residual twice. */
INLINE void all_channels(int pixels, int width, int step,
                         const cx_depthwise_tile *tile)
{
    int64_t c = tile->offset, end = tile->offset + tile->channels;
    for (; c + LANES <= end; c += LANES)
        channels_vector(pixels, width, step, tile, c);
    if (c < end && tile->residual != tile->y)
        channels_vector(pixels, width, step, tile, end - LANES);
    for (; c < end && tile->residual == tile->y; c++)
        channel(tile, c);
}

typedef void depthwise_function(const cx_depthwise_tile *tile);

/* For full tiles and for those of one pixel less, which lines of 7 and 14
   pixels have. */
#define DEPTHWISE(width, step)                                                 \
    static void wide_##width##_##step(const cx_depthwise_tile *tile)           \
    {                                                                          \
        if (tile->pixels == PIXELS)                                            \
            all_channels(PIXELS, width, step, tile);                           \
        else                                                                   \
            all_channels(PIXELS - 1, width, step, tile);                       \
    }

DEPTHWISE(1, 1)
DEPTHWISE(3, 1)
DEPTHWISE(3, 2)
DEPTHWISE(5, 1)
DEPTHWISE(5, 2)
DEPTHWISE(7, 1)

/* By half the width and by step. */
static depthwise_function *const depthwise[4][2] = {
    { wide_1_1, NULL },
    { wide_3_1, wide_3_2 },
    { wide_5_1, wide_5_2 },
    { wide_7_1, NULL },
};

void LEVEL(cx_depthwise)(const cx_depthwise_tile *tile)
{
    if (tile->channels >= LANES) {
        depthwise[tile->width / 2][tile->step - 1](tile);
        return;
    }
    for (int64_t c = tile->offset; c < tile->offset + tile->channels; c++)
        channel(tile, c);
}
