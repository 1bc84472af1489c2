/*
 * Products with few columns (cx_narrow in kernels/narrow.h): a vector of sums
 * for each pixel and column, whose lanes are added up at the end.
 */
#include "kernels/simd/lanes.h"
#include "kernels/simd/level.h"

enum { PIXELS = CX_NARROW_PIXELS, MOST = CX_NARROW_COLUMNS };

/* Adds what the vectors leave over of a tap's depth. */
INLINE void add_rest(int columns, const cxai_real *const *x, int64_t x_offset,
                     const cxai_real *w, int64_t from, int64_t depth,
                     cxai_real total[MOST][PIXELS])
{
    for (int n = 0; n < columns; n++)
        for (int64_t d = from; d < depth; d++)
            for (int i = 0; i < PIXELS; i++)
                total[n][i] += x[i][x_offset + d] * w[n * depth + d];
}

/* total[i] += the lanes of sum[i], for all pixels of a column. */
INLINE void add_lanes(const vector sum[PIXELS], cxai_real total[PIXELS])
{
    cxai_real lanes[PIXELS];
    store_lane_sums(sum, 1, lanes);
    for (int i = 0; i < PIXELS; i++)
        total[i] += lanes[i];
}

static void write_pixels(const cx_tile *tile, cxai_real total[MOST][PIXELS])
{
    for (int i = 0; i < tile->rows; i++) {
        int64_t at = tile->y_offset[i];
        for (int n = 0; n < tile->columns; n++) {
            cxai_real v = total[n][i] + tile->panel[n];
            if (tile->residual != NULL)
                v += tile->residual[at + n];
            tile->y[at + n] = clip_one(v, tile->low, tile->high);
        }
    }
}

/* columns is a constant in every caller. */
INLINE void narrow(int columns, const cx_tile *tile)
{
    vector sum[MOST][PIXELS];
    cxai_real total[MOST][PIXELS] = { { 0 } };
    int64_t depth = tile->depth, whole = depth - depth % LANES;
    const cxai_real *w = tile->panel + columns;
    const cxai_real *const *x = tile->x;
    UNROLL for (int i = 0; i < PIXELS; i++)
    {
        UNROLL for (int n = 0; n < columns; n++) sum[n][i] = fill(0);
    }
    for (int64_t t = 0; t < tile->taps; t++, x += PIXELS) {
        for (int64_t d = 0; d < whole; d += LANES) {
            vector v[PIXELS];
            UNROLL for (int i = 0; i < PIXELS; i++) v[i] =
                load(x[i] + tile->x_offset + d);
            UNROLL for (int n = 0; n < columns; n++)
            {
                vector weight = load(w + n * depth + d);
                UNROLL for (int i = 0; i < PIXELS; i++) sum[n][i] +=
                    v[i] * weight;
            }
        }
        if (whole < depth)
            add_rest(columns, x, tile->x_offset, w, whole, depth, total);
        w += columns * depth;
    }
    UNROLL for (int n = 0; n < columns; n++) add_lanes(sum[n], total[n]);
    write_pixels(tile, total);
}

void LEVEL(cx_narrow)(const cx_tile *tile)
{
    switch (tile->columns) {
    case 1: narrow(1, tile); break;
    case 2: narrow(2, tile); break;
    case 3: narrow(3, tile); break;
    default: narrow(4, tile); break;
    }
}
