/* How large Resize and Upsample make each axis: their scales, sizes, regions
   and policies, in the forms of all opsets. */
#ifndef CX_OPS_COMMON_RESIZE_MEASURE_H
#define CX_OPS_COMMON_RESIZE_MEASURE_H

#include "ops/common/resample.h"

/* Fills one axis for each dimension of the input. With crops, the region of
   interest is regarded. Refuses what cannot be resized. */
cxai_status cx_resize_measure(const cx_case *c, int crops,
                              cx_resample_axis *axis);

#endif
