/*
 * The scales and zero points of QuantizeLinear and DequantizeLinear: one, one
 * for each entry of an axis, or one for each block of entries. They are
 * broadcast to the tensor that they are for.
 */
#ifndef CX_OPS_COMMON_SCALES_H
#define CX_OPS_COMMON_SCALES_H

#include "ops/operator.h"

enum { CX_QUANTIZED, CX_SCALE, CX_ZERO }; /* inputs */

typedef struct cx_scales {
    cxai_shape shape;       /* of scale and zero, broadcast to x */
    const cxai_real *scale; /* NULL: input 1 as it is */
    const cxai_real *zero;  /* NULL: input 2, which is computed */
} cx_scales;

cxai_status cx_scales_read(const cx_case *c, cx_scales *s);

/* The tensors at the time of a run. */
cxai_tensor cx_scales_scale(const cx_call *call, const cx_scales *s);
cxai_tensor cx_scales_zero(const cx_call *call, const cx_scales *s);

/* What gets no gradient: filled with 0, unless it is not wanted. */
void cx_scales_clear(const cxai_tensor *t);

#endif
