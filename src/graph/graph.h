/* The model: nodes, values, names. Everything lives in the model's arena. */
#ifndef CX_GRAPH_GRAPH_H
#define CX_GRAPH_GRAPH_H

#include "cxai/model.h"
#include "graph/origin.h"
#include "graph/packed.h"
#include "ops/operator.h"

typedef struct cx_value {
    const char *name;
    int producer;              /* node, or -1 */
    const cx_literal *literal; /* constant, or NULL */
    cxai_shape declared; /* of graph inputs: 0 = free dimension; else rank -1 */
    cx_type type;        /* of graph inputs */
} cx_value;

typedef struct cx_node {
    const char *name, *module, *type, *domain;
    const cx_operator *op;
    cx_attributes attributes;
    int input_count, output_count;
    int *inputs, *outputs; /* value numbers, -1: left out */
    const char *label;     /* Conv node "features.0" */
} cx_node;

typedef struct cx_property {
    const char *key, *value;
} cx_property;

struct cxai_model {
    cx_arena arena;
    cxai_limits limits;
    uint64_t memory; /* bytes of weights and constants, within the limits */
    int node_count, value_count;
    cx_node *nodes; /* in topological order, folded nodes removed */
    cx_value *values;
    int input_count, output_count;
    int *inputs, *outputs;
    int opset;
    const char *producer_name;
    int property_count;
    cx_property *properties;
    cx_origin *origin;       /* NULL: not from a file */
    cx_packed_store *packed; /* what its sessions share */
};

#endif
