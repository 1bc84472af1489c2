/* Adam, climbing. */
#ifndef CX_SYNTHESIS_ADAM_H
#define CX_SYNTHESIS_ADAM_H

#include "cxai/tensor.h"

/* count numbers each, zero at first. */
typedef struct cx_adam {
    cxai_real *mean, *square; /* moments of the gradient */
} cx_adam;

/* Step 1, 2, ... : moves parameters uphill along the gradient. */
void cx_adam_step(const cx_adam *adam, int step, double rate, size_t count,
                  const cxai_real *gradient, cxai_real *parameters);

#endif
