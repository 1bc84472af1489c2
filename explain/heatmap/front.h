/* The part of a network before its first non-linearity: an affine map of the
   picture, such as the first convolution. Where gradients are summed over many
   pictures, their sum is carried through it once. */
#ifndef CXAI_HEATMAP_FRONT_H
#define CXAI_HEATMAP_FRONT_H

#include "cxai/heatmap.h"

/* The last value up to which the network is an affine map of the input, and by
   which alone the input reaches the target; the input where no convolution lies
   between. */
int cx_front_value(const cxai_heatmap_call *call);

/* sums[target][input's numbers] = numbers[target][the front value's], gradients
   there, carried back to the input. */
cxai_status cx_front_pull(const cxai_heatmap_call *call, int value,
                          const double *numbers, double *sums,
                          cxai_error *error);

#endif
