/* Hooks on ReLUs, by which methods change what passes them backwards. */
#ifndef CXAI_HEATMAP_RELUS_H
#define CXAI_HEATMAP_RELUS_H

#include "cxai/session.h"

/*
 * Adds a hook CXAI_AFTER_BACKWARD to every ReLU: the nodes Relu, and Clip with
 * a lower bound of 0 (ReLU6). captum changes torch.nn.ReLU alone; networks of
 * ReLU6 are then not changed at all.
 */
cxai_status cx_hook_relus(cxai_session *session, cxai_hook_function *function,
                          void *payload, cxai_error *error);

#endif
