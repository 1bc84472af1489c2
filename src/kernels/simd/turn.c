/* Turning a matrix, 8 x 8 numbers at once in registers where there are
   instructions for it. */
#include "kernels/simd/level.h"

/* Rows [row, row_end) and columns [column, column_end) of x. */
INLINE void turn_part(const cx_turn *t, int row, int row_end, int column,
                      int column_end)
{
    for (int i = row; i < row_end; i++)
        for (int j = column; j < column_end; j++)
            t->y[j * t->y_row + i] = t->scale * t->x[i * t->x_row + j];
}

#if defined(__AVX__) && !defined(CXAI_DOUBLE)

enum { BLOCK = 8 };

/* Pairs of rows, then of pairs, then the halves of registers change places. */
INLINE void turn_block(const cx_turn *t, int row, int column)
{
    __m256 a[BLOCK], b[BLOCK];
    const __m256 scale = _mm256_set1_ps(t->scale);
    UNROLL for (int i = 0; i < BLOCK; i++) a[i] = _mm256_mul_ps(
        scale, _mm256_loadu_ps(t->x + (row + i) * t->x_row + column));
    UNROLL for (int i = 0; i < BLOCK; i += 2)
    {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    UNROLL for (int i = 0; i < BLOCK; i += 4)
    {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < BLOCK / 2; i++)
    {
        cxai_real *y = t->y + (column + i) * t->y_row + row;
        _mm256_storeu_ps(y, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(y + 4 * t->y_row,
                         _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

void LEVEL(cx_turn_rows)(const cx_turn *t)
{
    int rows = t->rows / BLOCK * BLOCK, columns = t->columns / BLOCK * BLOCK;
    for (int i = 0; i < rows; i += BLOCK)
        for (int j = 0; j < columns; j += BLOCK)
            turn_block(t, i, j);
    turn_part(t, 0, rows, columns, t->columns);
    turn_part(t, rows, t->rows, 0, t->columns);
}

#else

void LEVEL(cx_turn_rows)(const cx_turn *t)
{
    turn_part(t, 0, t->rows, 0, t->columns);
}

#endif
