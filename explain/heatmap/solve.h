/* Linear equations by LAPACK, in double. */
#ifndef CXAI_HEATMAP_SOLVE_H
#define CXAI_HEATMAP_SOLVE_H

#include <stdint.h>

#include "cxai/error.h"

/* Solves matrix * X = columns for a symmetric, positive definite matrix (n,n),
   of which the lower triangle is given; columns is (count,n), each solution
   takes the place of its right side. The matrix is overwritten. CXAI_LIMIT
   where it is not positive definite. */
cxai_status cx_solve(double *matrix, int64_t n, double *columns, int64_t count,
                     cxai_error *error);

#endif
