/* The logistic function of a vector. */
#ifndef CX_KERNELS_SIMD_LOGISTIC_H
#define CX_KERNELS_SIMD_LOGISTIC_H

#include "kernels/exponential.h"
#include "kernels/simd/vector.h"

/* cx_sigmoid of every lane, with the same roundings. */
INLINE vector sigmoid(vector x)
{
#ifdef CXAI_DOUBLE
    for (int i = 0; i < LANES; i++)
        x[i] = cx_sigmoid(x[i]);
    return x;
#else
    typedef uint32_t words_of_bits __attribute__((vector_size(VECTOR_BYTES)));
    vector shift = fill(CX_EXP_SHIFT);
    x = clip(-x, fill(CX_EXP_LEAST), fill(CX_EXP_MOST));
    vector shifted = x * CX_LOG2_E + shift, n = shifted - shift;
    vector r = x - n * CX_LN2_HIGH;
    r = r + n * CX_LN2_REST;
    vector p = fill(CX_EXP_6);
    p = p * r + CX_EXP_5;
    p = p * r + CX_EXP_4;
    p = p * r + CX_EXP_3;
    p = p * r + CX_EXP_2;
    p = p * (r * r) + r;
    vector scale = (vector)(((words_of_bits)shifted << 23) + 0x3F800000U);
    return 1 / (1 + (p * scale + scale));
#endif
}

#endif
