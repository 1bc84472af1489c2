/*
 * A network as layer-wise relevance propagation sees it: which nodes together
 * are one linear layer, and how relevance passes the others.
 */
#ifndef CXAI_HEATMAP_LRP_GRAPH_H
#define CXAI_HEATMAP_LRP_GRAPH_H

#include "cxai/heatmap.h"

/* What a node does to relevance; see lrp.c. */
typedef enum cx_lrp_role {
    CX_LRP_PLAIN,       /* its own gradient tells */
    CX_LRP_HEAD,        /* a layer's convolution or matrix product */
    CX_LRP_INSIDE,      /* of a layer, between head and tail */
    CX_LRP_TAIL,        /* a layer's last node, when it is not the head */
    CX_LRP_SHARE,       /* a sum or mean: relevance by contribution */
    CX_LRP_ACTIVATION,  /* relevance passes, whatever the function */
    CX_LRP_GATE,        /* a product with a gate, which gets nothing */
    CX_LRP_PRODUCT,     /* of two values of the picture: half for each */
    CX_LRP_CONTRACTION, /* sums of such products: half, by contribution */
    CX_LRP_QUOTIENT,    /* the divisor gets nothing */
    CX_LRP_STANDARDISE, /* LayerNormalization, RMSNormalization */
} cx_lrp_role;

typedef struct cx_lrp_node {
    cx_lrp_role role;
    int layer;        /* of head, inside and tail: its number */
    int gate;         /* of a gate: the input that is it */
    int before_first; /* lies between the picture and the first layers */
} cx_lrp_node;

/*
 * y = scale * (W x) + shift, one scale and shift for each output channel: a
 * convolution or matrix product with constant weights, its bias, and the
 * batch norms and constant additions behind it that nothing else reads: what
 * zennit's canonizers merge.
 */
typedef struct cx_lrp_layer {
    int head, tail;              /* nodes */
    int dense;                   /* a matrix product, no convolution */
    int first;                   /* no layer lies between it and the picture */
    int x, w, b;                 /* values that the head reads; b may be -1 */
    int weight_axis, value_axis; /* of the output channels in W and in y */
    int64_t channels;
    cxai_real *scale, *shift; /* [channels] */
    cxai_real *offset; /* [channels]: y = scale * (what the head puts out) +
                          offset */
} cx_lrp_layer;

typedef struct cx_lrp_graph {
    cx_lrp_node *nodes;
    cx_lrp_layer *layers;
    int layer_count;
    int bypassed; /* the target reads the picture without any layer, too */
} cx_lrp_graph;

/* CXAI_UNSUPPORTED names a node that no rule is known for. */
cxai_status cx_lrp_graph_make(cx_lrp_graph *graph,
                              const cxai_heatmap_call *call, cxai_error *error);

void cx_lrp_graph_clear(cx_lrp_graph *graph);

#endif
