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

#endif
