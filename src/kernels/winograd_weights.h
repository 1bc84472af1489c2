/* What the two halves of Winograd's convolution share: the taps of a 3x3 kernel
   by their place, and how transformed weights lie. */
#ifndef CX_KERNELS_WINOGRAD_WEIGHTS_H
#define CX_KERNELS_WINOGRAD_WEIGHTS_H

#include "kernels/winograd.h"

enum { CX_SQUARE_SIDE = 3 };

/* number[3*i + j] is the tap that reads i rows and j columns from the first
   pixel that any tap reads. */
typedef struct cx_square {
    int64_t first[2];
    int64_t number[CX_SQUARE_SIDE * CX_SQUARE_SIDE];
} cx_square;

/* Fills *s; 0 when the taps are no square of 3x3 neighbours. */
int cx_find_square(const cx_tap *tap, int64_t taps, cx_square *s);

/* Reals of one point's panel. Panels lie one behind the other, each with all
   its points; a row of biases ends them. */
int64_t cx_winograd_matrix(const cx_kernels *kernels, int64_t depth);

#endif
