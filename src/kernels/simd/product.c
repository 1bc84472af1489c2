/*
 * The tile of a matrix product with gathered rows. The accumulators stay in
 * registers; the finished tile goes through a small buffer, because an
 * epilogue written into the loop makes compilers spill them.
 */
#include <math.h>

#include "kernels/simd/level.h"

/* rows x vectors accumulators; both are constants in every caller. Row i of
   the sums goes to out + offset[i]. */
INLINE void accumulate(int rows, int vectors, const cx_tile *tile,
                       cxai_real *out, const int64_t *offset)
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
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
            store(out + offset[i] + j * LANES, sum[i][j]);
    }
}

typedef void accumulate_function(const cx_tile *tile, cxai_real *out,
                                 const int64_t *offset);

#define ACCUMULATE(rows)                                                       \
    static void narrow_##rows(const cx_tile *tile, cxai_real *out,             \
                              const int64_t *offset)                           \
    {                                                                          \
        accumulate(rows, 1, tile, out, offset);                                \
    }                                                                          \
    static void wide_##rows(const cx_tile *tile, cxai_real *out,               \
                            const int64_t *offset)                             \
    {                                                                          \
        accumulate(rows, 2, tile, out, offset);                                \
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

/* LANES columns of a finished row. */
INLINE void finish_vector(const cxai_real *sum, cxai_real *y,
                          const cxai_real *residual, vector low, vector high)
{
    vector v = load(sum);
    if (residual != NULL)
        v += load(residual);
    store(y, clip(v, low, high));
}

/* All columns of a tile that fills its panel. */
INLINE void finish_full(const cx_tile *tile, const cxai_real *out)
{
    vector low = fill(tile->low), high = fill(tile->high);
    for (int i = 0; i < tile->rows; i++, out += 2 * LANES) {
        cxai_real *y = tile->y + tile->y_offset[i];
        const cxai_real *residual = NULL;
        if (tile->residual != NULL)
            residual = tile->residual + tile->y_offset[i];
        finish_vector(out, y, residual, low, high);
        finish_vector(out + LANES, y + LANES,
                      residual == NULL ? NULL : residual + LANES, low, high);
    }
}

/* The columns that exist. */
static void finish_part(const cx_tile *tile, const cxai_real *out)
{
    vector low = fill(tile->low), high = fill(tile->high);
    int full = tile->columns >= LANES ? LANES : 0;
    for (int i = 0; i < tile->rows; i++, out += 2 * LANES) {
        cxai_real *y = tile->y + tile->y_offset[i];
        const cxai_real *residual = NULL;
        if (tile->residual != NULL)
            residual = tile->residual + tile->y_offset[i];
        if (full)
            finish_vector(out, y, residual, low, high);
        for (int n = full; n < tile->columns; n++) {
            cxai_real v = out[n] + (residual != NULL ? residual[n] : 0);
            y[n] = clip_one(v, tile->low, tile->high);
        }
    }
}

/* Whether the sums are the result, in whole vectors. */
static int is_plain(const cx_tile *tile)
{
    return tile->columns % LANES == 0 && tile->residual == NULL &&
           tile->low == -(cxai_real)INFINITY &&
           tile->high == (cxai_real)INFINITY;
}

/* Rows of the buffer. */
static const int64_t buffered[CX_MAX_TILE_ROWS] = {
    0,          2 * LANES,  4 * LANES,  6 * LANES,  8 * LANES,
    10 * LANES, 12 * LANES, 14 * LANES, 16 * LANES, 18 * LANES,
    20 * LANES, 22 * LANES, 24 * LANES, 26 * LANES,
};

void LEVEL(cx_product)(const cx_tile *tile)
{
    cxai_real out[TILE_ROWS * 2 * LANES] __attribute__((aligned(VECTOR_BYTES)));
    int wide = tile->columns > LANES;
    accumulate_function *accumulator = accumulators[tile->rows - 1][wide];
    if (is_plain(tile)) {
        accumulator(tile, tile->y, tile->y_offset);
        return;
    }
    accumulator(tile, out, buffered);
    if (tile->columns == 2 * LANES)
        finish_full(tile, out);
    else
        finish_part(tile, out);
}
