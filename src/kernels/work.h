/* Cutting work into pieces for threads. */
#ifndef CX_KERNELS_WORK_H
#define CX_KERNELS_WORK_H

#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Multiply-adds that one thread does faster than several. */
enum { CX_SMALL_WORK = 20000 };

static inline int64_t cx_minimum(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t cx_maximum(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* a / b rounded up, a >= 0, b > 0. */
static inline int64_t cx_ceiling(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static inline int cx_thread_number(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

#endif
