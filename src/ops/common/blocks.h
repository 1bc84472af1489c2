/*
 * Scattering to few channels, as the gradient at a picture does: each phase
 * (ops/common/phase.h) would fill a small part of a vector. All phases are
 * computed at once instead: a block of stride x stride pixels is one row of
 * phases * channels columns, a convolution of step 1 over the taps of all
 * phases together, with zeros where a phase lacks a tap. Its rows are then
 * moved to their pixels.
 */
#ifndef CX_OPS_COMMON_BLOCKS_H
#define CX_OPS_COMMON_BLOCKS_H

#include "kernels/convolve.h"
#include "ops/common/phase.h"

typedef struct cx_blocks {
    int64_t taps; /* 0: scattering phase by phase is as good */
    const cx_tap *tap;
    int64_t count[3]; /* blocks along each axis */
} cx_blocks;

/* What is scattered: weights (outputs, inputs, cells) of one group. */
typedef struct cx_scatter {
    const cx_window *window;
    const cx_phases *phases;
    const cx_blocks *blocks;
    int64_t inputs, outputs;
} cx_scatter;

/* Fills *blocks; allocates from c->arena. */
cxai_status cx_blocks_infer(const cx_case *c, const cx_window *window,
                            const cx_phases *phases, int64_t groups,
                            int64_t inputs, cx_blocks *blocks);

size_t cx_blocks_packed_bytes(const cx_case *c, const cx_scatter *s);
void cx_blocks_pack(const cx_case *c, const cx_scatter *s, const cxai_real *w,
                    const cxai_real *bias, cxai_real *packed);

size_t cx_blocks_workspace(const cx_case *c, const cx_scatter *s);
void cx_blocks_run(const cx_case *c, const cx_scatter *s,
                   const cxai_tensor *from, const cxai_tensor *to,
                   const cxai_real *packed, int adds, void *workspace);

#endif
