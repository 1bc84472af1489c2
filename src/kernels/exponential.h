/*
 * exp, tanh and the logistic function as straight-line code, so that a loop
 * over them is vectorised. In the double build they are libm's.
 *
 * The polynomials are weighted minimax fits; errors were measured against
 * double precision over all floats: exp <= 1 ulp, tanh <= 1.5 ulp, sigmoid
 * <= 2.5 ulp (of normal results).
 */
#ifndef CX_KERNELS_EXPONENTIAL_H
#define CX_KERNELS_EXPONENTIAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cxai/tensor.h"

#ifdef CXAI_DOUBLE

static inline double cx_exp(double x)
{
    return exp(x);
}

static inline double cx_tanh(double x)
{
    return tanh(x);
}

#else

static inline float cx_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* exp(x) = 2^n exp(r), |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to an integer,
   which then stands in the low bits. 2^n is applied as two factors: n may lie
   below the smallest or above the greatest exponent. */
static inline float cx_exp(float x)
{
    const float shift = 12582912.0F; /* 1.5 * 2^23 */
    x = x < -105.0F ? -105.0F : x;
    x = x > 89.0F ? 89.0F : x;
    float shifted = x * 1.44269504F + shift;
    float n = shifted - shift;
    float r = x - n * 0.693359375F; /* ln 2 in two parts */
    r = r + n * 2.12194440e-4F;
    float p = 1.381446685e-03F;
    p = p * r + 8.368780418e-03F;
    p = p * r + 4.166839422e-02F;
    p = p * r + 1.666652011e-01F;
    p = p * r + 4.999999341e-01F;
    p = p * (r * r) + r;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint32_t biased = bits - 0x4B400000U + 256U; /* n + 256, positive */
    uint32_t half = biased >> 1;
    float low = cx_float_of_bits((half - 1U) << 23); /* 2^(half - 128) */
    float high = cx_float_of_bits((biased - half - 1U) << 23);
    return (p + 1.0F) * low * high;
}

static inline float cx_tanh(float x)
{
    float a = fabsf(x), z = x * x;
    float p = -5.717044954e-03F;
    p = p * z + 2.065058722e-02F;
    p = p * z - 5.374349806e-02F;
    p = p * z + 1.333149129e-01F;
    p = p * z - 3.333328393e-01F;
    float small = a + a * z * p;
    float large = 1.0F - 2.0F / (cx_exp(2.0F * a) + 1.0F);
    return copysignf(a < 0.625F ? small : large, x);
}

#endif

static inline cxai_real cx_sigmoid(cxai_real x)
{
    return 1 / (1 + cx_exp(-x));
}

#endif
