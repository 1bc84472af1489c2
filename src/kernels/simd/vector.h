/*
 * Vectors of reals for the level that is being compiled, through the vector
 * extensions of GCC and clang. CX_SIMD_LEVEL is its name.
 */
#ifndef CX_KERNELS_SIMD_VECTOR_H
#define CX_KERNELS_SIMD_VECTOR_H

#include <string.h>

#include "kernels/kernels.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* Vector registers allow tile_rows * 2 accumulators, 2 vectors of the panel
   and one of the row. */
#if defined(CX_SIMD_avx512)
enum { VECTOR_BYTES = 64, TILE_ROWS = 14 };
#elif defined(CX_SIMD_avx2)
enum { VECTOR_BYTES = 32, TILE_ROWS = 6 };
#elif defined(CX_SIMD_neon)
enum { VECTOR_BYTES = 16, TILE_ROWS = 12 };
#else
enum { VECTOR_BYTES = 16, TILE_ROWS = 6 };
#endif

enum { LANES = VECTOR_BYTES / sizeof(cxai_real) };

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define LEVEL(name) JOIN(name, CX_SIMD_LEVEL)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#ifdef CXAI_DOUBLE
typedef int64_t lane_int;
#else
typedef int32_t lane_int;
#endif

typedef cxai_real vector __attribute__((vector_size(VECTOR_BYTES)));
typedef lane_int mask __attribute__((vector_size(VECTOR_BYTES)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));
typedef int32_t words __attribute__((vector_size(LANES * 4)));

INLINE vector load(const cxai_real *from)
{
    vector v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(cxai_real *to, vector v)
{
    memcpy(to, &v, sizeof v);
}

INLINE vector fill(cxai_real value)
{
    return value - (vector){ 0 };
}

INLINE vector choose(mask where, vector yes, vector no)
{
    return (vector)((where & (mask)yes) | (~where & (mask)no));
}

/* A NaN stays: of two numbers x86's min and max return the second where they
   cannot be compared. */
INLINE vector clip(vector v, vector low, vector high)
{
#if defined(CX_SIMD_avx512)
    return _mm512_min_ps(high, _mm512_max_ps(low, v));
#elif defined(CX_SIMD_avx2)
    return _mm256_min_ps(high, _mm256_max_ps(low, v));
#elif defined(__SSE2__) && !defined(CXAI_DOUBLE)
    return _mm_min_ps(high, _mm_max_ps(low, v));
#else
    v = choose(v < low, low, v);
    return choose(v > high, high, v);
#endif
}

INLINE cxai_real clip_one(cxai_real v, cxai_real low, cxai_real high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

/* The lanes of a mask as bits, lane 0 lowest. */
INLINE unsigned mask_bits(mask m)
{
#if defined(CX_SIMD_avx512)
    return (unsigned)_mm512_movepi32_mask((__m512i)m);
#elif defined(CX_SIMD_avx2)
    return (unsigned)_mm256_movemask_ps((__m256)m);
#elif defined(__SSE2__) && !defined(CXAI_DOUBLE)
    return (unsigned)_mm_movemask_ps((__m128)m);
#else
    unsigned bits = 0;
    for (unsigned i = 0; i < LANES; i++)
        bits |= (unsigned)(m[i] & 1) << i;
    return bits;
#endif
}

/* The mask whose lanes are the lowest LANES bits. */
INLINE mask bits_mask(unsigned bits)
{
    mask place, spread = (lane_int)bits - (mask){ 0 };
    for (int i = 0; i < LANES; i++)
        place[i] = (lane_int)1 << i;
    return (spread & place) != 0;
}

#endif
