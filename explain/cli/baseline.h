/* What methods compare a picture with: pictures by name, or of files. */
#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include "common.h"

/*
 * Makes *count baselines, each a tensor of bench->input_shape, one behind the
 * other, to be ended with free(); or NULL and 1 for "zero", which is 0 after
 * the preprocessing. name is zero, black, grey, white (flat pictures before
 * it), blurred (the picture itself, which the network is given as `tensor`), a
 * file that can be explained, or a folder of them. CXAI_NOT_FOUND lists the
 * names.
 */
cxai_status baseline_make(cxai_real **out, int *count, const char *name,
                          workbench *bench, const cxai_real *tensor,
                          cxai_error *error);

#endif
