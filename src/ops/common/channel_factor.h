/* Products of a picture with a number for each of its channels, as
   squeeze-and-excitation makes them: rows of channels times a row of factors,
   without a walk over broadcast axes. */
#ifndef CX_OPS_COMMON_CHANNEL_FACTOR_H
#define CX_OPS_COMMON_CHANNEL_FACTOR_H

#include "ops/operator.h"

/* Whether `factor` is one number for each picture and channel of `whole`
   (N,C,1,.. against N,C,H,..) and both have their channels in a row. */
int cx_is_channel_factor(const cxai_tensor *whole, const cxai_tensor *factor);

/* out = whole * factor; out lies as whole. */
void cx_multiply_channels(const cx_case *c, const cxai_tensor *whole,
                          const cxai_tensor *factor, const cxai_tensor *out);

/* out[n,c] = sum over pixels of a * b, which lie alike; out as a factor. */
void cx_sum_channels(const cx_case *c, const cxai_tensor *a,
                     const cxai_tensor *b, const cxai_tensor *out);

#endif
