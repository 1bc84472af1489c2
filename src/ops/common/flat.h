/* Flat loops over many elements, cut into chunks for threads. */
#ifndef CX_OPS_COMMON_FLAT_H
#define CX_OPS_COMMON_FLAT_H

#include <stdint.h>

/* A multiple of 8: chunks do not share a byte of a mask. */
enum { CX_FLAT_CHUNK = 8 << 10 };

/* One thread for work too small to be worth waking others. */
static inline int cx_flat_threads(int threads, int64_t elements)
{
    return elements >= 2 * CX_FLAT_CHUNK ? threads : 1;
}

/* Elements of the chunk that begins at element start of count. */
static inline int64_t cx_flat_length(int64_t start, int64_t count)
{
    return count - start < CX_FLAT_CHUNK ? count - start : CX_FLAT_CHUNK;
}

#endif
