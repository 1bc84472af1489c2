/* Sums over pixels for each channel: gradients of biases, of scales and of
   depthwise weights. */
#ifndef CX_OPS_COMMON_CHANNEL_SUM_H
#define CX_OPS_COMMON_CHANNEL_SUM_H

#include <stdint.h>

#include "cxai/tensor.h"

enum { CX_CHANNEL_RUN = 64 };

/* sum[c] += a[p*a_pixel + c] * b[p*b_pixel + c] for channels
   c < CX_CHANNEL_RUN and pixels p in ascending order; b may be NULL (1). */
void cx_channel_sum(double *sum, int64_t channels, int64_t pixels,
                    const cxai_real *a, int64_t a_pixel, const cxai_real *b,
                    int64_t b_pixel);

/* The same over any number of channels, for sum = 0 at first. */
void cx_channel_sums(double *sum, int64_t channels, int64_t pixels,
                     const cxai_real *a, int64_t a_pixel, const cxai_real *b,
                     int64_t b_pixel, int threads);

#endif
