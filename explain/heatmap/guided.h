/* Guided backpropagation as hooks. */
#ifndef CXAI_HEATMAP_GUIDED_H
#define CXAI_HEATMAP_GUIDED_H

#include "cxai/session.h"

/*
 * Adds hooks that let only positive gradients pass a ReLU backwards:
 * dx = max(dx, 0) after the ReLU's own backward, which is equation
 * R_l = (f_l > 0) (R_l+1 > 0) R_l+1 of Springenberg et al. 2014, figure 1.
 *
 * ReLUs are the nodes Relu, and Clip with a lower bound of 0 (ReLU6). captum
 * changes torch.nn.ReLU alone; networks of ReLU6 are then not guided at all.
 */
cxai_status cx_guide_relus(cxai_session *session, cxai_error *error);

#endif
