/*
 * Winograd's convolution F(4x4, 3x3): 4x4 outputs of a 3x3 kernel of step 1
 * cost 36 multiplications instead of 144; and F(2x2, 3x3): 2x2 cost 16 instead
 * of 36,
 *
 *     y = A^T [ (G g G^T) * (B^T d B) ] A
 *
 * (Lavin and Gray, "Fast algorithms for convolutional neural networks",
 * CVPR 2016). The interpolation points of the larger tiles are 0, +-1/sqrt(2),
 * +-sqrt(2) and infinity: products of neighbours are 1, which keeps the
 * matrices' entries, and with them the errors, smaller than small integers do
 * (Barabasz et al., "Error analysis and improving the accuracy of Winograd
 * convolution", 2020); those of the smaller ones are 0, +-1 and infinity.
 *
 * Errors are relative to the largest numbers that a tile reads, and one
 * infinity or NaN among them makes the whole tile NaN.
 */
#ifndef CX_KERNELS_WINOGRAD_H
#define CX_KERNELS_WINOGRAD_H

#include "kernels/convolve.h"

/* Outputs of a tile along an axis, 4 or 2, if a convolution can be done this
   way and is faster so, else 0; many: larger ones also where the weights, four
   times those of the kernel, are read for the tiles of several pictures. Looks
   at everything but batch and pointers, so that a picture's bits do not depend
   on its company. The others want the answer in c->tile. */
int cx_winograd_choose(const cx_convolution *c, int many);

/* Bytes of the weights' panels, or SIZE_MAX. */
size_t cx_winograd_packed_bytes(const cx_kernels *kernels,
                                const cx_convolution *c);
/* weights: those of the convolution, its taps included. */
void cx_winograd_pack(const cx_kernels *kernels, int tile,
                      const cx_weights *weights, int threads,
                      cxai_real *packed);

size_t cx_winograd_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads);
void cx_winograd_convolve(const cx_kernels *kernels, const cx_convolution *c,
                          int threads, void *workspace);

#endif
