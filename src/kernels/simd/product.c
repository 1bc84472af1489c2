/*
 * The tile of a matrix product with gathered rows. The accumulators stay in
 * registers until they are finished: what the epilogue needs is loaded behind a
 * barrier, because compilers would move it before the loop and spill them.
 */
#include <math.h>

#include "kernels/simd/level.h"

#define BARRIER __asm__ volatile("" ::: "memory")

/* rows x vectors accumulators; both are constants in every caller. All columns
   of the vectors are written. */
INLINE void accumulate(int rows, int vectors, const cx_tile *tile)
{
    vector sum[TILE_ROWS][2];
    const cxai_real *panel = tile->panel;
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] =
            load(panel + j * LANES);
    }
    panel += vectors * LANES;
    const cxai_real *const *x = tile->x;
    int64_t depth = tile->depth;
    for (int64_t t = 0; t < tile->taps; t++, x += TILE_ROWS) {
        const cxai_real *row[TILE_ROWS];
        UNROLL for (int i = 0; i < rows; i++) row[i] = x[i] + tile->x_offset;
        for (int64_t d = 0; d < depth; d++, panel += vectors * LANES) {
            vector b[2];
            UNROLL for (int j = 0; j < vectors; j++) b[j] =
                load(panel + j * LANES);
            UNROLL for (int i = 0; i < rows; i++)
            {
                vector a = fill(row[i][d]);
                UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += a * b[j];
            }
        }
    }
    BARRIER;
    const int64_t *offset = tile->y_offset;
    if (tile->residual != NULL) {
        UNROLL for (int i = 0; i < rows; i++)
        {
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] +=
                load(tile->residual + offset[i] + j * LANES);
        }
    }
    vector low = fill(tile->low), high = fill(tile->high);
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
            store(tile->y + offset[i] + j * LANES, clip(sum[i][j], low, high));
    }
}

typedef void accumulate_function(const cx_tile *tile);

#define ACCUMULATE(rows)                                                       \
    static void narrow_##rows(const cx_tile *tile)                             \
    {                                                                          \
        accumulate(rows, 1, tile);                                             \
    }                                                                          \
    static void wide_##rows(const cx_tile *tile)                               \
    {                                                                          \
        accumulate(rows, 2, tile);                                             \
    }

ACCUMULATE(1)
ACCUMULATE(2)
ACCUMULATE(3)
ACCUMULATE(4)
ACCUMULATE(5)
ACCUMULATE(6)
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
ACCUMULATE(7)
ACCUMULATE(8)
ACCUMULATE(9)
ACCUMULATE(10)
ACCUMULATE(11)
ACCUMULATE(12)
#endif
#if defined(CX_SIMD_avx512)
ACCUMULATE(13)
ACCUMULATE(14)
#endif

#define PAIR(rows)                                                             \
    {                                                                          \
        narrow_##rows, wide_##rows                                             \
    }

static accumulate_function *const accumulators[TILE_ROWS][2] = {
    PAIR(1),  PAIR(2),  PAIR(3), PAIR(4),  PAIR(5),  PAIR(6),
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
    PAIR(7),  PAIR(8),  PAIR(9), PAIR(10), PAIR(11), PAIR(12),
#endif
#if defined(CX_SIMD_avx512)
    PAIR(13), PAIR(14),
#endif
};

/* Rows of a buffer for tiles that do not fill their vectors. */
static const int64_t buffered[CX_MAX_TILE_ROWS] = {
    0,          2 * LANES,  4 * LANES,  6 * LANES,  8 * LANES,
    10 * LANES, 12 * LANES, 14 * LANES, 16 * LANES, 18 * LANES,
    20 * LANES, 22 * LANES, 24 * LANES, 26 * LANES,
};

/* The columns that exist of what lies in the buffer. */
static void finish_part(const cx_tile *tile, const cxai_real *out)
{
    for (int i = 0; i < tile->rows; i++, out += 2 * LANES) {
        cxai_real *y = tile->y + tile->y_offset[i];
        const cxai_real *residual = NULL;
        if (tile->residual != NULL)
            residual = tile->residual + tile->y_offset[i];
        for (int n = 0; n < tile->columns; n++) {
            cxai_real v = out[n] + (residual != NULL ? residual[n] : 0);
            y[n] = clip_one(v, tile->low, tile->high);
        }
    }
}

void LEVEL(cx_product)(const cx_tile *tile)
{
    int wide = tile->columns > LANES;
    accumulate_function *accumulator = accumulators[tile->rows - 1][wide];
    if (tile->columns % LANES == 0) {
        accumulator(tile);
        return;
    }
    cxai_real out[TILE_ROWS * 2 * LANES] __attribute__((aligned(VECTOR_BYTES)));
    cx_tile part = *tile;
    part.y = out;
    part.y_offset = buffered;
    part.residual = NULL;
    part.low = -(cxai_real)INFINITY;
    part.high = (cxai_real)INFINITY;
    accumulator(&part);
    finish_part(tile, out);
}
