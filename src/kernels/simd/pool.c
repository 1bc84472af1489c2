/* Maximum over the cells of a window, and the way back. */
#include "kernels/simd/level.h"

/* LANES bytes as integers, and back; compilers take vectors of 8 bytes apart.
 */
INLINE mask widen(const uint8_t *from)
{
#if defined(CX_SIMD_avx512)
    return (mask)_mm512_cvtepu8_epi32(
        _mm_loadu_si128((const __m128i *)(const void *)from));
#elif defined(CX_SIMD_avx2)
    return (mask)_mm256_cvtepu8_epi32(
        _mm_loadl_epi64((const __m128i *)(const void *)from));
#else
    bytes b;
    memcpy(&b, from, sizeof b);
    return __builtin_convertvector(b, mask);
#endif
}

INLINE void narrow(uint8_t *to, mask m)
{
#if defined(CX_SIMD_avx512)
    _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8((__m512i)m));
#elif defined(CX_SIMD_avx2)
    __m128i low = _mm256_castsi256_si128((__m256i)m);
    __m128i pairs =
        _mm_packs_epi32(low, _mm256_extracti128_si256((__m256i)m, 1));
    _mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(pairs, pairs));
#else
    bytes b = __builtin_convertvector(m, bytes);
    memcpy(to, &b, sizeof b);
#endif
}

INLINE mask load_winner(const void *winner, int winner_bytes, int64_t c)
{
    if (winner_bytes == 1)
        return widen((const uint8_t *)winner + c);
    words w;
    memcpy(&w, (const int32_t *)winner + c, sizeof w);
    return __builtin_convertvector(w, mask);
}

INLINE void store_winner(void *winner, int winner_bytes, int64_t c, mask m)
{
    if (winner_bytes == 1) {
        narrow((uint8_t *)winner + c, m);
        return;
    }
    words w = __builtin_convertvector(m, words);
    memcpy((int32_t *)winner + c, &w, sizeof w);
}

INLINE lane_int winner_at(const void *winner, int winner_bytes, int64_t c)
{
    return winner_bytes == 1 ? ((const uint8_t *)winner)[c]
                             : ((const int32_t *)winner)[c];
}

static void maximum_one(cxai_real *y, void *winner, int winner_bytes,
                        const cx_cells *cells, int64_t c)
{
    cxai_real best = cells->row[0][c];
    int32_t number = cells->number[0];
    for (int64_t i = 1; i < cells->count; i++) {
        cxai_real v = cells->row[i][c];
        if (v > best || (v != v && best == best)) {
            best = v;
            number = cells->number[i];
        }
    }
    y[c] = best;
    if (winner != NULL && winner_bytes == 1)
        ((uint8_t *)winner)[c] = (uint8_t)number;
    else if (winner != NULL)
        ((int32_t *)winner)[c] = number;
}

void LEVEL(cx_maximum)(cxai_real *y, void *winner, int winner_bytes,
                       const cx_cells *cells)
{
    int64_t c = 0;
    for (; c + LANES <= cells->channels; c += LANES) {
        vector best = load(cells->row[0] + c);
        mask number = (lane_int)cells->number[0] - (mask){ 0 };
        for (int64_t i = 1; i < cells->count; i++) {
            vector v = load(cells->row[i] + c);
            mask better = (v > best) | ((v != v) & (best == best));
            best = choose(better, v, best);
            number = (better & (lane_int)cells->number[i]) | (~better & number);
        }
        store(y + c, best);
        if (winner != NULL)
            store_winner(winner, winner_bytes, c, number);
    }
    for (; c < cells->channels; c++)
        maximum_one(y, winner, winner_bytes, cells, c);
}

void LEVEL(cx_unmaximum)(cxai_real *y, const void *const *winner,
                         int winner_bytes, const cx_cells *cells,
                         int accumulate)
{
    int64_t c = 0;
    for (; c + LANES <= cells->channels; c += LANES) {
        vector sum = accumulate ? load(y + c) : fill(0);
        for (int64_t i = 0; i < cells->count; i++) {
            mask won = load_winner(winner[i], winner_bytes, c) ==
                       (lane_int)cells->number[i];
            sum += (vector)((mask)load(cells->row[i] + c) & won);
        }
        store(y + c, sum);
    }
    for (; c < cells->channels; c++) {
        cxai_real sum = accumulate ? y[c] : 0;
        for (int64_t i = 0; i < cells->count; i++)
            if (winner_at(winner[i], winner_bytes, c) == cells->number[i])
                sum += cells->row[i][c];
        y[c] = sum;
    }
}
