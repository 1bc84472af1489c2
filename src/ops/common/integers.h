/* Arithmetic on constants of integers, in the form that cx_fold_integers takes
   (fold.h): -1 where the result is not defined. */
#ifndef CX_OPS_COMMON_INTEGERS_H
#define CX_OPS_COMMON_INTEGERS_H

#include <stdint.h>

/* These wrap as two's complement does. */
int cx_add_integers(int64_t a, int64_t b, int64_t *y);
int cx_subtract_integers(int64_t a, int64_t b, int64_t *y);
int cx_multiply_integers(int64_t a, int64_t b, int64_t *y);

/* Truncates towards 0. */
int cx_divide_integers(int64_t a, int64_t b, int64_t *y);

int cx_raise_integers(int64_t a, int64_t b, int64_t *y);

/* With the sign of a, with that of b. */
int cx_remainder_truncated_integers(int64_t a, int64_t b, int64_t *y);
int cx_remainder_floored_integers(int64_t a, int64_t b, int64_t *y);

#endif
