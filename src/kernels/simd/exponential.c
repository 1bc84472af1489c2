/* Rows of exp, tanh, the error function, the logistic function and what is
   made of them. All but the logistic function are loops that the compiler turns
   into vectors. */
#include "kernels/simd/level.h"
#include "kernels/simd/logistic.h"

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

void LEVEL(cx_error_function)(cxai_real *y, const cxai_real *x, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_erf(x[i]);
}

void LEVEL(cx_gelu_row)(cxai_real *y, const cxai_real *x, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_gelu(x[i]);
}

void LEVEL(cx_gelu_gradient)(cxai_real *dx, const cxai_real *x,
                             const cxai_real *dy, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        dx[i] = dy[i] * cx_gelu_slope(x[i]);
}

void LEVEL(cx_sigmoid_row)(cxai_real *y, const cxai_real *x, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        store(y + i, sigmoid(load(x + i)));
    for (; i < count; i++)
        y[i] = cx_sigmoid(x[i]);
}

INLINE void swish_row(cxai_real *y, const cxai_real *x, int64_t count)
{
    int64_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        vector v = load(x + i), w = load(x + i + LANES);
        store(y + i, v * sigmoid(v));
        store(y + i + LANES, w * sigmoid(w));
    }
    if (i + LANES <= count) {
        vector v = load(x + i);
        store(y + i, v * sigmoid(v));
        i += LANES;
    }
    for (; i < count; i++)
        y[i] = cx_swish(x[i]);
}

void LEVEL(cx_swish_row)(cxai_real *y, const cxai_real *x, int64_t count)
{
    swish_row(y, x, count);
}

void LEVEL(cx_swish_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                          int64_t columns)
{
    for (int i = 0; i < rows; i++)
        swish_row(y + y_offset[i], y + y_offset[i], columns);
}

void LEVEL(cx_swish_gradient)(cxai_real *dx, const cxai_real *x,
                              const cxai_real *dy, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector v = load(x + i), s = sigmoid(v);
        store(dx + i, load(dy + i) * (s + v * s * (1 - s)));
    }
    for (; i < count; i++)
        dx[i] = dy[i] * cx_swish_slope(x[i]);
}
