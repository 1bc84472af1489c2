/*
 * Regions of a picture. Felzenszwalb and Huttenlocher, "Efficient graph-based
 * image segmentation", IJCV 2004: pixels are the nodes of a graph, neighbours
 * are joined from the most to the least alike, and two regions become one
 * where the edge between them is no larger than what varies inside each.
 */
#ifndef CXAI_HEATMAP_SEGMENTS_H
#define CXAI_HEATMAP_SEGMENTS_H

#include "cxai/heatmap.h"

typedef struct cx_segmentation {
    double scale;  /* k of the paper for samples of 0..255: larger values give
                      larger regions */
    double sigma;  /* of the Gaussian that smooths first, in pixels; 0: none */
    int64_t least; /* pixels of a region; smaller ones join a neighbour */
} cx_segmentation;

/* picture: dense (height,width,channels), samples of 0..1. labels[height*width]
   gets the region of each pixel, numbered from 0 in the order of their first
   pixels; *count, how many there are. */
cxai_status cx_segment(const double *picture, int64_t height, int64_t width,
                       int64_t channels, const cx_segmentation *how,
                       int32_t *labels, int32_t *count, cxai_error *error);

/* The regions of the call's picture, its range stretched to 0..1. */
cxai_status cx_segment_input(const cxai_heatmap_call *call,
                             const cx_segmentation *how, int32_t *labels,
                             int32_t *count, cxai_error *error);

#endif
