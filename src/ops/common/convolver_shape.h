/* What a Conv or ConvTranspose node is: its window, groups and channels, read
   from its attributes and the shapes of its input, weights and bias. */
#ifndef CX_OPS_COMMON_CONVOLVER_SHAPE_H
#define CX_OPS_COMMON_CONVOLVER_SHAPE_H

#include "ops/common/convolver.h"

/* Fill in the groups, channels and window, and the output's shape. Refuse what
   does not fit. */
cxai_status cx_convolver_read(const cx_case *c, cx_convolver *v, cxai_shape *y);
cxai_status cx_convolver_read_transposed(const cx_case *c, cx_convolver *v,
                                         cxai_shape *y);

#endif
