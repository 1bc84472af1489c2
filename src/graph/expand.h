/*
 * Compound operators: nodes that stand for several others. They are taken apart
 * when the graph is built, so that they are differentiable, and the operator
 * that does the work, which keeps the node's name, can be watched and hooked:
 *
 * expand_quantized.c  operators on quantised numbers
 * expand_fused.c      what onnxruntime's optimiser writes, and SwiGLU
 * expand_older.c      operators that ONNX had before opset 10 on trial
 */
#ifndef CX_GRAPH_EXPAND_H
#define CX_GRAPH_EXPAND_H

#include "graph/build.h"

int cx_is_compound(const char *domain, const char *type);

/* Adds the nodes that a compound one stands for. */
cxai_status cx_expand(cx_builder *builder, const cx_node_spec *spec,
                      cxai_error *error);

#endif
