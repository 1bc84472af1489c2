/* From unbounded, decorrelated colours to pictures in 0..1. */
#ifndef CX_SYNTHESIS_COLOUR_H
#define CX_SYNTHESIS_COLOUR_H

#include "cxai/tensor.h"

/* A picture is `channels` planes of `size` numbers one behind the other.
   decorrelate needs 3 channels (red, green, blue). */
typedef struct cx_colour {
    int channels, decorrelate;
    size_t size;
    int threads; /* 0: 1 */
} cx_colour;

/* picture = sigmoid(M x), M being the identity without decorrelation. x and
   picture may be the same memory. */
void cx_colour_forward(const cx_colour *colour, const cxai_real *x,
                       cxai_real *picture);

/* The gradient: dpicture, at a picture, to dx; both may be the same memory. */
void cx_colour_backward(const cx_colour *colour, const cxai_real *picture,
                        const cxai_real *dpicture, cxai_real *dx);

#endif
