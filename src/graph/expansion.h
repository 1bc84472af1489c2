/*
 * What the files share that take compound nodes apart (expand.h): the nodes of
 * one compound node while they are added. Values are names; after a failure
 * everything else does nothing.
 */
#ifndef CX_GRAPH_EXPANSION_H
#define CX_GRAPH_EXPANSION_H

#include "graph/build.h"

#define CX_ABSENT ""
#define CX_MICROSOFT "com.microsoft"

typedef struct cx_expansion {
    cx_builder *builder;
    const cx_node_spec *spec; /* of the compound node */
    cxai_error *error;
    cxai_status status;
} cx_expansion;

/* A kind of compound node. */
typedef struct cx_compound {
    const char *domain, *type;
    void (*expand)(cx_expansion *e, const char *real_type);
    const char *real_type; /* of the operator that does the work */
    int max_outputs;       /* 0 means 1 */
} cx_compound;

extern const cx_compound cx_quantized_compounds[], cx_fused_compounds[],
    cx_older_compounds[];
extern const int cx_quantized_compound_count, cx_fused_compound_count,
    cx_older_compound_count;

/* Input i of the compound node, "" when it is left out. */
const char *cx_expansion_input(const cx_expansion *e, int i);

/* A new value's name: the node's first output with something behind it. */
const char *cx_expansion_name(cx_expansion *e, const char *what);

void cx_expansion_add(cx_expansion *e, const cx_node_spec *spec);

/* A node without a name of its own. */
void cx_expansion_node(cx_expansion *e, const char *type, const char *output,
                       const char *const *inputs, int input_count,
                       cx_attributes attributes);
/* The same with a new output, which is returned; attribute may be NULL. */
const char *cx_expansion_helper(cx_expansion *e, const char *type,
                                const char *what, const char *const *inputs,
                                int input_count, const cx_attribute *attribute);

/* The compound node itself as another operator of ONNX's own domain: keeps its
   name, its module and its first output. */
void cx_expansion_as(cx_expansion *e, const char *type,
                     const char *const *inputs, int input_count,
                     cx_attributes attributes);
/* The same with its own inputs and attributes: it only had another name. */
void cx_expansion_rename(cx_expansion *e, const char *type);

/* The operator that does the work: keeps the compound's name and attributes;
   returns its output. */
const char *cx_expansion_real(cx_expansion *e, const char *type,
                              const char *const *inputs, int input_count);

/* Constants of reals. */
const char *cx_expansion_reals(cx_expansion *e, const char *what,
                               const cxai_shape *shape, const double *values);
const char *cx_expansion_constant(cx_expansion *e, const char *what,
                                  double value);

#endif
