/*
 * Two convolutions of which the second, a depthwise one, reads the first, a
 * pointwise one, while its lines are still in the cache: each thread keeps the
 * few lines between them in a ring of its own, and what lies between them is
 * never in memory as a whole. The results have the same bits as one after the
 * other.
 */
#ifndef CX_KERNELS_STREAM_H
#define CX_KERNELS_STREAM_H

#include "kernels/convolve.h"

/* Whether two convolutions can be done so, and are faster so. Looks at
   everything but pointers. */
int cx_stream_fits(const cx_convolution *first, const cx_convolution *second);

/* Bytes of workspace, or SIZE_MAX. */
size_t cx_stream_workspace(const cx_kernels *kernels,
                           const cx_convolution *first,
                           const cx_convolution *second, int threads);

/* first: without y; second: without x. */
void cx_stream(const cx_kernels *kernels, const cx_convolution *first,
               const cx_convolution *second, int threads, void *workspace);

#endif
