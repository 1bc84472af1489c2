/*
 * Compound operators: nodes that stand for several others.
 *
 * Quantised operators (QLinearConv, MatMulInteger, and those of the domain
 * com.microsoft) are taken apart when the graph is built: their inputs are
 * dequantised, the operator on real numbers does its work, the result is
 * quantised. So they are differentiable, and the real operator, which keeps
 * the node's name, can be watched and hooked.
 */
#ifndef CX_GRAPH_EXPAND_H
#define CX_GRAPH_EXPAND_H

#include "graph/build.h"

int cx_is_compound(const char *domain, const char *type);

/* Adds the nodes that a compound one stands for. */
cxai_status cx_expand(cx_builder *builder, const cx_node_spec *spec,
                      cxai_error *error);

#endif
