/* Guided backpropagation as a hook. */
#ifndef CXAI_HEATMAP_GUIDED_H
#define CXAI_HEATMAP_GUIDED_H

#include "cxai/session.h"

/*
 * For every ReLU (see relus.h): lets only positive gradients pass it backwards,
 * dx = max(dx, 0) after the ReLU's own backward, which is equation
 * R_l = (f_l > 0) (R_l+1 > 0) R_l+1 of Springenberg et al. 2014, figure 1. It
 * needs no payload.
 */
int cx_guide(const cxai_hook_call *call, void *payload);

#endif
