/*
 * Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015),
 * algorithm 1 with its default betas and epsilon, the sign turned round.
 */
#include "adam.h"

#include <math.h>

#define BETA_1 0.9
#define BETA_2 0.999
#define EPSILON 1e-8

static cxai_real root(cxai_real v)
{
#ifdef CXAI_DOUBLE
    return sqrt(v);
#else
    return sqrtf(v);
#endif
}

void cx_adam_step(const cx_adam *adam, int step, double rate, size_t count,
                  const cxai_real *gradient, cxai_real *parameters)
{
    cxai_real *restrict mean = adam->mean, *restrict square = adam->square;
    const cxai_real keep_1 = (cxai_real)BETA_1, new_1 = (cxai_real)(1 - BETA_1);
    const cxai_real keep_2 = (cxai_real)BETA_2, new_2 = (cxai_real)(1 - BETA_2);
    const cxai_real size = (cxai_real)(rate / (1 - pow(BETA_1, step)));
    const cxai_real unbias = (cxai_real)(1 / sqrt(1 - pow(BETA_2, step)));

    for (size_t i = 0; i < count; i++) {
        cxai_real g = gradient[i];
        mean[i] = keep_1 * mean[i] + new_1 * g;
        square[i] = keep_2 * square[i] + new_2 * g * g;
        parameters[i] +=
            size * mean[i] / (root(square[i]) * unbias + (cxai_real)EPSILON);
    }
}
