/* The numbers of a linear layer: which nodes belong to it, and what y = scale
   (W x) + shift its bias and batch norms come to. */
#ifndef CXAI_HEATMAP_LRP_LAYER_H
#define CXAI_HEATMAP_LRP_LAYER_H

#include "lrp_graph.h"

/* Begins a layer at a node; 0 when that is no convolution or product with a
   matrix of constant weights, or when *status is CXAI_NO_MEMORY. */
int cx_lrp_layer_begin(cx_lrp_layer *layer, const cxai_model *model,
                       const cxai_shape *shapes, int node, cxai_error *error,
                       cxai_status *status);

/* Merges the node that follows; 0 when it is no constant added to channels
   and no batch norm. */
int cx_lrp_layer_merge(cx_lrp_layer *layer, const cxai_model *model,
                       const cxai_shape *shapes, int node);

void cx_lrp_layer_clear(cx_lrp_layer *layer);

#endif
