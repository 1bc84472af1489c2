/* Which axis of a value holds its channels, as far as the graph tells. */
#ifndef CX_GRAPH_CHANNELS_H
#define CX_GRAPH_CHANNELS_H

#include "graph/graph.h"

/* axis[value] = the channels' axis, 0 where it is not known or the rank is
   below 3; axis holds value_count entries. */
void cx_channel_axes(const cxai_model *model, const cxai_shape *shapes,
                     int *axis);

#endif
