/* A session for the targets of a call, with the seed of its backward pass. */
#ifndef CXAI_HEATMAP_PASS_H
#define CXAI_HEATMAP_PASS_H

#include "cxai/heatmap.h"

typedef struct cx_pass {
    const cxai_heatmap_call *call;
    cxai_session *session;
    int64_t batch;
    int feed; /* value that forward is given: the input, or one behind it */
    int wrt;  /* value whose gradient is taken; -1: forward only */
    cxai_shape target_shape;
    int64_t target_count; /* elements of target_shape */
    cxai_real *seed;
} cx_pass;

/* Opens a session fed at the input, of the given batch, that watches the wrt
   value. On failure there is nothing to close. */
cxai_status cx_pass_open(cx_pass *pass, const cxai_heatmap_call *call, int wrt,
                         int64_t batch, cxai_error *error);

/* Lists the hooks of a session, at most two for each node; returns how many. */
typedef int cx_hook_lister(const cxai_model *model, void *payload,
                           cxai_hook *hooks);

/* The same with hooks; list NULL: none. */
cxai_status cx_pass_open_hooked(cx_pass *pass, const cxai_heatmap_call *call,
                                int wrt, int64_t batch, cx_hook_lister *list,
                                void *payload, cxai_error *error);

/* The same for one picture and without a gradient: the value is only watched.
 */
cxai_status cx_pass_open_forward(cx_pass *pass, const cxai_heatmap_call *call,
                                 int watched, cxai_error *error);

/* As cx_pass_open_hooked, fed at the value whose gradient is taken. Where the
   target depends on the input around that value, too, each item keeps the
   call's picture there. */
cxai_status cx_pass_open_behind(cx_pass *pass, const cxai_heatmap_call *call,
                                int value, int64_t batch, cx_hook_lister *list,
                                void *payload, cxai_error *error);

/* As cx_pass_open, fed at a value, with the largest batch up to most that the
   memory limit of the options and the model allow. Where the target depends on
   the input around the value, too, each item keeps the call's picture there. */
cxai_status cx_pass_open_batched(cx_pass *pass, const cxai_heatmap_call *call,
                                 int feed, int wrt, int64_t most,
                                 cxai_error *error);

void cx_pass_close(cx_pass *pass);

/* points: dense, of the fed value's shape: pictures (batch,C,H,W). */
cxai_status cx_pass_forward(cx_pass *pass, const cxai_real *points,
                            cxai_error *error);

/* Gradient of a target, in the first items pictures of the batch: a view of
   all items of the batch, of the shape of the wrt value, until the next. */
cxai_status cx_pass_differentiate(cx_pass *pass, const cxai_target *target,
                                  int64_t items, cxai_tensor *view,
                                  cxai_error *error);

/* The same, copied dense. */
cxai_status cx_pass_backward(cx_pass *pass, const cxai_target *target,
                             int64_t items, cxai_real *gradients,
                             cxai_error *error);

#endif
