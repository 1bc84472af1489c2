/*
 * Layer-wise relevance propagation: the score of a target is handed down from
 * layer to layer, each giving every input its share of what it has received,
 * until the picture's numbers have it all.
 *
 * It is run as a gradient that hooks change: Ancona et al., "Towards better
 * understanding of gradient-based attribution methods", ICLR 2018, section 2,
 * show that epsilon-LRP is such a gradient times the input. What flows is
 * G = relevance / value, so that nothing is divided by numbers near zero:
 *
 *   a layer by the epsilon rule   G_y := G_y |y| / (|y| + e), then its gradient
 *   by another rule               as lrp_rule.h says
 *   sums and means, batch norms   the epsilon rule, e = 1e-6 (zennit's Norm;
 *     that no layer takes up      zennit lets relevance pass these batch norms)
 *   activations                   G_x := G_y y / x: relevance passes unchanged
 *   max-pooling                   its gradient: all to the winner
 *   concatenation, reshaping,     their gradient
 *     differences
 *   x * gate(...)                 all to x: Arras et al. 2017, EMNLP workshop
 *   products, x / y, softmax,     as AttnLRP: Achtibat et al. 2024, ICML,
 *     layer norm                  propositions 3.1 to 3.4: half to each
 *                                 factor; nothing to the divisor; its
 *                                 gradient; its gradient with the deviation
 *                                 held constant; matrix products with e added
 *                                 to 2 y, as in proposition 3.3
 *
 * A sum of large terms that comes out near 0 hands on |y| / (|y| + e) of G, and
 * nothing behind a ReLU when it is below 0: where rounding decides that,
 * float32 is as far from float64 as the relevance of the terms is large, on
 * residual networks and transformers 1e-3 to 1e-2 of the largest.
 */
#ifndef CXAI_HEATMAP_LRP_H
#define CXAI_HEATMAP_LRP_H

#include "lrp_rule.h"

/* Which rule each layer gets, and the rules' numbers. */
typedef struct cx_lrp_composite {
    cx_lrp_rule convolution, dense;
    int special_first; /* layers that read the picture get another: */
    cx_lrp_rule first;
    int first_convolutions; /* but only convolutions do */
    double epsilon, gamma, dense_gamma, alpha;
    double low, high; /* of the box, for all channels alike; low >= high: what
                         black and white come to by the preprocessing */
} cx_lrp_composite;

/* Relevance of the picture's numbers for every target; delta is what of the
   score biases and stabilisers have kept. */
cxai_status cx_lrp_compute(const cxai_heatmap_call *call,
                           const cx_lrp_composite *composite,
                           cxai_error *error);

#endif
