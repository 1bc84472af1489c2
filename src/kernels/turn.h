/*
 * The weights of a convolution's gradient, made panel by panel of the packed
 * weights of the convolution itself while they are used: the same numbers with
 * depth and columns exchanged, so that a network's weights are not kept twice.
 *
 * For convolutions with `turned` set (kernels/convolve.h).
 */
#ifndef CX_KERNELS_TURN_H
#define CX_KERNELS_TURN_H

#include "kernels/convolve.h"

/* Fills panels [from, to) of a group, one behind the other, their biases being
   0. */
void cx_turn_panels(const cx_kernels *kernels, const cx_convolution *c,
                    int64_t group, int64_t from, int64_t to, cxai_real *panels);

/* Panels that are worth turning at once. */
int64_t cx_turned_panels(const cx_kernels *kernels, const cx_convolution *c);

/*
 * The same for one point of panel p of Winograd's convolution
 * (kernels/winograd.h). The gradient's kernel is the mirrored one. At a point a
 * it is a^2 times the kernel at 1/a, and the points are 0, +-1/sqrt(2),
 * +-sqrt(2) and infinity, or 0, +-1 and infinity: mirroring exchanges them and
 * multiplies by powers of two.
 */
void cx_turn_point(const cx_kernels *kernels, const cx_convolution *c,
                   int64_t p, int point, cxai_real *panel);

/*
 * Whether a product of a point with so many rows is done faster by the kernel
 * product_turned, from the packed weights as they lie, than with a panel that
 * is turned first: that costs as much for few rows as for many.
 */
int cx_turn_point_fits(const cx_kernels *kernels, const cx_convolution *c,
                       int64_t rows);

/* Fills a tile's columns, depth, panel, stride and scale for one point of
   panel p. */
void cx_turn_point_tile(const cx_kernels *kernels, const cx_convolution *c,
                        int64_t p, int point, cx_turned_tile *tile);

#endif
