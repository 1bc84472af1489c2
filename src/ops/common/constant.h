/* Reading and checking what shape arithmetic is made of: constant lists of
   integers, axes, output shapes. All report through cx_refuse. */
#ifndef CX_OPS_COMMON_CONSTANT_H
#define CX_OPS_COMMON_CONSTANT_H

#include "ops/operator.h"

/* 1 when input i is there, 0 when it is left out. */
int cx_has_input(const cx_case *c, int i);

/* CX_REAL for an input that is left out. */
cx_type cx_input_type(const cx_case *c, int i);

/* For operators that carry integers: the tensor of an input as reals. Constants
   of integers, which come without data, are converted into c->arena; of other
   inputs data stays NULL until the run. */
cxai_status cx_constant_reals(const cx_case *c, int input, cxai_tensor *reals);

/* values is NULL when the list is left out. */
typedef struct cx_list {
    int64_t count;
    const int64_t *values;
} cx_list;

/* The integers of input i where it is there, else of attribute `name`, else
   none: newer opsets moved axes, pads, starts ... from attributes to inputs.
   input -1: the attribute alone; name is for messages as well. */
cxai_status cx_read_list(const cx_case *c, int input, const char *name,
                         cx_list *list);

/* The same for the dimensions of a tensor: at most CXAI_MAX_RANK of them. */
cxai_status cx_read_dimensions(const cx_case *c, int input, const char *what,
                               cx_list *list);

/* axis from -rank .. rank-1 to 0 .. rank-1. */
cxai_status cx_read_axis(const cx_case *c, int64_t axis, int rank, int *out);

/* The same for a list of axes without repetition; chosen[axis] is the place
   in the list, or -1. */
cxai_status cx_read_axes(const cx_case *c, const cx_list *axes, int rank,
                         int chosen[CXAI_MAX_RANK]);

/*
 * Exporters that are given one shape write the batch into the shapes that
 * Reshape, Expand and Resize are told. Where the first input is computed and
 * the batch of now stands first in it, and the file's batch first in what is
 * written, this answers the batch of now; else what is written.
 */
int64_t cx_follow_batch(const cx_case *c, int64_t written);

/* Sets y_shape[output], unless its size is negative or overflows. */
cxai_status cx_set_shape(const cx_case *c, int output, const cxai_shape *shape);

#endif
