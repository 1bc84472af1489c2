#include "base/narrow.h"

#include <math.h>
#include <stddef.h>

static const cx_narrow formats[] = {
    { 17, 4, 3, 7, CX_LAST_IS_NAN, 448 },      /* float8e4m3fn */
    { 18, 4, 3, 8, CX_MINUS_IS_NAN, 240 },     /* float8e4m3fnuz */
    { 19, 5, 2, 15, CX_LIKE_IEEE, 57344 },     /* float8e5m2 */
    { 20, 5, 2, 16, CX_MINUS_IS_NAN, 57344 },  /* float8e5m2fnuz */
    { 23, 2, 1, 1, CX_ALL_NUMBERS, 6 },        /* float4e2m1 */
    { 24, 8, 0, 127, CX_LAST_IS_NAN, 0x1p127 } /* float8e8m0 */
};

const cx_narrow *cx_narrow_find(int code)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].code == code)
            return &formats[i];
    return NULL;
}

/* Whether there are a sign, a 0 and numbers below the least exponent: scales
   alone (float8e8m0) have none of these. */
static int is_signed(const cx_narrow *f)
{
    return f->fraction > 0;
}

/* The magnitude that a pattern without its sign stands for. */
static double magnitude_of(const cx_narrow *f, unsigned bits)
{
    unsigned fraction = bits & ((1u << f->fraction) - 1);
    unsigned exponent = bits >> f->fraction;
    unsigned top = (1u << f->exponent) - 1;
    if (f->specials == CX_LAST_IS_NAN &&
        bits == (1u << (f->exponent + f->fraction)) - 1)
        return (double)NAN;
    if (f->specials == CX_LIKE_IEEE && exponent == top)
        return fraction == 0 ? (double)INFINITY : (double)NAN;
    int subnormal = is_signed(f) && exponent == 0;
    unsigned whole = subnormal ? 0 : 1u << f->fraction;
    return ldexp((double)(whole + fraction),
                 (subnormal ? 1 : (int)exponent) - f->bias - f->fraction);
}

double cx_narrow_value(const cx_narrow *f, unsigned bits)
{
    unsigned sign = is_signed(f) ? 1u << (f->exponent + f->fraction) : 0;
    if (f->specials == CX_MINUS_IS_NAN && bits == sign)
        return (double)NAN;
    double magnitude = magnitude_of(f, bits & (sign != 0 ? sign - 1 : 255));
    return bits & sign ? -magnitude : magnitude;
}

static double overflow(const cx_narrow *f, int saturate)
{
    if (saturate || f->specials == CX_ALL_NUMBERS)
        return f->greatest;
    return f->specials == CX_LIKE_IEEE ? (double)INFINITY : (double)NAN;
}

/* A positive magnitude, not above the format's range. */
static double round_magnitude(const cx_narrow *f, double magnitude,
                              cx_narrow_mode mode)
{
    int exponent, least = (is_signed(f) ? 1 : 0) - f->bias;
    frexp(magnitude, &exponent);
    exponent = magnitude > 0 && exponent - 1 > least ? exponent - 1 : least;
    double step = ldexp(1, exponent - f->fraction);
    double steps = magnitude / step;
    steps = mode == CX_NARROW_UP     ? ceil(steps)
            : mode == CX_NARROW_DOWN ? floor(steps)
                                     : rint(steps);
    return (steps < 1 && !is_signed(f) ? 1 : steps) * step;
}

double cx_narrow_round(const cx_narrow *f, double value, int saturate,
                       cx_narrow_mode mode)
{
    if (isnan(value))
        return f->specials == CX_ALL_NUMBERS ? 0 : value;
    double magnitude = fabs(value);
    if (!(magnitude < (double)INFINITY))
        magnitude = overflow(f, saturate);
    else if (magnitude > 0 || !is_signed(f))
        magnitude = round_magnitude(f, magnitude, mode);
    if (magnitude > f->greatest)
        magnitude = overflow(f, saturate);
    if (magnitude == 0 && f->specials == CX_MINUS_IS_NAN)
        return 0;
    return is_signed(f) ? copysign(magnitude, value) : magnitude;
}
