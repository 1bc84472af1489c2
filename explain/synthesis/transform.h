/*
 * Views of a picture: turned, scaled and shifted, so that what is found does
 * not depend on single pixels.
 */
#ifndef CX_SYNTHESIS_TRANSFORM_H
#define CX_SYNTHESIS_TRANSFORM_H

#include "cxai/tensor.h"

/* The position in the picture of the view's pixel x, y, both counted from the
   centre of the upper left pixel:
   (origin[0] + across[0] x + down[0] y, origin[1] + across[1] x + ...) */
typedef struct cx_transform {
    double origin[2], across[2], down[2]; /* x, y */
} cx_transform;

/* Sizes of a picture's plane and of the view of it. The view's rows lie `line`
   numbers apart, the pixels of a row `step`. */
typedef struct cx_frame {
    int height, width, view_height, view_width;
    int64_t line, step;
} cx_frame;

/* A plane of a picture, dense, and one of the view:
   view = gain * picture + bias. */
typedef struct cx_channel {
    cxai_real *picture, *view;
    cxai_real gain, bias;
} cx_channel;

/* How a view differs from the picture, all 0: not at all. Shifts in pixels of
   the view, the scale as its difference to 1, the angle in degrees. */
typedef struct cx_change {
    double shift_x, shift_y, scale, rotation;
} cx_change;

/* A frame's view shows the whole picture, changed about its centre. */
cx_transform cx_transform_of(const cx_frame *frame, const cx_change *change);

/* Rows of pixels: [first, end). */
typedef struct cx_rows {
    int first, end;
} cx_rows;

/* Shows `count` channels of the picture (bilinear, 1/2 outside of it) in some
   rows of the view. */
void cx_transform_forward(const cx_transform *transform, const cx_frame *frame,
                          cx_rows rows, const cx_channel *channels, int count);

/* The adjoint of the linear part: d view -> d picture, overwritten, in some
   rows of the picture. Channels are of gradients; bias counts for nothing. */
void cx_transform_backward(const cx_transform *transform, const cx_frame *frame,
                           cx_rows rows, const cx_channel *channels, int count);

#endif
