/* Maximum over the cells of a window, and the way back. */
#include "kernels/simd/level.h"

INLINE mask load_winner(const void *winner, int winner_bytes, int64_t c)
{
    if (winner_bytes == 1) {
        bytes b;
        memcpy(&b, (const uint8_t *)winner + c, sizeof b);
        return __builtin_convertvector(b, mask);
    }
    words w;
    memcpy(&w, (const int32_t *)winner + c, sizeof w);
    return __builtin_convertvector(w, mask);
}

INLINE void store_winner(void *winner, int winner_bytes, int64_t c, mask m)
{
    if (winner_bytes == 1) {
        bytes b = __builtin_convertvector(m, bytes);
        memcpy((uint8_t *)winner + c, &b, sizeof b);
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
