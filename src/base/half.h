/* 16-bit floating point, as files hold it. */
#ifndef CX_BASE_HALF_H
#define CX_BASE_HALF_H

#include <stdint.h>

/* The value of IEEE 754 binary16 bits; exact. */
float cx_half_to_float(uint16_t bits);

/* The value of bfloat16 bits, the upper half of a binary32; exact. */
float cx_bfloat_to_float(uint16_t bits);

#endif
