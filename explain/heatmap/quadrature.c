#include "quadrature.h"

#include <math.h>

/* Legendre polynomial P_n and its derivative at x, from the recurrence
   k P_k = (2k-1) x P_k-1 - (k-1) P_k-2 (Abramowitz and Stegun 8.5.3, 8.5.4). */
static double legendre(int n, double x, double *derivative)
{
    double previous = 1, current = x;

    for (int k = 2; k <= n; k++) {
        double next = ((2 * k - 1) * x * current - (k - 1) * previous) / k;
        previous = current;
        current = next;
    }
    *derivative = n * (x * current - previous) / (x * x - 1);
    return current;
}

/* The nodes are the roots of P_n; Newton's iteration from the asymptotic
   estimate cos(pi (i + 3/4) / (n + 1/2)) converges quadratically. The weight
   of root x is 2 / ((1 - x^2) P'_n(x)^2) on -1..1 (25.4.29), half of it on
   0..1. */
void cx_gauss_legendre(int count, double *nodes, double *weights)
{
    const double pi = 3.14159265358979323846;

    for (int i = 0; i < count; i++) {
        double x = cos(pi * (i + 0.75) / (count + 0.5)), slope, step;
        int iteration = 0;
        do {
            step = legendre(count, x, &slope) / slope;
            x -= step;
        } while (fabs(step) > 1e-15 && ++iteration < 50);
        legendre(count, x, &slope);
        nodes[count - 1 - i] = 0.5 * (1 + x);
        weights[count - 1 - i] = 1 / ((1 - x * x) * slope * slope);
    }
}

void cx_quadrature(cx_rule rule, int count, double *nodes, double *weights)
{
    static const double offsets[] = {
        [CX_LEFT] = 0, [CX_MIDDLE] = 0.5, [CX_RIGHT] = 1
    };

    if (rule == CX_GAUSS_LEGENDRE) {
        cx_gauss_legendre(count, nodes, weights);
        return;
    }
    int intervals = rule == CX_TRAPEZOID ? count - 1 : count;
    double offset = rule == CX_TRAPEZOID ? 0 : offsets[rule];
    for (int i = 0; i < count; i++) {
        nodes[i] = (i + offset) / intervals;
        weights[i] = 1.0 / intervals;
    }
    if (rule == CX_TRAPEZOID)
        weights[0] = weights[count - 1] = 0.5 / intervals;
}
