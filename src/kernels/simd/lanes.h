/* Sums of the lanes of four vectors. */
#ifndef CX_KERNELS_SIMD_LANES_H
#define CX_KERNELS_SIMD_LANES_H

#include "kernels/simd/vector.h"

/* y[i] = scale * the sum of the lanes of v[i]. */
INLINE void store_lane_sums(const vector v[4], cxai_real scale, cxai_real y[4])
{
#if defined(CX_SIMD_avx512) || defined(CX_SIMD_avx2)
    __m256 half[4];
    UNROLL for (int i = 0; i < 4; i++)
#if defined(CX_SIMD_avx512)
        half[i] = _mm256_add_ps(_mm512_castps512_ps256(v[i]),
                                _mm512_extractf32x8_ps(v[i], 1));
#else
        half[i] = v[i];
#endif
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(half[0], half[1]),
                                  _mm256_hadd_ps(half[2], half[3]));
    __m128 sums = _mm_add_ps(_mm256_castps256_ps128(pairs),
                             _mm256_extractf128_ps(pairs, 1));
    _mm_storeu_ps(y, _mm_mul_ps(_mm_set1_ps(scale), sums));
#else
    for (int i = 0; i < 4; i++) {
        cxai_real sum = 0;
        for (int j = 0; j < LANES; j++)
            sum += v[i][j];
        y[i] = scale * sum;
    }
#endif
}

#endif
