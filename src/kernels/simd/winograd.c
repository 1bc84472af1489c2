/*
 * The transforms of Winograd's convolution (kernels/winograd.h), LANES channels
 * at once: one axis of points after the other. tile, the number of outputs, is
 * a constant in every caller.
 */
#include "kernels/simd/level.h"

enum { SIDE = CX_WINOGRAD_SIDE, TILE = CX_WINOGRAD_TILE };

#define ROOT_HALF ((cxai_real)0.70710678118654752440)
#define ROOT_TWO ((cxai_real)1.41421356237309504880)

/* v = B^T d along one axis. */
INLINE void transform_input(int tile, const vector d[SIDE], vector v[SIDE])
{
    if (tile == 2) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[3] - d[1];
        return;
    }
    vector even = d[4] - d[2] * 2, odd = (d[3] - d[1] * 2) * ROOT_HALF;
    v[0] = d[0] + d[4] - d[2] * (cxai_real)2.5;
    v[1] = even + odd;
    v[2] = even - odd;
    even = d[4] - d[2] * (cxai_real)0.5;
    odd = (d[3] - d[1] * (cxai_real)0.5) * ROOT_TWO;
    v[3] = even + odd;
    v[4] = even - odd;
    v[5] = d[1] + d[5] - d[3] * (cxai_real)2.5;
}

/* y = A^T m along one axis. */
INLINE void transform_output(int tile, const vector m[SIDE], vector y[TILE])
{
    if (tile == 2) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] + m[3];
        return;
    }
    vector near_sum = m[1] + m[2], far_sum = m[3] + m[4];
    vector near = (m[1] - m[2]) * ROOT_HALF, far = (m[3] - m[4]) * ROOT_TWO;
    y[0] = m[0] + near_sum + far_sum;
    y[1] = near + far;
    y[2] = near_sum * (cxai_real)0.5 + far_sum * 2;
    y[3] = near * (cxai_real)0.5 + far * 2 + m[5];
}

/* LANES channels from c. */
INLINE void input_vector(int tile, const cxai_real *const *x, int64_t c,
                         cxai_real *v, int64_t v_point)
{
    const int side = cx_winograd_side(tile);
    vector half[SIDE][SIDE];
    UNROLL for (int j = 0; j < side; j++)
    {
        vector d[SIDE], t[SIDE];
        UNROLL for (int i = 0; i < side; i++) d[i] = load(x[i * side + j] + c);
        transform_input(tile, d, t);
        UNROLL for (int i = 0; i < side; i++) half[i][j] = t[i];
    }
    UNROLL for (int i = 0; i < side; i++)
    {
        vector t[SIDE];
        transform_input(tile, half[i], t);
        UNROLL for (int j = 0; j < side; j++)
            store(v + (i * side + j) * v_point + c, t[j]);
    }
}

/* The last vector may overlap the one before it. */
INLINE void input_vectors(int tile, const cxai_real *const *x, int64_t channels,
                          cxai_real *v, int64_t v_point)
{
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES)
        input_vector(tile, x, c, v, v_point);
    if (c < channels)
        input_vector(tile, x, channels - LANES, v, v_point);
}

void LEVEL(cx_winograd_input)(int tile, const cxai_real *const *x,
                              int64_t channels, cxai_real *v, int64_t v_point)
{
    if (tile == 2)
        input_vectors(2, x, channels, v, v_point);
    else
        input_vectors(4, x, channels, v, v_point);
}

/* All pixels of LANES channels, each a vector of out. */
INLINE void output_vector(int tile, const cxai_real *m, int64_t m_point,
                          vector bias, vector out[TILE][TILE])
{
    const int side = cx_winograd_side(tile);
    vector half[TILE][SIDE];
    UNROLL for (int j = 0; j < side; j++)
    {
        vector s[SIDE], t[TILE];
        UNROLL for (int i = 0; i < side; i++) s[i] =
            load(m + (i * side + j) * m_point);
        transform_output(tile, s, t);
        UNROLL for (int i = 0; i < tile; i++) half[i][j] = t[i];
    }
    UNROLL for (int i = 0; i < tile; i++)
    {
        transform_output(tile, half[i], out[i]);
        UNROLL for (int j = 0; j < tile; j++) out[i][j] += bias;
    }
}

/* Writes count <= LANES channels of one pixel. */
INLINE void finish_pixel(const cx_winograd_tile *tile, vector v, int64_t at,
                         int count)
{
    cxai_real *y = tile->y + at, part[LANES];
    if (count == LANES) {
        if (tile->residual != NULL)
            v += load(tile->residual + at);
        store(y, clip(v, fill(tile->low), fill(tile->high)));
        return;
    }
    store(part, v);
    for (int n = 0; n < count; n++) {
        cxai_real one = part[n];
        if (tile->residual != NULL)
            one += tile->residual[at + n];
        y[n] = clip_one(one, tile->low, tile->high);
    }
}

INLINE void output_vectors(int size, const cx_winograd_tile *tile)
{
    for (int c = 0; c < tile->columns; c += LANES) {
        vector out[TILE][TILE];
        int left = tile->columns - c;
        output_vector(size, tile->m + c, tile->m_point, load(tile->bias + c),
                      out);
        for (int i = 0; i < tile->rows; i++)
            for (int j = 0; j < tile->width; j++)
                finish_pixel(tile, out[i][j],
                             i * tile->y_row + j * tile->y_pixel + c,
                             left < LANES ? left : LANES);
    }
}

void LEVEL(cx_winograd_output)(const cx_winograd_tile *tile)
{
    if (tile->size == 2)
        output_vectors(2, tile);
    else
        output_vectors(4, tile);
}
