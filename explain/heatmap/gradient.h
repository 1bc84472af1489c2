/* Gradients of the targets at the picture itself, and what methods make of
   gradients. */
#ifndef CXAI_HEATMAP_GRADIENT_H
#define CXAI_HEATMAP_GRADIENT_H

#include "pass.h"

/* Turns the gradient of target i at the input, dense (C,H,W) and free to be
   overwritten, into the result. */
typedef cxai_status cx_gradient_function(const cxai_heatmap_call *call, int i,
                                         cxai_real *gradient,
                                         cxai_error *error);

/* One forward, one backward a target. at_relus, called with payload for every
   ReLU (see relus.h), may be NULL. */
cxai_status cx_input_gradients(const cxai_heatmap_call *call,
                               cxai_hook_function *at_relus, void *payload,
                               cx_gradient_function *finish, cxai_error *error);

/* cxai_heatmap_begin on a forward pass of its own, for methods that never run
   the picture itself alone; also the scores of all targets at another picture,
   dense (C,H,W), unless that is NULL. */
cxai_status cx_begin(const cxai_heatmap_call *call, const cxai_real *other,
                     double *other_scores, cxai_error *error);

/* delta = sum of sums[k] * scale[k] (NULL: 1) - (score - baseline_score), the
   sign as in captum. */
void cx_note_delta(cxai_heatmap *result, const double *sums,
                   const cxai_real *scale, int64_t count,
                   double baseline_score);

/* Hands over sums[target][...], one number for each of the input's, times
   scale[C*H*W] (NULL: 1) as attributions. */
cxai_status cx_set_attributions(const cxai_heatmap_call *call,
                                const double *sums, const cxai_real *scale,
                                cxai_error *error);

#endif
