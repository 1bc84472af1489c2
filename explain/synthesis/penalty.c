/* Mahendran and Vedaldi, "Understanding deep image representations by inverting
   them" (CVPR 2015), section 3, with beta 1 and without the square root. */
#include "penalty.h"

#include <math.h>

static double elements(const cx_penalty *p)
{
    return (double)p->planes * p->height * p->width;
}

double cx_penalty_value(const cx_penalty *p, const cxai_real *picture)
{
    double variation = 0, square = 0;

    if (p->total_variation == 0 && p->l2 == 0)
        return 0;
    for (int row = 0; row < p->planes * p->height; row++) {
        const cxai_real *at = picture + (size_t)row * (size_t)p->width;
        int last = row % p->height == p->height - 1;
        for (int x = 0; x < p->width; x++) {
            double v = (double)at[x];
            if (x + 1 < p->width)
                variation += fabs((double)at[x + 1] - v);
            if (!last)
                variation += fabs((double)at[x + p->width] - v);
            square += (v - 0.5) * (v - 0.5);
        }
    }
    return (p->total_variation * variation + p->l2 * square) / elements(p);
}

static cxai_real sign_of(cxai_real v)
{
    return (cxai_real)((v > 0) - (v < 0));
}

void cx_penalty_subtract(const cx_penalty *p, const cxai_real *picture,
                         cxai_real *gradient)
{
    cxai_real variation = (cxai_real)(p->total_variation / elements(p));
    cxai_real square = (cxai_real)(2 * p->l2 / elements(p));

    if (p->total_variation == 0 && p->l2 == 0)
        return;
    for (int row = 0; row < p->planes * p->height; row++) {
        size_t at = (size_t)row * (size_t)p->width;
        int last = row % p->height == p->height - 1;
        for (int x = 0; x < p->width; x++, at++) {
            cxai_real v = picture[at];
            gradient[at] -= square * (v - (cxai_real)0.5);
            if (x + 1 < p->width) {
                cxai_real s = variation * sign_of(picture[at + 1] - v);
                gradient[at] += s;
                gradient[at + 1] -= s;
            }
            if (!last) {
                size_t below = at + (size_t)p->width;
                cxai_real s = variation * sign_of(picture[below] - v);
                gradient[at] += s;
                gradient[below] -= s;
            }
        }
    }
}
