/* Grids of many values of one model. */
#ifndef CX_GRAPH_GRIDS_H
#define CX_GRAPH_GRIDS_H

#include "cxai/grid.h"
#include "graph/graph.h"

typedef struct cx_grids {
    const cxai_model *model;
    const cxai_shape *shapes;
    int *axis; /* see cx_channel_axes */
} cx_grids;

/* 0, or -1 without memory. */
int cx_grids_open(cx_grids *grids, const cxai_model *model,
                  const cxai_shape *shapes);
void cx_grids_close(cx_grids *grids);

/* NULL, or why the value has no grid: to be read behind its name and shape. */
const char *cx_grids_find(const cx_grids *grids, int value,
                          cxai_layer_layout layout, cxai_grid *grid);

#endif
