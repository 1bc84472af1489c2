/* Shapes of a whole graph for one input shape, with all that can be computed
   beforehand: the shape arithmetic of exporters is constants by then. */
#ifndef CX_GRAPH_SHAPE_H
#define CX_GRAPH_SHAPE_H

#include "graph/graph.h"

typedef struct cx_shaped {
    cx_arena arena;
    cxai_shape *shape;          /* by value; rank -1: not inferred */
    const cx_literal **literal; /* by value; NULL: not a constant */
    cx_type *type;              /* by value */
    cx_case **cases;            /* by node; NULL: not inferred, or folded */
} cx_shaped;

/* Which part of the graph to shape, and how. */
typedef struct cx_shape_request {
    const cxai_shape *input_shape; /* of the first input; NULL or rank 0: as
                                      declared, free dimensions being 1 */
    const unsigned char *needed;   /* by node: shape it; NULL: all */
    const unsigned char *fed;      /* by value: its literal does not count; or
                                      NULL */
    const cxai_shape *given; /* by value, where it is fed: its shape; or NULL */
    int threads, direct, many;
} cx_shape_request;

/* On failure *out is empty; cx_shaped_free ends it on success. */
cxai_status cx_graph_shape(const cxai_model *model,
                           const cx_shape_request *request, cx_shaped *out,
                           cxai_error *error);
void cx_shaped_free(cx_shaped *shaped);

#endif
