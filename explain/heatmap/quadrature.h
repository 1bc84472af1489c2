/* Numerical integration over a path. */
#ifndef CXAI_HEATMAP_QUADRATURE_H
#define CXAI_HEATMAP_QUADRATURE_H

/* Gauss-Legendre nodes and weights on 0..1, ascending, count >= 1: exact for
   polynomials of degree 2 count - 1; the weights sum to 1. */
void cx_gauss_legendre(int count, double *nodes, double *weights);

#endif
