/* Sizes in bytes that stay at SIZE_MAX once they overflow, so that a sum of
   products is checked by one comparison at its end: nothing that large can be
   allocated. */
#ifndef CX_BASE_SIZE_H
#define CX_BASE_SIZE_H

#include <stddef.h>
#include <stdint.h>

static inline size_t cx_size_times(size_t a, size_t b)
{
    return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

static inline size_t cx_size_plus(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/* Rounded up to a cache line of 64 bytes. */
static inline size_t cx_size_line(size_t a)
{
    return a > SIZE_MAX - 63 ? SIZE_MAX : (a + 63) / 64 * 64;
}

#endif
