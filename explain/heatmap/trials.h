/* Scores of many changed pictures, or of many changed layers. */
#ifndef CXAI_HEATMAP_TRIALS_H
#define CXAI_HEATMAP_TRIALS_H

#include "pass.h"

typedef struct cx_trials {
    int value; /* fed with each trial: call->input_value, or a layer, behind
                  which alone the network is then run */
    int64_t count;
    /* Writes trial number index, dense, of the value's shape for one picture.
       The room holds an earlier trial, or zeros. */
    void (*write)(const cxai_heatmap_call *call, void *payload, int64_t index,
                  cxai_real *point);
    int apart; /* several threads may write trials at a time: what write leaves
                  behind is the point alone */
    int probabilities; /* scores are the probabilities of the targets that are
                          classes */
    /* Takes its scores [target_count], trial after trial. */
    void (*take)(const cxai_heatmap_call *call, void *payload, int64_t index,
                 const double *scores);
    void *payload;
} cx_trials;

/* Runs all trials in batches that the memory limit allows; each batch is
   written, run and then taken. cxai_heatmap_begin comes before. *done (or NULL)
   is how many were taken: fewer than all where the caller stopped the work
   after the first batch and options.anytime is set, which is then CXAI_OK and
   noted (cxai_heatmap_partial); the method goes on with what it has. */
cxai_status cx_try(const cxai_heatmap_call *call, const cx_trials *trials,
                   int64_t *done, cxai_error *error);

#endif
