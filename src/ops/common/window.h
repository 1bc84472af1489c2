/* The windows of convolutions and pools: kernel, stride, dilation and padding
   along one to three spatial axes. Absent axes come first and have size 1:
   a picture is one plane deep, a sequence one line high. */
#ifndef CX_OPS_COMMON_WINDOW_H
#define CX_OPS_COMMON_WINDOW_H

#include "ops/operator.h"

typedef struct cx_window_axis {
    int64_t in, out; /* pixels */
    int64_t kernel, stride, dilation;
    int64_t before, after; /* padding */
} cx_window_axis;

typedef struct cx_window {
    int64_t batch;
    int rank; /* spatial axes that the tensors have, 1..3 */
    cx_window_axis axis[3];
} cx_window;

/* Where the kernel's size comes from, and how the output's is rounded. */
typedef struct cx_window_options {
    const int64_t *kernel; /* spatial axes, or NULL: attribute kernel_shape */
    int ceil_mode;         /* round up, but begin no window in the padding */
} cx_window_options;

/* Reads strides, pads, dilations, auto_pad and kernel_shape for x_shape[0],
   checks them and computes the output's pixels. */
cxai_status cx_window_read(const cx_case *c, const cx_window_options *options,
                           cx_window *window);

/* The same of a transposed convolution, whose output is the window's input and
   the other way round: x_shape[0] has the window's output pixels, and the
   input's follow (also from output_padding and output_shape). */
cxai_status cx_window_read_transposed(const cx_case *c, const int64_t *kernel,
                                      cx_window *window);

/* A window that covers the whole input. */
cxai_status cx_window_whole(const cx_case *c, cx_window *window);

/* The shape of batch, channels and the window's output or input pixels. */
cxai_shape cx_window_output(const cx_window *window, int64_t channels);
cxai_shape cx_window_input(const cx_window *window, int64_t channels);

int64_t cx_window_cells(const cx_window *window);

/* Cells of one axis, [*from, *to), that output pixel o reads inside the
   input; none: *from == *to. */
void cx_window_inside(const cx_window_axis *axis, int64_t o, int64_t *from,
                      int64_t *to);

/* Reals from a pixel to the next of a channels-last tensor; its pixels lie in
   order behind each other. */
int64_t cx_pixel_stride(const cxai_tensor *tensor);

#endif
