/* Numbers that are not finite: whether there are any, and where they come
   from. */
#ifndef CLI_FINITE_H
#define CLI_FINITE_H

#include "batch.h"

int all_finite(const cxai_real *data, int64_t count);

/*
 * To be called when a value came out with NaN or infinity for an input of the
 * given shape (dense): warns of it, names what made the first of them, and
 * makes the run end as a failure. The network is run once more for it, node by
 * node.
 */
void not_finite(batch *b, const input *in, const cxai_real *tensor,
                const cxai_shape *shape, int value);

/* Whether the only numbers of a layer that are not finite are -infinity and
   come from a weight that holds it: an attention mask, which the softmax behind
   it turns into zeros. data: the layer's numbers. */
int is_masked(const batch *b, const input *in, int value, const cxai_real *data,
              int64_t count);

#endif
