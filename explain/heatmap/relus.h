/* Hooks on ReLUs, by which methods change what passes them backwards. */
#ifndef CXAI_HEATMAP_RELUS_H
#define CXAI_HEATMAP_RELUS_H

#include "cxai/session.h"

/*
 * A cx_hook_lister of pass.h: a hook CXAI_AFTER_BACKWARD for every ReLU, the
 * nodes Relu, and Clip with a lower bound of 0 (ReLU6). payload is the hook,
 * whose function and payload they get. captum changes torch.nn.ReLU alone;
 * networks of ReLU6 are then not changed at all.
 */
int cx_list_relus(const cxai_model *model, void *payload, cxai_hook *hooks);

#endif
