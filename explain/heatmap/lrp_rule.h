/*
 * Rules of layer-wise relevance propagation: how a linear layer
 * y = sum over j of x_j w_jk + b_k hands its relevance R_k down to its inputs.
 *
 *   epsilon     x_j w_jk / (y_k + e)
 *   alpha-beta  a (x_j w_jk)+ / z+_k - b (x_j w_jk)- / z-_k, a - b = 1
 *   z+          alpha-beta with a 1, b 0
 *   gamma       x_j (w_jk + g w_jk+) / its sum over j
 *   w^2         w_jk^2 / its sum over j
 *   flat        1 / number of inputs
 *   z^B         (x_j w_jk - l w_jk+ - h w_jk-) / its sum, for inputs between
 *               l and h
 *
 * The first two are those of Bach et al. 2015, z+, w^2 and z^B of Montavon et
 * al. 2017, gamma of Montavon et al. 2019, flat of Lapuschkin et al. 2019.
 *
 * (u)+ and (u)- are the positive and the negative part. Biases take part as
 * weights of an input 1, in the parts that they have the sign for, and keep
 * their share; flat and z^B have none. e = 1e-6, with the denominator's sign,
 * is added to every denominator. Where gamma meets negative inputs or outputs
 * it follows Andeol et al. 2021, as zennit does: x+ goes with w + g w+ and x-
 * with w + g w- where y > 0, the other way round where y < 0.
 */
#ifndef CXAI_HEATMAP_LRP_RULE_H
#define CXAI_HEATMAP_LRP_RULE_H

#include "lrp_graph.h"

typedef enum cx_lrp_rule {
    CX_LRP_EPSILON,
    CX_LRP_GAMMA,
    CX_LRP_ALPHA_BETA,
    CX_LRP_ZPLUS,
    CX_LRP_WSQUARE, /* these three for the layers that read the picture */
    CX_LRP_FLAT,
    CX_LRP_BOX,
} cx_lrp_rule;

/* Whether what a rule writes is relevance itself; else it is relevance / x. */
int cx_lrp_rule_writes_relevance(cx_lrp_rule rule);

typedef struct cx_lrp_numbers {
    double gamma, alpha;   /* of the rule; beta is alpha - 1 */
    cxai_tensor low, high; /* of the box, of the shape of x; else unused */
} cx_lrp_numbers;

/* What a rule other than epsilon is applied to. */
typedef struct cx_lrp_case {
    const cxai_heatmap_call *call;
    const cx_lrp_layer *layer;
    cx_lrp_rule rule;
    cx_lrp_numbers numbers;
    const cxai_tensor *x, *y; /* of the head */
    const cxai_tensor *above; /* of y's shape: the layer's relevance; where */
    int divided;              /* this is set, relevance / the layer's y */
    const cxai_tensor *below; /* of x's shape, to be written */
} cx_lrp_case;

/* Runs the layer forwards and backwards on its own, with other weights, for
   each term of the rule. */
cxai_status cx_lrp_apply(const cx_lrp_case *c, cxai_error *error);

#endif
