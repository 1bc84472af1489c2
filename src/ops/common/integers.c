#include "ops/common/integers.h"

int cx_add_integers(int64_t a, int64_t b, int64_t *y)
{
    *y = (int64_t)((uint64_t)a + (uint64_t)b);
    return 0;
}

int cx_subtract_integers(int64_t a, int64_t b, int64_t *y)
{
    *y = (int64_t)((uint64_t)a - (uint64_t)b);
    return 0;
}

int cx_multiply_integers(int64_t a, int64_t b, int64_t *y)
{
    *y = (int64_t)((uint64_t)a * (uint64_t)b);
    return 0;
}

int cx_divide_integers(int64_t a, int64_t b, int64_t *y)
{
    if (b == 0 || (b == -1 && a == INT64_MIN))
        return -1;
    *y = a / b;
    return 0;
}

int cx_raise_integers(int64_t a, int64_t b, int64_t *y)
{
    if (b < 0)
        return -1;
    uint64_t base = (uint64_t)a, result = 1;
    for (; b > 0; b >>= 1, base *= base)
        if (b & 1)
            result *= base;
    *y = (int64_t)result;
    return 0;
}

int cx_remainder_truncated_integers(int64_t a, int64_t b, int64_t *y)
{
    if (b == 0)
        return -1;
    *y = b == -1 ? 0 : a % b;
    return 0;
}

int cx_remainder_floored_integers(int64_t a, int64_t b, int64_t *y)
{
    if (cx_remainder_truncated_integers(a, b, y) != 0)
        return -1;
    if (*y != 0 && (*y < 0) != (b < 0))
        *y += b;
    return 0;
}
