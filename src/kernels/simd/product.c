/*
 * The tile of a matrix product with gathered rows. The accumulators stay in
 * registers until they are finished: what the epilogue needs is loaded behind a
 * barrier, because compilers would move it before the loop and spill them.
 */
#include <math.h>

#include "kernels/simd/level.h"

#define BARRIER __asm__ volatile("" ::: "memory")

/* Compilers no longer know where a pointer points, and leave what lies there in
   memory instead of copying it about. */
#define HIDE(pointer) __asm__ volatile("" : "+r"(pointer)::"memory")

/* Products that are added up by themselves before their sum is added to what
   stood before them, where there are LEAST or more. The error of K products in
   a row is 2.4e-8 of the result times the root of K/2, in blocks that of
   BLOCK/2 + K/(2 BLOCK); they take a hundredth longer. */
enum { BLOCK = 128, LEAST = 192 };

/* The rows of a tap. */
INLINE void take_rows(int rows, const cx_tile *tile, int64_t tap,
                      const cxai_real *row[TILE_ROWS])
{
    const cxai_real *const *x = tile->x + tap * TILE_ROWS;
    UNROLL for (int i = 0; i < rows; i++) row[i] = x[i] + tile->x_offset;
}

/* sum[i] += row[i] times [from, to) of a tap's depth; the panel behind it. */
INLINE const cxai_real *add_products(int rows, int vectors,
                                     const cxai_real *const row[TILE_ROWS],
                                     int64_t from, int64_t to,
                                     const cxai_real *panel,
                                     vector sum[TILE_ROWS][2])
{
    for (int64_t d = from; d < to; d++, panel += vectors * LANES) {
        vector b[2];
        UNROLL for (int j = 0; j < vectors; j++) b[j] = load(panel + j * LANES);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vector a = fill(row[i][d]);
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += a * b[j];
        }
    }
    return panel;
}

/* sum = the bias and all products. */
INLINE void add_in_a_row(int rows, int vectors, const cx_tile *tile,
                         vector sum[TILE_ROWS][2])
{
    const cxai_real *panel = tile->panel, *row[TILE_ROWS];
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] =
            load(panel + j * LANES);
    }
    panel += vectors * LANES;
    for (int64_t t = 0; t < tile->taps; t++) {
        take_rows(rows, tile, t, row);
        panel = add_products(rows, vectors, row, 0, tile->depth, panel, sum);
    }
    BARRIER;
}

/* Adds sum to total, which has two vectors for each row, and clears it. */
INLINE void end_block(int rows, int vectors, cxai_real *total,
                      vector sum[TILE_ROWS][2])
{
    BARRIER;
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
        {
            cxai_real *at = total + (2 * i + j) * LANES;
            store(at, load(at) + sum[i][j]);
            sum[i][j] = fill(0);
        }
    }
}

/* The same as add_in_a_row, block by block. */
INLINE void add_in_blocks(int rows, int vectors, const cx_tile *tile,
                          vector sum[TILE_ROWS][2])
{
    cxai_real memory[TILE_ROWS * 2 * LANES]
        __attribute__((aligned(VECTOR_BYTES)));
    cxai_real *total = memory;
    HIDE(total);
    const cxai_real *panel = tile->panel, *row[TILE_ROWS];
    int64_t depth = tile->depth, room = BLOCK;
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
        {
            store(total + (2 * i + j) * LANES, load(panel + j * LANES));
            sum[i][j] = fill(0);
        }
    }
    panel += vectors * LANES;
    for (int64_t t = 0; t < tile->taps; t++) {
        take_rows(rows, tile, t, row);
        for (int64_t d = 0, end; d < depth; d = end) {
            end = depth - d < room ? depth : d + room;
            panel = add_products(rows, vectors, row, d, end, panel, sum);
            room -= end - d;
            if (room == 0) {
                end_block(rows, vectors, total, sum);
                room = BLOCK;
            }
        }
    }
    BARRIER;
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] +=
            load(total + (2 * i + j) * LANES);
    }
}

/* rows x vectors accumulators; these and blocks are constants in every caller.
   All columns of the vectors are written. */
INLINE void accumulate(int rows, int vectors, int blocks, const cx_tile *tile)
{
    vector sum[TILE_ROWS][2];
    if (blocks)
        add_in_blocks(rows, vectors, tile, sum);
    else
        add_in_a_row(rows, vectors, tile, sum);
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
        accumulate(rows, 1, 0, tile);                                          \
    }                                                                          \
    static void wide_##rows(const cx_tile *tile)                               \
    {                                                                          \
        accumulate(rows, 2, 0, tile);                                          \
    }                                                                          \
    static void narrow_blocks_##rows(const cx_tile *tile)                      \
    {                                                                          \
        accumulate(rows, 1, 1, tile);                                          \
    }                                                                          \
    static void wide_blocks_##rows(const cx_tile *tile)                        \
    {                                                                          \
        accumulate(rows, 2, 1, tile);                                          \
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

#define FOUR(rows)                                                             \
    {                                                                          \
        { narrow_##rows, wide_##rows },                                        \
        {                                                                      \
            narrow_blocks_##rows, wide_blocks_##rows                           \
        }                                                                      \
    }

/* By rows - 1, whether there are blocks, whether there are two vectors. */
static accumulate_function *const accumulators[TILE_ROWS][2][2] = {
    FOUR(1),  FOUR(2),  FOUR(3), FOUR(4),  FOUR(5),  FOUR(6),
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
    FOUR(7),  FOUR(8),  FOUR(9), FOUR(10), FOUR(11), FOUR(12),
#endif
#if defined(CX_SIMD_avx512)
    FOUR(13), FOUR(14),
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
    int blocks = tile->taps * tile->depth >= LEAST;
    accumulate_function *accumulator =
        accumulators[tile->rows - 1][blocks][wide];
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
