/*
 * exp, tanh, the logistic and the error function as straight-line code, so that
 * a loop over them is vectorised. In the double build they are libm's.
 *
 * The polynomials are weighted minimax fits; errors were measured against
 * double precision over all floats: exp <= 1 ulp, tanh <= 1.5 ulp, sigmoid
 * <= 2.5 ulp, erf <= 1.5 ulp (of normal results). The normal distribution is
 * off by 8 ulp above -3; farther out the rounding of x^2 shows, 20 ulp at -5.
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

static inline double cx_erf(double x)
{
    return erf(x);
}

static inline double cx_normal_distribution(double x)
{
    return 0.5 * erfc(-0.70710678118654752 * x);
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

/* erfc(a) for a >= 0 and exp(-a^2): t P(t) exp(-a^2), t = 1 / (1 + a/2), the
   form of Abramowitz and Stegun 7.1.26 with more terms. */
static inline float cx_erfc_above_0(float a, float exp_minus_square)
{
    float t = 1.0F / (1.0F + 0.5F * a);
    float p = 9.435772615e-03F;
    p = p * t - 1.081923096e-01F;
    p = p * t + 3.945866360e-01F;
    p = p * t - 6.258465369e-01F;
    p = p * t + 3.860512282e-01F;
    p = p * t - 8.032414123e-02F;
    p = p * t + 2.196723018e-01F;
    p = p * t + 2.398200395e-01F;
    p = p * t + 2.827263493e-01F;
    p = p * t + 2.820706362e-01F;
    return p * t * exp_minus_square;
}

static inline float cx_erf(float x)
{
    float a = fabsf(x), z = x * x;
    float p = 8.185093866e-05F;
    p = p * z - 8.097703572e-04F;
    p = p * z + 5.196952108e-03F;
    p = p * z - 2.685770511e-02F;
    p = p * z + 1.128366400e-01F;
    p = p * z - 3.761263161e-01F;
    p = p * z + 1.283791661e-01F;
    float large = copysignf(1.0F - cx_erfc_above_0(a, cx_exp(-z)), x);
    return a < 0.95F ? x * p + x : large;
}

/* The share of a normal distribution below x. */
static inline float cx_normal_distribution(float x)
{
    float a = fabsf(x);
    float tail =
        0.5F * cx_erfc_above_0(0.707106781F * a, cx_exp(-0.5F * (x * x)));
    return x < 0 ? tail : 1.0F - tail;
}

#endif

static inline cxai_real cx_sigmoid(cxai_real x)
{
    return 1 / (1 + cx_exp_bounded(-x));
}

/* Hendrycks and Gimpel 2016 (arXiv 1606.08415), section 2. */
static inline cxai_real cx_gelu(cxai_real x)
{
    return x * cx_normal_distribution(x);
}

static inline cxai_real cx_gelu_slope(cxai_real x)
{
    const cxai_real root = (cxai_real)0.39894228040143268; /* 1/sqrt(2 pi) */
    cxai_real density = root * cx_exp((cxai_real)-0.5 * (x * x));
    return cx_normal_distribution(x) + x * density;
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
