/*
 * Weights that are read only to be packed stay in a mapped file as they lie
 * there: their literals have a place and no data (tensor/literal.h). Whoever
 * needs their numbers otherwise gets an aligned copy here.
 */
#ifndef CX_GRAPH_PLACE_H
#define CX_GRAPH_PLACE_H

#include "graph/graph.h"

/* A literal's data, or a copy that the model keeps; NULL without memory. From
   any thread. */
void *cx_literal_data(const cxai_model *model, const cx_literal *literal);

#endif
