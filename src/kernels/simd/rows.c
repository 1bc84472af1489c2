/* Kernels over whole rows: sums, scalings and masks. */
#include "kernels/simd/level.h"

static cxai_real dot_tail(const cxai_real *x, const cxai_real *b, int64_t d,
                          int64_t depth)
{
    cxai_real sum = 0;
    for (; d < depth; d++)
        sum += x[d] * b[d];
    return sum;
}

/* Vectors of a row that are added up by themselves. */
enum { DOT_BLOCK = 128 };

INLINE void dot_rows(int count, cxai_real *y, const cxai_real *x,
                     const cxai_real *b, int64_t b_row, int64_t depth)
{
    vector blocks[CX_DOT_ROWS];
    UNROLL for (int i = 0; i < count; i++) blocks[i] = fill(0);
    int64_t d = 0;
    while (d + LANES <= depth) {
        int64_t end = d + DOT_BLOCK * LANES;
        if (end > depth)
            end = depth;
        vector sum[CX_DOT_ROWS];
        UNROLL for (int i = 0; i < count; i++) sum[i] = fill(0);
        for (; d + LANES <= end; d += LANES) {
            vector v = load(x + d);
            UNROLL for (int i = 0; i < count; i++) sum[i] +=
                v * load(b + i * b_row + d);
        }
        UNROLL for (int i = 0; i < count; i++) blocks[i] += sum[i];
    }
    UNROLL for (int i = 0; i < count; i++)
    {
        cxai_real total = dot_tail(x, b + i * b_row, d, depth);
        for (int j = 0; j < LANES; j++)
            total += blocks[i][j];
        y[i] = total;
    }
}

void LEVEL(cx_dot)(cxai_real *y, const cxai_real *x, const cxai_real *b,
                   int64_t b_row, int count, int64_t depth)
{
    if (count == CX_DOT_ROWS) {
        dot_rows(CX_DOT_ROWS, y, x, b, b_row, depth);
        return;
    }
    for (int i = 0; i < count; i++)
        dot_rows(1, y + i, x, b + i * b_row, b_row, depth);
}

/* vectors * LANES columns from c; count is known where it is COMBINE_ROWS. */
INLINE void combine_columns(int vectors, cxai_real *y,
                            const cxai_real *const *row,
                            const cxai_real *weight, int64_t count, int64_t c,
                            int accumulate)
{
    vector sum[2];
    UNROLL for (int j = 0; j < vectors; j++) sum[j] =
        accumulate ? load(y + c + j * LANES) : fill(0);
    UNROLL for (int64_t i = 0; i < count; i++)
    {
        vector w = fill(weight[i]);
        UNROLL for (int j = 0; j < vectors; j++) sum[j] +=
            w * load(row[i] + c + j * LANES);
    }
    UNROLL for (int j = 0; j < vectors; j++) store(y + c + j * LANES, sum[j]);
}

/* Rows that are added in one loop without branches: as many streams as a core
   fetches ahead. */
enum { COMBINE_ROWS = 8 };

INLINE void combine_rows(cxai_real *y, const cxai_real *const *row,
                         const cxai_real *weight, int64_t count,
                         int64_t channels, int accumulate)
{
    int64_t c = 0;
    for (; c + 2 * LANES <= channels; c += 2 * LANES)
        combine_columns(2, y, row, weight, count, c, accumulate);
    for (; c + LANES <= channels; c += LANES)
        combine_columns(1, y, row, weight, count, c, accumulate);
    for (; c < channels; c++) {
        cxai_real sum = accumulate ? y[c] : 0;
        for (int64_t i = 0; i < count; i++)
            sum += weight[i] * row[i][c];
        y[c] = sum;
    }
}

void LEVEL(cx_combine)(cxai_real *y, const cxai_real *const *row,
                       const cxai_real *weight, int64_t count, int64_t channels,
                       int accumulate)
{
    if (count == COMBINE_ROWS)
        combine_rows(y, row, weight, COMBINE_ROWS, channels, accumulate);
    else
        combine_rows(y, row, weight, count, channels, accumulate);
}

static void affine_row(const cx_affine *a, const cxai_real *x,
                       const cxai_real *residual, cxai_real *y)
{
    int64_t c = 0;
    vector low = fill(a->low), high = fill(a->high);
    for (; c + LANES <= a->channels; c += LANES) {
        vector v = load(x + c);
        if (a->scale != NULL)
            v *= load(a->scale + c);
        if (a->shift != NULL)
            v += load(a->shift + c);
        if (residual != NULL)
            v += load(residual + c);
        store(y + c, clip(v, low, high));
    }
    for (; c < a->channels; c++) {
        cxai_real v = x[c];
        if (a->scale != NULL)
            v *= a->scale[c];
        if (a->shift != NULL)
            v += a->shift[c];
        if (residual != NULL)
            v += residual[c];
        y[c] = clip_one(v, a->low, a->high);
    }
}

void LEVEL(cx_affine)(const cx_affine *a)
{
    for (int64_t p = 0; p < a->pixels; p++)
        affine_row(a, a->x + p * a->x_pixel,
                   a->residual == NULL ? NULL : a->residual + p * a->y_pixel,
                   a->y + p * a->y_pixel);
}

/* Elements whose bits fill whole bytes and whole vectors. */
enum { BIT_GROUP = LANES > 8 ? LANES : 8 };

void LEVEL(cx_passed)(uint8_t *bits, const cxai_real *y, int64_t count,
                      cxai_real low, cxai_real high)
{
    int64_t i = 0;
    vector lows = fill(low), highs = fill(high);
    for (; i + BIT_GROUP <= count; i += BIT_GROUP) {
        unsigned group = 0;
        UNROLL for (int j = 0; j < BIT_GROUP; j += LANES)
        {
            vector v = load(y + i + j);
            group |= mask_bits((v > lows) & (v < highs)) << j;
        }
        for (int j = 0; j < BIT_GROUP / 8; j++)
            bits[i / 8 + j] = (uint8_t)(group >> 8 * j);
    }
    for (; i < count; i += 8) {
        unsigned byte = 0;
        for (int j = 0; j < 8 && i + j < count; j++)
            byte |= (unsigned)(y[i + j] > low && y[i + j] < high) << j;
        bits[i / 8] = (uint8_t)byte;
    }
}

/* Bits i .. i+LANES-1; i is a multiple of LANES. */
INLINE unsigned bits_at(const uint8_t *bits, int64_t i)
{
    unsigned word = bits[i / 8];
    if (LANES == 16)
        word |= (unsigned)bits[i / 8 + 1] << 8;
    return word >> (i % 8);
}

INLINE void keep(cxai_real *y, const cxai_real *x, const uint8_t *bits,
                 int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        mask m = bits_mask(bits_at(bits, i));
        store(y + i, (vector)((mask)load(x + i) & m));
    }
    for (; i < count; i++)
        y[i] = bits[i / 8] >> (i % 8) & 1 ? x[i] : 0;
}

void LEVEL(cx_keep)(cxai_real *y, const cxai_real *x, const uint8_t *bits,
                    int64_t count)
{
    keep(y, x, bits, count);
}

/* A row whose first bit does not begin a byte goes bit by bit. Tiles of two
   vectors are the most frequent. */
void LEVEL(cx_keep_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                         int64_t columns, const uint8_t *bits, int64_t first)
{
    for (int i = 0; i < rows; i++) {
        cxai_real *row = y + y_offset[i];
        int64_t at = first + y_offset[i];
        if (at % 8 == 0 && columns == 2 * LANES) {
            keep(row, row, bits + at / 8, 2 * LANES);
            continue;
        }
        if (at % 8 == 0) {
            keep(row, row, bits + at / 8, columns);
            continue;
        }
        for (int64_t n = 0; n < columns; n++)
            if ((bits[(at + n) / 8] >> (at + n) % 8 & 1) == 0)
                row[n] = 0;
    }
}
