/* Points and weights by which an integral over 0..1 becomes a sum. */
#ifndef CXAI_HEATMAP_QUADRATURE_H
#define CXAI_HEATMAP_QUADRATURE_H

/* Gauss-Legendre: nodes ascending, exact for polynomials of degree below
   2 count. */
void cx_gauss_legendre(int count, double *nodes, double *weights);

/* In the order of the choices of CX_RULE_PARAMETER. */
typedef enum cx_rule {
    CX_GAUSS_LEGENDRE,
    CX_TRAPEZOID, /* takes at least 2 points */
    CX_LEFT,
    CX_MIDDLE,
    CX_RIGHT,
} cx_rule;

/* The parameter of a method that lets the user choose. */
#define CX_RULE_PARAMETER                                                      \
    {                                                                          \
        "rule", 0, 0, 4, "gauss trapezoid left middle right",                  \
            "sum that stands for the integral"                                 \
    }

/*
 * All but the first divide 0..1 evenly: at i/(n-1) with weight 1/(n-1), the two
 * ends half of it; at i/n, (i+1/2)/n and (i+1)/n with weight 1/n, i from 0.
 * captum's trapezoid has the weights 1/n and 1/2n, whose sum is (n-1)/n.
 */
void cx_quadrature(cx_rule rule, int count, double *nodes, double *weights);

#endif
