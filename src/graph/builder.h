/* The inside of a builder, shared by build.c, constant.c and finish.c alone. */
#ifndef CX_GRAPH_BUILDER_H
#define CX_GRAPH_BUILDER_H

#include "base/hash.h"
#include "graph/build.h"

struct cx_builder {
    cxai_model *model; /* arena, limits, opset, producer are filled in place */
    cx_names names;    /* value name -> number */
    cx_value *values;
    size_t value_capacity;
    cx_node *nodes;
    size_t node_capacity;
    int *inputs;
    size_t input_capacity;
    int *outputs;
    size_t output_capacity;
    cx_property *properties;
    size_t property_capacity;
};

/* CXAI_NO_MEMORY, in words. */
cxai_status cx_builder_no_memory(cxai_error *error);

/* The operator of a node's type, or NULL. */
const cx_operator *cx_builder_operator(const cx_node *node);

/* Checks how many inputs and outputs a node has; node->op is set. */
cxai_status cx_builder_check_arity(const cx_node *node, cxai_error *error);

/* Folds a node when all its inputs are literals; *folded says so. */
cxai_status cx_builder_fold(cx_builder *builder, const cx_node *node,
                            cx_arena *scratch, int *folded, cxai_error *error);

/* The number of a value, which is added when it is new; -1 without memory. */
int cx_builder_value(cx_builder *builder, const char *name);

#endif
