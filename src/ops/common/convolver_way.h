/* The phases of a convolver's two directions, and how each is computed. */
#ifndef CX_OPS_COMMON_CONVOLVER_WAY_H
#define CX_OPS_COMMON_CONVOLVER_WAY_H

#include "kernels/spread.h"
#include "ops/common/convolver.h"

/* Phases of a direction: gathering is one. */
int64_t cx_convolver_phase_count(const cx_convolver *v, cx_direction direction);
const cx_phase *cx_convolver_phase(const cx_convolver *v,
                                   cx_direction direction, int64_t i);

/* Channels of a group that are read and written. */
int64_t cx_convolver_depth(const cx_convolver *v, cx_direction direction);
int64_t cx_convolver_columns(const cx_convolver *v, cx_direction direction);

/* A phase without its memory. */
cx_convolution cx_convolver_describe(const cx_convolver *v,
                                     const cx_phase *phase,
                                     cx_direction direction);

/* How a phase is computed. */
typedef enum cx_convolver_way {
    CX_DEPTHWISE_WAY,
    CX_WINOGRAD_WAY,
    CX_NARROW_WAY,
    CX_PANELS_WAY
} cx_convolver_way;

cx_convolver_way cx_convolver_way_of(const cx_convolver *v,
                                     const cx_convolution *k);

/* Whether all phases of a direction are one spread, faster than each for
   itself; fills all but its memory then. */
int cx_convolver_spreads(const cx_case *c, const cx_convolver *v,
                         cx_direction direction, cx_spread *s);

/* Bytes of a phase's packed weights. */
size_t cx_convolver_phase_bytes(const cx_case *c, const cx_convolver *v,
                                const cx_phase *phase, cx_direction direction);

#endif
