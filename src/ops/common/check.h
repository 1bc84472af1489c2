/* Checks that operators share. All refuse in words (cx_refuse). */
#ifndef CX_OPS_COMMON_CHECK_H
#define CX_OPS_COMMON_CHECK_H

#include "ops/operator.h"

/* Every input that is there must hold real numbers; or each of some. */
cxai_status cx_check_reals(const cx_case *c);
cxai_status cx_check_some_reals(const cx_case *c, int first, int last);

/* The number of an attribute's text in a list of names. */
cxai_status cx_read_choice(const cx_case *c, const char *attribute,
                           const char *otherwise, const char *const *names,
                           int count, int *choice);

/* Called at the end of infer: asks an operator's demand for all that it may
   ever want, and refuses sizes that overflowed (base/size.h) or could when
   those of a whole network are added. */
cxai_status cx_check_demand(const cx_case *c,
                            void (*demand)(const cx_case *c, uint64_t wanted,
                                           cx_demand *demand),
                            uint64_t wanted);

#endif
