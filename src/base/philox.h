/* Philox 4x32-10: four random words from a counter and a key. */
#ifndef CX_BASE_PHILOX_H
#define CX_BASE_PHILOX_H

#include <stdint.h>

void cx_philox(const uint32_t counter[4], const uint32_t key[2],
               uint32_t out[4]);

#endif
