/* Relevance through layer norms. */
#ifndef CXAI_HEATMAP_LRP_STANDARDISE_H
#define CXAI_HEATMAP_LRP_STANDARDISE_H

#include "cxai/session.h"

/*
 * Of LayerNormalization y = (x - mean) / deviation * gamma + beta, and of
 * RMSNormalization, which subtracts no mean: overwrites the gradient of x by
 * what it is when the deviation is held constant,
 *
 *     dx = (gamma dy - mean of (gamma dy)) / deviation
 *
 * Achtibat et al., "AttnLRP", ICML 2024, section 3.3.3, and its authors'
 * program lxt; call is of CXAI_AFTER_BACKWARD.
 */
cxai_status cx_lrp_standardise(const cxai_hook_call *call,
                               const cxai_model *model, int threads,
                               cxai_error *error);

#endif
