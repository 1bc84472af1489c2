/* The gradient of a convolution's weights: for each tap a sum over output
   pixels of the outer product of the pixel's gradient and the input that the
   tap reads there. Threads share outputs, never a sum. */
#ifndef CX_OPS_COMMON_WEIGHT_GRADIENT_H
#define CX_OPS_COMMON_WEIGHT_GRADIENT_H

#include "ops/common/phase.h"

typedef struct cx_weight_gradient {
    const cx_window *window;
    const cx_phase *forward;
    int64_t groups, inputs, outputs; /* channels of a group */
    const cxai_real *x;
    int64_t x_pixel;
    const cxai_real *dy;
    int64_t dy_pixel;
    cxai_real *dw; /* groups*outputs, inputs, cells */
} cx_weight_gradient;

size_t cx_weight_gradient_workspace(const cx_kernels *kernels,
                                    const cx_weight_gradient *g, int threads);
void cx_weight_gradient_run(const cx_kernels *kernels,
                            const cx_weight_gradient *g, int threads,
                            void *workspace);

#endif
