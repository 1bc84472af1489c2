/* Order statistics. */
#ifndef CXAI_HEATMAP_RANK_H
#define CXAI_HEATMAP_RANK_H

#include "cxai/tensor.h"

/* The number that stands at place `rank`, from 0, when count numbers are sorted
   in ascending order; they are put into another order. None may be NaN. */
cxai_real cx_ranked(cxai_real *numbers, int64_t count, int64_t rank);

#endif
