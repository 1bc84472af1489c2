/*
 * Subnormal numbers (below 1.2e-38 in float32) cost most processors a hundred
 * times the time of others, and mean nothing to a network. While a session
 * runs they count as zero, on every thread that works for it; afterwards each
 * thread's floating-point state is what it was.
 */
#ifndef CX_BASE_SUBNORMAL_H
#define CX_BASE_SUBNORMAL_H

#include <stdint.h>

/* Begins on a team of threads; states has room for one entry a thread. */
void cx_flush_subnormals(uint64_t *states, int threads);
/* Ends on the same team. */
void cx_restore_subnormals(const uint64_t *states, int threads);

#endif
