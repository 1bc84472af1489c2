/* Gradients of the targets at the input: of the picture itself, and averaged
   over many points near it. */
#ifndef CXAI_HEATMAP_GRADIENT_H
#define CXAI_HEATMAP_GRADIENT_H

#include "pass.h"

/* Changes a session before its first forward, e.g. by adding hooks. */
typedef cxai_status cx_prepare_function(cxai_session *session,
                                        cxai_error *error);

/* Turns the gradient of target i at the input, dense (C,H,W) and free to be
   overwritten, into the result. */
typedef cxai_status cx_gradient_function(const cxai_heatmap_call *call, int i,
                                         cxai_real *gradient,
                                         cxai_error *error);

/* One forward, one backward a target. prepare may be NULL. */
cxai_status cx_input_gradients(const cxai_heatmap_call *call,
                               cx_prepare_function *prepare,
                               cx_gradient_function *finish, cxai_error *error);

/* Points at which gradients are averaged. */
typedef struct cx_points {
    int64_t count;
    const double *weights; /* [count] */
    /* Writes point number index, dense (C,H,W). */
    void (*write)(const cxai_heatmap_call *call, const void *payload,
                  int64_t index, cxai_real *point);
    const void *payload;
} cx_points;

/* sums[target][C*H*W] = sum over the points of weight * gradient, in batches;
   sums is zero at first. Adds in the order of the points, so the batch does
   not change the order. */
cxai_status cx_weighted_gradients(const cxai_heatmap_call *call,
                                  const cx_points *points, double *sums,
                                  cxai_error *error);

/* cxai_heatmap_begin on a forward pass of its own, for methods that never run
   the picture itself alone; also the scores of all targets at another picture,
   dense (C,H,W), unless that is NULL. */
cxai_status cx_begin(const cxai_heatmap_call *call, const cxai_real *other,
                     double *other_scores, cxai_error *error);

/* Hands over sums, as above, times scale[C*H*W] (NULL: 1) as attributions. */
cxai_status cx_set_attributions(const cxai_heatmap_call *call,
                                const double *sums, const cxai_real *scale,
                                cxai_error *error);

#endif
