/* Regions that overlap: which pixels each has, and in which each pixel is. */
#ifndef CXAI_HEATMAP_OVERLAP_H
#define CXAI_HEATMAP_OVERLAP_H

#include "cxai/heatmap.h"

typedef struct cx_overlap {
    int64_t pixels, regions;
    int64_t count, room; /* pairs of a pixel and a region; room for them */
    int64_t *of_pixel;   /* [pixels + 1]: where its regions begin */
    int32_t *region;     /* [count] */
    int64_t *of_region;  /* [regions + 1]: where its pixels begin */
    int64_t *pixel;      /* [count] */
} cx_overlap;

/* One division of a picture into regions: labels[height*width], from 0. */
typedef struct cx_division {
    const int32_t *labels;
    int32_t count;
} cx_division;

/* All regions of several divisions, numbered division by division, each grown
   by what lies within radius pixels of it. cx_overlap_free ends it in either
   case. */
cxai_status cx_overlap_make(cx_overlap *overlap, const cx_division *divisions,
                            int count, int64_t height, int64_t width,
                            int radius, cxai_error *error);
void cx_overlap_free(cx_overlap *overlap);

#endif
