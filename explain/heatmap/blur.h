/* Gaussian blur of pictures. */
#ifndef CXAI_HEATMAP_BLUR_H
#define CXAI_HEATMAP_BLUR_H

#include "cxai/heatmap.h"

/* What a Gaussian of deviation sigma, in pixels, is cut off at: 4 sigma,
   rounded, as scipy.ndimage.gaussian_filter does. */
int64_t cx_gaussian_radius(double sigma);

/* weights[-radius .. radius] of a Gaussian that is cut off at its own radius,
   or this one where it is smaller, and then sums to 1; behind it all is 0. With
   sigma 0 it is the pixel itself. */
void cx_gaussian(double *weights, double sigma, int64_t radius);

/* A symmetric filter along one axis: weights[-radius .. radius]. */
typedef struct cx_filter {
    int64_t radius;
    const cxai_real *weights;
} cx_filter;

/* Filters each of count rows of width numbers, beyond which all is 0. out may
   not overlap rows. */
void cx_filter_rows(cx_filter filter, const cxai_real *rows, int64_t count,
                    int64_t width, cxai_real *out);

/* The same along the columns of a map (height,width); adds to out. */
void cx_filter_columns(cx_filter filter, const cxai_real *map, int64_t height,
                       int64_t width, cxai_real *out);

#endif
