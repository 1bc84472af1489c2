/* The inside of a builder, shared by build.c and finish.c alone. */
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

/* The number of a value, which is added when it is new; -1 without memory. */
int cx_builder_value(cx_builder *builder, const char *name);

#endif
