/* Where path methods begin: pictures by name. */
#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include "common.h"

/* Makes the named baseline for one input: a tensor of bench->input_shape, to be
   ended with free(), or NULL for "zero", which is 0 after the preprocessing.
   The others are flat pictures before it. CXAI_NOT_FOUND lists the names. */
cxai_status baseline_make(cxai_real **out, const char *name,
                          const workbench *bench, cxai_error *error);

#endif
