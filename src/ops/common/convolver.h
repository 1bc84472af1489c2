/*
 * The linear map of a convolution, run in both directions: Conv gathers
 * forwards and scatters its gradient, ConvTranspose does the opposite.
 *
 * Named after Conv: the window's `in` pixels have groups * inputs channels, its
 * `out` pixels groups * outputs. Gathering goes from `in` to `out`, scattering
 * from `out` to `in`, phase by phase (ops/common/phase.h).
 */
#ifndef CX_OPS_COMMON_CONVOLVER_H
#define CX_OPS_COMMON_CONVOLVER_H

#include "kernels/convolve.h"
#include "ops/common/epilogue.h"
#include "ops/common/phase.h"

typedef enum cx_direction { CX_GATHER, CX_SCATTER } cx_direction;

typedef struct cx_convolver {
    cx_window window;
    int64_t groups, inputs, outputs; /* channels of a group */
    int direct;                      /* not by Winograd's transform */
    int many;                        /* packed weights may be large */
    int scales; /* gathering multiplies what it reads by a factor */
    cx_phase gather;
    cx_phases scatter;
} cx_convolver;

/* Fills gather and scatter from the rest. */
cxai_status cx_convolver_infer(const cx_case *c, cx_convolver *v);

/* Weights w (groups*outputs, inputs, cells) packed for one direction, with a
   bias for each channel that is written, or NULL. */
size_t cx_convolver_packed_bytes(const cx_case *c, const cx_convolver *v,
                                 cx_direction direction);
void cx_convolver_pack(const cx_case *c, const cx_convolver *v,
                       cx_direction direction, const cxai_real *w,
                       const cxai_real *bias, void *packed);

/* Whether scattering can use, and should, because they are large, the weights
   that are packed for gathering. */
int cx_convolver_turns(const cx_case *c, const cx_convolver *v);

/* What, beside the weights, decides how they are packed: as `packing` of
   ops/operator.h. */
size_t cx_convolver_packing(const cx_convolver *v, cx_direction direction,
                            int64_t *numbers);

typedef struct cx_convolver_pass {
    cx_direction direction;
    const cxai_tensor *from, *to; /* channels-last; NULL: see gathering */
    const cxai_real *factor; /* batch,channels of `in`; of one that scales */
    const void *packed;
    int turned;            /* packed is for the other direction: see turns */
    const cxai_real *bias; /* as packed */
    const cx_epilogue *epilogue; /* NULL: this is a gradient */
    cx_delivery delivery;        /* of a gradient */
} cx_convolver_pass;

/* Whether gathering can multiply what it reads. */
int cx_convolver_can_scale(const cx_convolver *v);

/* The convolution that gathering is; its memory is that of the pass, what the
   pass leaves NULL is left out. */
cx_convolution cx_convolver_gathering(const cx_convolver *v,
                                      const cx_convolver_pass *pass);

size_t cx_convolver_workspace(const cx_case *c, const cx_convolver *v,
                              cx_direction direction, int turned);
void cx_convolver_run(const cx_case *c, const cx_convolver *v,
                      const cx_convolver_pass *pass, void *workspace);

#endif
