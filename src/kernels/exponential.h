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

static inline double cx_exp_bounded(double x)
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

#define CX_EXP_SHIFT 12582912.0F /* 1.5 * 2^23 */
#define CX_EXP_LEAST -88.0F
#define CX_EXP_MOST 89.0F
#define CX_LOG2_E 1.44269504F
#define CX_LN2_HIGH 0.693359375F /* ln 2 = HIGH - REST */
#define CX_LN2_REST 2.12194440e-4F
#define CX_EXP_2 4.999999341e-01F
#define CX_EXP_3 1.666652011e-01F
#define CX_EXP_4 4.166839422e-02F
#define CX_EXP_5 8.368780418e-03F
#define CX_EXP_6 1.381446685e-03F

/* exp(x - n ln(2)) - 1, n being the integer next to x / ln(2). */
static inline float cx_exp_rest(float x, float n)
{
    float r = x - n * CX_LN2_HIGH;
    r = r + n * CX_LN2_REST;
    float p = CX_EXP_6;
    p = p * r + CX_EXP_5;
    p = p * r + CX_EXP_4;
    p = p * r + CX_EXP_3;
    p = p * r + CX_EXP_2;
    return p * (r * r) + r;
}

/* exp(x) = 2^n exp(r), |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to an integer,
   which then stands in the low bits. 2^n is applied as two factors: n may lie
   below the smallest or above the greatest exponent. */
static inline float cx_exp(float x)
{
    const float shift = CX_EXP_SHIFT;
    x = x < -105.0F ? -105.0F : x;
    x = x > 89.0F ? 89.0F : x;
    float shifted = x * CX_LOG2_E + shift;
    float p = cx_exp_rest(x, shifted - shift);
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint32_t biased = bits - 0x4B400000U + 256U; /* n + 256, positive */
    uint32_t half = biased >> 1;
    float low = cx_float_of_bits((half - 1U) << 23); /* 2^(half - 128) */
    float high = cx_float_of_bits((biased - half - 1U) << 23);
    return (p + 1.0F) * low * high;
}

/* exp where it is a normal number; 0 and infinity where it is not: so come out
   2^-127 and 2^128. */
static inline float cx_exp_bounded(float x)
{
    const float shift = CX_EXP_SHIFT;
    x = x < CX_EXP_LEAST ? CX_EXP_LEAST : x;
    x = x > CX_EXP_MOST ? CX_EXP_MOST : x;
    float shifted = x * CX_LOG2_E + shift;
    float p = cx_exp_rest(x, shifted - shift);
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    float scale = cx_float_of_bits((bits << 23) + 0x3F800000U);
    return p * scale + scale;
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
    return 1 / (1 + cx_exp_bounded(-x));
}

static inline cxai_real cx_swish(cxai_real x)
{
    return x * cx_sigmoid(x);
}

/* Its derivative. */
static inline cxai_real cx_swish_slope(cxai_real x)
{
    cxai_real s = cx_sigmoid(x);
    return s + x * s * (1 - s);
}

#endif
