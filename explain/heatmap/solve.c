#include "solve.h"

#include <lapacke.h>
#include <limits.h>

cxai_status cx_solve(double *matrix, int64_t n, double *columns, int64_t count,
                     cxai_error *error)
{
    if (n > INT_MAX || count > INT_MAX)
        return cxai_fail(error, CXAI_LIMIT, "no solution of %lld equations",
                         (long long)n);
    /* a row-major lower triangle is a column-major upper one */
    lapack_int info = LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n,
                                         (lapack_int)count, matrix,
                                         (lapack_int)n, columns, (lapack_int)n);
    return info == 0
               ? CXAI_OK
               : cxai_fail(error, CXAI_LIMIT,
                           "LAPACK's dposv finds no solution of %lld equations "
                           "(%lld)",
                           (long long)n, (long long)info);
}
