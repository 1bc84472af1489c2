/* What the methods of the CAM family share: activations of a layer are weighed,
   and their sum over channels, or their first principal component, is the
   map. */
#ifndef CXAI_HEATMAP_CAM_H
#define CXAI_HEATMAP_CAM_H

#include "pass.h"

/* How the weighed activations become a map. The decomposition leaves the sign
   of a principal component open. */
typedef enum cx_cam_reduction {
    CX_CAM_SUM,          /* their sum over channels; with eigen_smooth: */
    CX_CAM_PRINCIPAL,    /* their first principal component, with the sign that
                            agrees with that sum */
    CX_CAM_BY_MAGNITUDE, /* the same, its sign agreeing with the sum of their
                            magnitudes: positive where they are strong */
    CX_CAM_BY_EXTREME,   /* the same, its largest magnitude positive */
} cx_cam_reduction;

/* What one channel weighs; activation and gradient hold its positions. */
typedef double cx_channel_weight(const cxai_real *activation,
                                 const cxai_real *gradient, int64_t positions);

/* That of Grad-CAM: the mean gradient. */
cx_channel_weight cx_mean_gradient;

/* Weighs each channel as a whole. */
void cx_weigh_channels(const cxai_cam_layer *layer, cx_channel_weight *weight,
                       cxai_real *weighed);

typedef struct cx_cam {
    cxai_cam_function *weigh;
    cx_cam_reduction reduction;
    int forward_only; /* no gradients: they are NULL */
    /* Writes the gradient at the target's value of what is explained for
       result i, dense, in place of the result's own target; NULL: that. */
    cxai_status (*seed)(const cx_pass *pass, int i, cxai_real *seed,
                        cxai_error *error);
} cx_cam;

/* A method whole: one forward, one backward a target. */
cxai_status cx_cam_compute(const cxai_heatmap_call *call, const cx_cam *cam,
                           cxai_error *error);

/* The layer of a call as the picture makes it. */
typedef struct cx_layer {
    cxai_grid grid;
    cxai_shape shape;       /* of the value, batch 1 */
    cxai_real *value;       /* dense, of that shape */
    cxai_real *activations; /* dense, (channels,height,width) of the grid */
} cx_layer;

/* For methods that run the network in a way of their own: a forward pass,
   cxai_heatmap_begin, and the layer, which the caller ends with cx_layer_free,
   also after a failure. */
cxai_status cx_layer_read(cx_layer *layer, const cxai_heatmap_call *call,
                          cxai_error *error);
void cx_layer_free(cx_layer *layer);

/* Hands over the map of target i from weighed activations, dense
   (channels,height,width). */
cxai_status cx_cam_deliver(const cxai_heatmap_call *call, int i,
                           cx_cam_reduction reduction, const cxai_real *weighed,
                           const cxai_grid *grid, cxai_error *error);

/* The same from one weight for each channel of the layer. */
cxai_status cx_cam_deliver_weights(const cxai_heatmap_call *call, int i,
                                   const double *weights, const cx_layer *layer,
                                   cxai_error *error);

#endif
