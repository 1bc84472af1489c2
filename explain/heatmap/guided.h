/* Guided backpropagation as hooks. */
#ifndef CXAI_HEATMAP_GUIDED_H
#define CXAI_HEATMAP_GUIDED_H

#include "cxai/session.h"

/*
 * Adds hooks that let only positive gradients pass a ReLU (see relus.h)
 * backwards: dx = max(dx, 0) after the ReLU's own backward, which is equation
 * R_l = (f_l > 0) (R_l+1 > 0) R_l+1 of Springenberg et al. 2014, figure 1. A
 * cx_prepare_function that needs no payload.
 */
cxai_status cx_guide_relus(cxai_session *session, void *payload,
                           cxai_error *error);

#endif
