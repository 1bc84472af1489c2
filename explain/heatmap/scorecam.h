/* Score-CAM and its relatives: the picture is shown through each channel of a
   layer as a mask, and the scores weigh the channels. */
#ifndef CXAI_HEATMAP_SCORECAM_H
#define CXAI_HEATMAP_SCORECAM_H

#include "cam.h"

typedef struct cx_scorecam {
    int samples; /* pictures for each channel, whose scores are averaged */
    int differ;  /* the samples of a channel that is the same everywhere differ
                    from those of another one: else they are run once */
    /* Writes the mask (height,width) of the input for one sample of a channel,
       dense (height,width) of the grid. Called by several threads at a time. */
    void (*mask)(const cxai_heatmap_call *call, const cxai_grid *grid,
                 const cxai_real *channel, int64_t number, int64_t sample,
                 cxai_real *mask);
} cx_scorecam;

/* A method whole: w = softmax over channels of the mean scores,
   map = sum_k w_k A_k. */
cxai_status cx_scorecam_compute(const cxai_heatmap_call *call,
                                const cx_scorecam *method, cxai_error *error);

/* (x - min) / (max - min + 1e-8), in place. */
void cx_scorecam_normalise(cxai_real *numbers, int64_t count);

/* A channel, normalised and then enlarged to the input's size as
   cxai_map_resize does. scale: what it is multiplied by. */
void cx_scorecam_mask(const cxai_heatmap_call *call, const cxai_grid *grid,
                      const cxai_real *channel, double scale, cxai_real *mask);

#endif
