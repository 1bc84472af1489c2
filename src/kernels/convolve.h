/*
 * Gather convolutions: every output pixel is a sum over taps of a row of input
 * channels times the tap's matrix. Forward convolutions and, phase by phase,
 * data gradients are of this form; strides, dilations and padding only decide
 * which pixel a tap reads. Three spatial axes: depth, height, width.
 */
#ifndef CX_KERNELS_CONVOLVE_H
#define CX_KERNELS_CONVOLVE_H

#include "kernels/panels.h"

typedef struct cx_convolution {
    int64_t batch;
    int64_t in[3], out[3]; /* pixels along each axis */
    int64_t step[3];       /* input pixels from an output pixel to the next */
    int64_t taps;
    const cx_tap *tap;
    int64_t groups;
    int64_t depth, columns; /* input and output channels of a group */

    const cxai_real *x;
    int64_t x_pixel; /* reals from a pixel to the next; they lie in order */
    int64_t ring;    /* of a depthwise one, unless 0: x holds this many lines,
                        line i of the picture at i % ring */
    int scales;      /* of one of a single tap: x is multiplied by */
    const cxai_real *factor; /* batch,channels of all groups */
    cxai_real *y;
    int64_t y_stride[4];       /* reals along batch, depth, height, width */
    const cxai_real *residual; /* as y, or NULL */
    const cxai_real *weights;  /* panels of each group in turn, or for a
                                  depthwise convolution rows, see there */
    int tile; /* Winograd's: 4 or 2 outputs along an axis; 0: not that way */
    int64_t turned; /* unless 0: the weights are those of the convolution whose
                       gradient this is, the cells of whose kernel are this
                       many taps in their order; see turn.h */
    cxai_real low, high;
    int swish; /* applied then: v * sigmoid(v) */
    /* applied last: 0 where the bit of an element is 0; NULL: all are kept */
    const uint8_t *mask;
    const cxai_real *mask_start; /* the element of y that bit 0 stands for */
} cx_convolution;

int64_t cx_pixel_count(const cx_convolution *c);

/* Applies the mask to `rows` finished rows of y. */
void cx_convolve_mask(const cx_kernels *kernels, const cx_convolution *c,
                      cxai_real *y, const int64_t *y_offset, int rows,
                      int64_t columns);

/* Applies what follows the clipping to `rows` finished rows of y. */
void cx_convolve_finish(const cx_kernels *kernels, const cx_convolution *c,
                        cxai_real *y, const int64_t *y_offset, int rows,
                        int64_t columns);

/* Bytes of workspace for either function, or SIZE_MAX. */
size_t cx_convolve_workspace(const cx_kernels *kernels, const cx_convolution *c,
                             int threads);

void cx_convolve(const cx_kernels *kernels, const cx_convolution *c,
                 int threads, void *workspace);

/* One input channel for each output channel: depth and columns are 1. weights
   is a row of biases, then a row of channels for each tap. */
void cx_convolve_depthwise(const cx_kernels *kernels, const cx_convolution *c,
                           int threads, void *workspace);

#endif
