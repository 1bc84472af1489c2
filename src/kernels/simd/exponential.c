/* Rows of exp, tanh and the logistic function, which the compiler turns into
   vectors. */
#include "kernels/exponential.h"
#include "kernels/simd/level.h"

void LEVEL(cx_exponential)(cxai_real *y, const cxai_real *x, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_exp(x[i]);
}

void LEVEL(cx_hyperbolic_tangent)(cxai_real *y, const cxai_real *x,
                                  int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_tanh(x[i]);
}

void LEVEL(cx_sigmoid_row)(cxai_real *y, const cxai_real *x, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_sigmoid(x[i]);
}
