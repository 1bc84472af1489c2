/*
 * Fast Fourier transform of many columns at once, in lengths whose prime
 * factors are 2, 3, 5 and 7.
 */
#ifndef CX_SYNTHESIS_FFT_H
#define CX_SYNTHESIS_FFT_H

#include "cxai/tensor.h"

#define CX_FFT_MAX_STAGES 16

typedef struct cx_fft {
    int length;
    int stages;
    int radix[CX_FFT_MAX_STAGES];
    cxai_real *cosine, *sine; /* of 2 pi k / length, k = 0 .. length-1 */
} cx_fft;

/* Real and imaginary parts, each length x columns, row-major. */
typedef struct cx_complex {
    cxai_real *re, *im;
} cx_complex;

/* The smallest length >= at_least that can be transformed. */
int cx_fft_length(int at_least);

/* length must be one that can be transformed. Returns 0, or -1 when there is
   no memory. */
int cx_fft_init(cx_fft *fft, int length);
void cx_fft_free(cx_fft *fft);

/*
 * Transforms each column, unscaled: y[k] = sum_j x[j] exp(sign 2 pi i jk / n).
 * sign is +1 or -1. The result is in *data; *data and *scratch, of the same
 * size, may have changed places.
 */
void cx_fft_columns(const cx_fft *fft, int sign, int columns, cx_complex *data,
                    cx_complex *scratch);

#endif
