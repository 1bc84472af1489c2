/* What a model answers when its nodes are fused, for comparing it with the same
   model where somebody looks between them. */
#ifndef TEST_SUPPORT_FUSED_H
#define TEST_SUPPORT_FUSED_H

#include "cxai/session.h"

/* The first watched value for a picture of kernel_numbers at the input "x" of
   the given shape: dense, for free(). count: its elements; steps: of the
   plan. */
cxai_real *fused_answer(const cxai_model *model, const char *input_shape,
                        const int *watch, int watch_count, int threads,
                        int64_t *count, int *steps);

/* Steps of a plan that takes the gradient of its first output at "x". */
int fused_gradient_steps(const cxai_model *model);

#endif
