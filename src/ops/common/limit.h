/* Refusing what is too large before anything is allocated for it. */
#ifndef CX_OPS_COMMON_LIMIT_H
#define CX_OPS_COMMON_LIMIT_H

#include "ops/operator.h"

/* Called at the end of infer: asks an operator's demand for all that it may
   ever want, and refuses sizes that overflowed (base/size.h) or could when
   those of a whole network are added. */
cxai_status cx_check_demand(const cx_case *c,
                            void (*demand)(const cx_case *c, uint64_t wanted,
                                           cx_demand *demand),
                            uint64_t wanted);

#endif
