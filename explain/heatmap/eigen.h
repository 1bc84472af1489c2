/* Principal components by LAPACK, in double and on one thread: the same bits
   for any number of threads. */
#ifndef CXAI_HEATMAP_EIGEN_H
#define CXAI_HEATMAP_EIGEN_H

#include "cxai/error.h"
#include "cxai/tensor.h"

/* The largest eigenvalue of a symmetric matrix, dense (n,n), and its vector of
   length 1, whose sign is arbitrary. The matrix is overwritten. CXAI_NO_MEMORY,
   or CXAI_LIMIT where LAPACK finds none. */
cxai_status cx_largest_eigen(double *matrix, int64_t n, double *value,
                             double *vector, cxai_error *error);

/* Chooses the sign of a map for which sum(map * guide) is not negative; where
   that is 0, or guide is NULL, the one that makes its largest magnitude
   positive. */
void cx_choose_sign(double *map, const double *guide, int64_t count);

/*
 * The first principal component of what stands at the positions of a layer:
 * numbers, dense (channels,positions), are centred for each channel and each
 * position is projected onto the direction in which they vary most, as
 * pytorch-grad-cam's get_2d_projection does. The singular value decomposition
 * leaves the sign open; it follows the guide, dense (positions), see above.
 * A map of NaN where a number is not finite.
 */
cxai_status cx_principal_map(const cxai_real *numbers, int64_t channels,
                             int64_t positions, const double *guide,
                             cxai_real *map, cxai_error *error);

#endif
