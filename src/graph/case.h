/* One node with shapes: the only place where operators' infer and fold are
   called, so that what they answer is checked once. */
#ifndef CX_GRAPH_CASE_H
#define CX_GRAPH_CASE_H

#include "graph/graph.h"

/* What all cases of a model have in common. */
typedef struct cx_case_context {
    const cxai_model *model;
    cx_arena *arena; /* the case and all it allocates live here */
    int threads, direct, many;
    int64_t written_batch, batch; /* see cx_case */
    uint64_t *memory; /* bytes of constants in the arena, within the limits;
                         used by cx_case_fold alone */
    cxai_error *error;
} cx_case_context;

/* What is known of a node's input. */
typedef struct cx_case_input {
    cxai_shape shape; /* rank -1: left out */
    const cx_literal *literal;
    cx_type type; /* of an input that is no constant */
} cx_case_input;

/* Makes the case of a node and infers its output shapes. On failure NULL and
 *status, with the error filled in. */
cx_case *cx_case_create(const cx_case_context *context, const cx_node *node,
                        const cx_case_input *input, cxai_status *status);

/* Refuses integers that depend on the data, unless the operator carries
   them. */
cxai_status cx_case_check_types(const cx_operator *op, const cx_case *c);

/* 1 when the node's outputs are constants: all its inputs are literals, or it
   needs only their shapes. */
int cx_case_is_constant(const cx_operator *op, const cx_case *c);

/* Evaluates a constant node; y receives output_count literals (NULL for one
   left out). */
cxai_status cx_case_fold(const cx_case_context *context, const cx_operator *op,
                         const cx_case *c, const cx_literal **y);

#endif
