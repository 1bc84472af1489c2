/*
 * A session of a network small enough to compute by hand:
 *
 *   x [1,2,2,2] -> Conv 1x1 "c" -> Relu "r" -> Add x "a" -> Relu "s"
 *     -> GlobalAveragePool "g" -> Flatten "f" -> Gemm "y" [1,2]
 *
 *   x = 1 2 3 4 | 4 3 2 1          c = x0 - x1, 2 x0
 *   r = 0 0 1 3 | 2 4 6 8          a = s = 1 2 4 7 | 6 7 8 9
 *   g = 3.5, 7.5                   y = g0, g0 - g1 + 1 = 3.5, -3
 *
 * All numbers are small multiples of 1/4, exact in binary.
 */
#ifndef TEST_SUPPORT_TINY_H
#define TEST_SUPPORT_TINY_H

#include "cxai/session.h"

typedef struct tiny {
    cxai_model *model;
    cxai_session *session; /* gradient of y at x, one thread */
    cxai_error error;
    int x, c, r, y;
} tiny;

extern const cxai_real tiny_picture[8];
/* That of y1, and its gradient at x. */
extern const cxai_real tiny_seed[2];
extern const double tiny_gradient[8];

/* For cmocka; *state is a tiny. */
int tiny_set_up(void **state);
int tiny_tear_down(void **state);

/* A session as that of `t`, which watches values too. */
cxai_session *tiny_session(tiny *t, const int *watch, int count);

/* Forward, and backward from tiny_seed. */
void tiny_run(tiny *t);

void tiny_check_value(tiny *t, int value, const double *want, int count);
void tiny_check_gradient(tiny *t, int value, const double *want, int count);

/* Runs; the result is the one that nobody has changed. */
void tiny_check_plain(tiny *t);

#endif
