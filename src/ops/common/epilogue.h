/* The fused tail of an operator (cx_epilogue in ops/operator.h). */
#ifndef CX_OPS_COMMON_EPILOGUE_H
#define CX_OPS_COMMON_EPILOGUE_H

#include "ops/operator.h"

/* One that changes nothing: clipping to -infinity, infinity. */
cx_epilogue cx_no_epilogue(void);

/* The forward call's epilogue, or cx_no_epilogue. */
cx_epilogue cx_call_epilogue(const cx_call *call);

/* Data of the residual, or NULL. */
const cxai_real *cx_epilogue_residual(const cx_epilogue *epilogue);

/* Saves which elements of the finished y[0] passed unclipped, if wanted. */
void cx_save_mask(const cx_call *call);

/* How the share of input i is to be delivered. */
cx_delivery cx_call_delivery(const cx_call *call, int i);

/* to = from where the mask has a 1, else 0: for what was not delivered so. Both
   are dense and lie alike; they may be one. */
void cx_mask_gradient(const cx_case *c, const uint8_t *mask,
                      const cxai_tensor *from, const cxai_tensor *to);

#endif
