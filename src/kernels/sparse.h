/*
 * The gradient of a 1x1 convolution where few of the gradients that come in are
 * other than 0: the seed of one class or channel, on its way through the layer
 * that makes it. A few rows of the weights then replace the product.
 */
#ifndef CX_KERNELS_SPARSE_H
#define CX_KERNELS_SPARSE_H

#include "kernels/convolve.h"

/* As cx_convolve, without clipping or swish; what is 0 in x adds nothing,
   whatever the weight. Returns 0, having done nothing, where this is another
   kind of convolution or too much of x is not 0. */
int cx_convolve_sparse(const cx_kernels *kernels, const cx_convolution *c,
                       int threads);

#endif
