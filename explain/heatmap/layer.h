/* Attributions to the neurons of a layer. */
#ifndef CXAI_HEATMAP_LAYER_H
#define CXAI_HEATMAP_LAYER_H

#include "gradient.h"

/* sums[target][the layer's numbers], zero; NULL with the error set. The caller
   frees it. */
double *cx_layer_sums(const cxai_heatmap_call *call, cxai_error *error);

/* Hands over the sums times scale (NULL: 1) for all targets. */
cxai_status cx_set_layers(const cxai_heatmap_call *call, const double *sums,
                          const cxai_real *scale, cxai_error *error);

#endif
