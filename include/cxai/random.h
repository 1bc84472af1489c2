/*
 * Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Number `index` of
 * stream `stream` of seed `seed` is a pure function of the three, so results
 * do not depend on threads, batches or the order of calls.
 */
#ifndef CXAI_RANDOM_H
#define CXAI_RANDOM_H

#include "cxai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 32 random bits. */
CXAI_API uint32_t cxai_random_bits(uint64_t seed, uint32_t stream,
                                   uint64_t index);

/* Uniform in [0, 1), a multiple of 2^-24. */
CXAI_API double cxai_random_uniform(uint64_t seed, uint32_t stream,
                                    uint64_t index);

/* Standard normal (Box-Muller). */
CXAI_API double cxai_random_normal(uint64_t seed, uint32_t stream,
                                   uint64_t index);

/* out[i] = cxai_random_normal(seed, stream, first + i), i < count, in less
   time. */
CXAI_API void cxai_random_normals(uint64_t seed, uint32_t stream,
                                  uint64_t first, size_t count, double *out);

#ifdef __cplusplus
}
#endif
#endif
