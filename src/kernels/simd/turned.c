/*
 * Products with panels of the other direction (cx_turned_tile in kernels.h):
 * the lanes of a vector are neighbours in depth, each element has a vector of
 * sums, and its lanes are added up at the end. Nothing is turned, which pays
 * where few rows share a panel.
 */
#include "kernels/simd/lanes.h"
#include "kernels/simd/level.h"

enum { COLUMNS = CX_TURNED_COLUMNS, WIDTH = 2 * LANES };

/* Rows whose sums fit the registers. */
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
enum { ROWS = 6 };
#else
enum { ROWS = 3 };
#endif

/* Columns from n of rows from i; rows is a constant in every caller. */
INLINE void multiply(int rows, const cx_turned_tile *tile, int i, int n)
{
    vector sum[ROWS][COLUMNS];
    const cxai_real *x[ROWS], *w = tile->panel + n * WIDTH;
    UNROLL for (int r = 0; r < rows; r++)
    {
        x[r] = tile->x[i + r] + tile->x_offset;
        UNROLL for (int k = 0; k < COLUMNS; k++) sum[r][k] = fill(0);
    }
    for (int64_t d = 0; d < tile->depth; d += WIDTH, w += tile->stride)
        UNROLL for (int j = 0; j < WIDTH; j += LANES)
        {
            vector v[ROWS];
            UNROLL for (int r = 0; r < rows; r++) v[r] = load(x[r] + d + j);
            UNROLL for (int k = 0; k < COLUMNS; k++)
            {
                vector weight = load(w + k * WIDTH + j);
                UNROLL for (int r = 0; r < rows; r++) sum[r][k] +=
                    v[r] * weight;
            }
        }
    UNROLL for (int r = 0; r < rows; r++) store_lane_sums(
        sum[r], tile->scale, tile->y + tile->y_offset[i + r] + n);
}

typedef void multiply_function(const cx_turned_tile *tile, int i, int n);

#define MULTIPLY(rows)                                                         \
    static void multiply_##rows(const cx_turned_tile *tile, int i, int n)      \
    {                                                                          \
        multiply(rows, tile, i, n);                                            \
    }

MULTIPLY(1)
MULTIPLY(2)
MULTIPLY(3)
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
MULTIPLY(4)
MULTIPLY(5)
MULTIPLY(6)
#endif

static multiply_function *const functions[ROWS] = {
    multiply_1, multiply_2, multiply_3,
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_neon)
    multiply_4, multiply_5, multiply_6,
#endif
};

/* Fetches the rows that the next tile reads of some of its panels: they lie far
   from each other, so that the processor does not see which come next. */
INLINE void fetch_next(const cx_turned_tile *tile, int64_t from, int64_t to)
{
    enum { LINE = 64 / sizeof(cxai_real) };
    for (int64_t i = from; i < to; i++)
        for (int k = 0; k < tile->columns * WIDTH; k += LINE)
            __builtin_prefetch(tile->next + i * tile->stride + k);
}

void LEVEL(cx_product_turned)(const cx_turned_tile *tile)
{
    int groups = (tile->rows + ROWS - 1) / ROWS;
    int parts = groups * (tile->columns / COLUMNS);
    int panels = (int)(tile->depth / WIDTH);
    for (int part = 0; part < parts; part++) {
        int g = part % groups, n = part / groups * COLUMNS;
        int first = tile->rows * g / groups;
        int end = tile->rows * (g + 1) / groups;
        if (tile->next != NULL)
            fetch_next(tile, panels * part / parts,
                       panels * (part + 1) / parts);
        functions[end - first - 1](tile, first, n);
    }
}
