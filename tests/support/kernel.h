/*
 * What the tests of kernels share: numbers, buffers with guards, bounds.
 *
 * A sum of n products in any order, in floating point with unit roundoff u,
 * is within n u of the exact one relative to the sum of the products'
 * magnitudes (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1);
 * references are computed in double together with that sum.
 */
#ifndef TEST_SUPPORT_KERNEL_H
#define TEST_SUPPORT_KERNEL_H

#include "kernels/kernels.h"

/* A number in -1..1, different for each index, the same in every run. */
cxai_real kernel_number(int64_t index);

/* count such numbers that begin one real behind an aligned address; nothing
   readable follows them under a sanitizer. free() ends what *block gets. */
cxai_real *kernel_numbers(int64_t count, int64_t first_index, void **block);

/* An output of count reals with a guard before and behind. All of it is a
   pattern at first. */
typedef struct guarded {
    cxai_real *data;
    void *block;
    int64_t count;
} guarded;

guarded guarded_create(int64_t count);

/* 1 when element i, -GUARD <= i < count + GUARD, still is the pattern. */
enum { GUARD = 32 };
int guarded_is_untouched(const guarded *g, int64_t i);

/* Fails the test unless the guards are as they were; then frees. */
void guarded_end(guarded *g);

/* A reference value: exact sum, sum of magnitudes, number of terms. */
typedef struct exact {
    double sum, magnitude;
    int64_t terms;
} exact;

void exact_add(exact *e, double a, double b);

/* Fails the test unless got is the sum, clipped, within the bound. */
void exact_check(const exact *e, double low, double high, cxai_real got,
                 const char *level, const char *what);

#endif
