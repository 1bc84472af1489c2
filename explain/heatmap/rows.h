/* Walking tensors of one shape together, whatever their strides. */
#ifndef CXAI_HEATMAP_ROWS_H
#define CXAI_HEATMAP_ROWS_H

#include "cxai/tensor.h"

enum { cx_most_rows = 8 };

/* Does count elements: element i of view v is at[v][i * step[v]]. */
typedef void cx_row_function(cxai_real *const *at, const int64_t *step,
                             int64_t count, void *payload);

/* Calls function for all elements of view_count views of one shape, a row at
   a time, along the axis on which the first view's elements lie closest; as
   far as all views allow, neighbouring rows are one. A stride may be 0, not of
   the first view. */
void cx_each_row(const cxai_tensor *views, int view_count,
                 cx_row_function *function, void *payload);

/* The same on so many threads at once: function writes nothing but elements of
   the rows that it is given. */
void cx_each_row_on(int threads, const cxai_tensor *views, int view_count,
                    cx_row_function *function, void *payload);

#endif
