/*
 * The taps of a convolution, forwards and backwards.
 *
 * Along one axis output pixel o reads input pixel o*stride - before +
 * k*dilation through tap k. Backwards input pixel i = a + stride*j, of phase
 * a < stride, receives from output pixel j + (a + before - k*dilation) /
 * stride through those taps k for which this is a whole number: each phase is
 * a convolution of step 1 with its share of the taps (a transposed convolution
 * seen from its outputs; Dumoulin and Visin, arXiv:1603.07285, chapter 4).
 */
#ifndef CX_OPS_COMMON_PHASE_H
#define CX_OPS_COMMON_PHASE_H

#include "kernels/panels.h"
#include "ops/common/window.h"

typedef struct cx_phase {
    int64_t start[3], out[3]; /* input pixels start + stride*j, j < out */
    int64_t taps;
    const cx_tap *tap;
} cx_phase;

typedef struct cx_phases {
    int64_t count; /* phases that have taps and pixels */
    cx_phase *phase;
    int complete; /* every input pixel is in one of them */
} cx_phases;

/* Both allocate from c->arena. */
cxai_status cx_forward_taps(const cx_case *c, const cx_window *window,
                            cx_phase *forward);
cxai_status cx_backward_phases(const cx_case *c, const cx_window *window,
                               cx_phases *backward);

#endif
