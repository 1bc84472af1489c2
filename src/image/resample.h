/*
 * Resampling of 8-bit pictures, in full or through a window.
 */
#ifndef CX_IMAGE_RESAMPLE_H
#define CX_IMAGE_RESAMPLE_H

#include "cxai/image.h"

/* The picture resized to full_width x full_height, of which only the window
   at (left, top) of width x height is wanted: the rest is not computed. The
   window lies inside. */
typedef struct cx_resample {
    int64_t full_width;
    int64_t full_height;
    int64_t left;
    int64_t top;
    int width;
    int height;
    cxai_filter filter;
} cx_resample;

/* in: height x width x channels (1 to 4), dense; out: the window, dense. Every
   sample equals that of Pillow's Image.resize to the full size. Returns 0, or
   -1 when there is no memory. */
int cx_resample_apply(const cx_resample *plan, const uint8_t *in, int width,
                      int height, int channels, uint8_t *out);

#endif
