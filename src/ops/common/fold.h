/* Integer arithmetic on constants with numpy's broadcasting. */
#ifndef CX_OPS_COMMON_FOLD_H
#define CX_OPS_COMMON_FOLD_H

#include "ops/operator.h"

/* y[i] = a[i] op b[i]; returns -1 when that is not defined. a and b are
   wrapped to y's type after the operation. */
typedef int cx_integer_function(int64_t a, int64_t b, int64_t *y);

/* Folds a node of one or more inputs from left to right. */
cxai_status cx_fold_integers(const cx_case *c, cx_integer_function *function,
                             cx_literal *y);

/* -1, 0 or 1 as a is less than, equal to or greater than b; 2 when one is a
   NaN. Exact for integers. */
typedef int64_t cx_comparison(int order);

/* Folds a node that compares two constants of any type. */
cxai_status cx_fold_comparison(const cx_case *c, cx_comparison *comparison,
                               cx_literal *y);

/* The shape that all inputs of a node broadcast to. Before opset 7 the axes of
   input 1 may begin at one of input 0's that the attribute `axis` names; they
   end with the others otherwise. So `trailing` axes of one follow them. */
int cx_trailing_axes(const cx_case *c);
cxai_shape cx_with_trailing(const cxai_shape *shape, int trailing);
cxai_status cx_broadcast_inputs(const cx_case *c, int trailing,
                                cxai_shape *out);

#endif
