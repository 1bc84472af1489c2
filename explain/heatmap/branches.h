/* How a target changes along a direction, branches held: derivatives by
   differences that no kink disturbs. */
#ifndef CXAI_HEATMAP_BRANCHES_H
#define CXAI_HEATMAP_BRANCHES_H

#include "cxai/heatmap.h"

enum { cx_held_items = 3 };

/*
 * A cx_hook_lister of pass.h, which needs no payload: hooks for a session of
 * three pictures, by which the second and the third take the branches of the
 * first, forwards and backwards, whatever their own numbers are: of Relu,
 * LeakyRelu, PRelu, Abs, Clip, HardSigmoid and HardSwish the piece on which the
 * first one's number lies, continued beyond its ends; of MaxPool and
 * GlobalMaxPool of planes the place of its maximum. Differences between the
 * pictures are then those of the derivatives at the first, as differentiating
 * twice takes them, which leaves out that branches change. Other choices (Max,
 * TopK) stay each picture's own.
 */
int cx_list_branches(const cxai_model *model, void *payload, cxai_hook *hooks);

/* *straight: 1 where the call's target, branches held, is an affine function
   of call->layer, so that differences are exact for any step; 0 also where that
   is not known. */
cxai_status cx_is_straight(const cxai_heatmap_call *call, int *straight,
                           cxai_error *error);

#endif
