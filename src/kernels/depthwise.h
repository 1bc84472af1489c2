/* The inside of depthwise convolutions, for those that stream into them. */
#ifndef CX_KERNELS_DEPTHWISE_H
#define CX_KERNELS_DEPTHWISE_H

#include "kernels/gather.h"

/* Channels [from, to) of a line of output pixels, on the calling thread. Lines
   are counted over batch, depth and height. */
void cx_depthwise_line(const cx_kernels *kernels, const cx_gather *g,
                       int64_t number, int64_t from, int64_t to);

#endif
