/* The box of the z^B rule: the lowest and the highest number that each input
   of a layer can be. */
#ifndef CXAI_HEATMAP_LRP_BOX_H
#define CXAI_HEATMAP_LRP_BOX_H

#include "cxai/heatmap.h"

typedef struct cx_lrp_box {
    cxai_real *low, *high; /* dense, of the value's shape */
} cx_lrp_box;

/*
 * What a value between the picture and the first layer is for a picture of low
 * and one of high alone; with low >= high for a black and a white picture as
 * options.preprocess makes them. CXAI_UNSUPPORTED where the input is no
 * picture.
 */
cxai_status cx_lrp_box_make(cx_lrp_box *box, const cxai_heatmap_call *call,
                            int value, double low, double high,
                            cxai_error *error);

void cx_lrp_box_clear(cx_lrp_box *box);

#endif
