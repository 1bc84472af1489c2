/* Depthwise convolution: vectors run over channels, and each weight vector
   serves several output pixels. */
#include "kernels/simd/level.h"

/* LANES channels from c of all pixels of the tile. */
INLINE void channels_vector(const cx_depthwise_tile *tile, int64_t c)
{
    vector sum[CX_DEPTHWISE_PIXELS];
    const cxai_real *weights = tile->weights + c;
    UNROLL for (int i = 0; i < CX_DEPTHWISE_PIXELS; i++) sum[i] = load(weights);
    const cxai_real *const *x = tile->x;
    for (int64_t t = 0; t < tile->taps; t++, x += CX_DEPTHWISE_PIXELS) {
        weights += tile->weights_row;
        vector w = load(weights);
        UNROLL for (int i = 0; i < CX_DEPTHWISE_PIXELS; i++) sum[i] +=
            load(x[i] + c) * w;
    }
    vector low = fill(tile->low), high = fill(tile->high);
    UNROLL for (int i = 0; i < CX_DEPTHWISE_PIXELS; i++)
    {
        if (i < tile->pixels) {
            int64_t at = tile->y_offset[i] + c;
            if (tile->residual != NULL)
                sum[i] += load(tile->residual + at);
            store(tile->y + at, clip(sum[i], low, high));
        }
    }
}

static void channel(const cx_depthwise_tile *tile, int64_t c)
{
    for (int i = 0; i < tile->pixels; i++) {
        cxai_real sum = tile->weights[c];
        for (int64_t t = 0; t < tile->taps; t++)
            sum += tile->x[t * CX_DEPTHWISE_PIXELS + i][c] *
                   tile->weights[(1 + t) * tile->weights_row + c];
        if (tile->residual != NULL)
            sum += tile->residual[tile->y_offset[i] + c];
        tile->y[tile->y_offset[i] + c] = clip_one(sum, tile->low, tile->high);
    }
}

/* The last vector may overlap the one before it, unless it would add its
   residual twice. */
void LEVEL(cx_depthwise)(const cx_depthwise_tile *tile)
{
    int64_t c = tile->offset, end = tile->offset + tile->channels;
    if (tile->channels < LANES) {
        for (; c < end; c++)
            channel(tile, c);
        return;
    }
    for (; c + LANES <= end; c += LANES)
        channels_vector(tile, c);
    if (c < end && tile->residual != tile->y)
        channels_vector(tile, end - LANES);
    for (; c < end && tile->residual == tile->y; c++)
        channel(tile, c);
}
