/*
 * Building a model: values and nodes are named in any order, finish checks,
 * sorts and folds. The ONNX reader and the tests build through this.
 */
#ifndef CX_GRAPH_BUILD_H
#define CX_GRAPH_BUILD_H

#include "graph/graph.h"

typedef struct cx_builder cx_builder;

/* What a node is made of. All texts and arrays are copied; attributes and
   their literals too, unless they lie in cx_builder_arena. An empty name in
   inputs or outputs is an optional one left out. */
typedef struct cx_node_spec {
    const char *name, *module, *type, *domain; /* NULL means "" */
    const char *const *inputs;
    int input_count;
    const char *const *outputs;
    int output_count;
    cx_attributes attributes;
} cx_node_spec;

/* limits may be NULL; defaults are filled in. */
cxai_status cx_builder_create(cx_builder **out, const cxai_limits *limits,
                              cxai_error *error);
void cx_builder_free(cx_builder **builder);

/* The arena of the model to be: literals and texts that are put here are not
   copied again. */
cx_arena *cx_builder_arena(cx_builder *builder);
const cxai_limits *cx_builder_limits(const cx_builder *builder);
/* Bytes of the arena that count towards limits->memory_bytes, so far. */
uint64_t *cx_builder_memory(cx_builder *builder);

void cx_builder_set_opset(cx_builder *builder, int opset);

/* Errors: a value that is made twice; CXAI_NO_MEMORY; CXAI_LIMIT. */
cxai_status cx_builder_input(cx_builder *builder, const char *name,
                             cx_type type, const cxai_shape *declared,
                             cxai_error *error);
cxai_status cx_builder_literal(cx_builder *builder, const char *name,
                               const cx_literal *literal, cxai_error *error);
cxai_status cx_builder_node(cx_builder *builder, const cx_node_spec *spec,
                            cxai_error *error);
cxai_status cx_builder_output(cx_builder *builder, const char *name,
                              cxai_error *error);
cxai_status cx_builder_property(cx_builder *builder, const char *key,
                                const char *value, cxai_error *error);
cxai_status cx_builder_producer_name(cx_builder *builder, const char *name,
                                     cxai_error *error);

int cx_is_default_domain(const char *domain);

/* Whether a value of that name has been mentioned. */
int cx_builder_knows(const cx_builder *builder, const char *name);

/* The literal that a value is, or that it can be computed as from literals;
   NULL when it depends on an input or is not made yet. */
cxai_status cx_builder_constant(cx_builder *builder, const char *name,
                                const cx_literal **literal, cxai_error *error);

/* Checks that every value is made, lists all unsupported operators at once,
   sorts, drops what leads to no output, folds constants. On success the
   builder is freed and *builder NULL; on failure it remains. */
cxai_status cx_builder_finish(cx_builder **builder, cxai_model **out,
                              cxai_error *error);

#endif
