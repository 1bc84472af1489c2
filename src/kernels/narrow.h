/*
 * Convolutions to few channels, as the gradients of pictures are: each output
 * is a dot product, whose vectors run over input channels, where panels would
 * be mostly empty.
 */
#ifndef CX_KERNELS_NARROW_H
#define CX_KERNELS_NARROW_H

#include "kernels/convolve.h"

/* Whether that is faster. Looks at groups, depth and columns alone. */
int cx_narrow_fits(const cx_convolution *c);

/* Bytes of weights: a row of biases, then for each tap and column a row of
   depth; or SIZE_MAX. */
size_t cx_narrow_packed_bytes(const cx_weights *weights);
void cx_narrow_pack(const cx_weights *weights, cxai_real *packed);

size_t cx_narrow_workspace(const cx_kernels *kernels, const cx_convolution *c,
                           int threads);
void cx_narrow_convolve(const cx_kernels *kernels, const cx_convolution *c,
                        int threads, void *workspace);

#endif
