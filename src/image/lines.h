/*
 * Lines on any ground: white with a dark rim. What is drawn together does not
 * cover itself: pixels go by their distance from the nearest line.
 */
#ifndef CX_IMAGE_LINES_H
#define CX_IMAGE_LINES_H

#include "cxai/image.h"

typedef struct cx_lines {
    int width, height;
    double line;     /* width of the white line */
    double reach;    /* beyond it nothing is seen of a line */
    float *distance; /* of pixels' centres, up to reach; owned */
} cx_lines;

/* Width of the lines on a picture of this size, in pixels. */
int cx_line_width(int width, int height);

/* Lines for a picture; cx_lines_end ends them. */
cxai_status cx_lines_begin(cx_lines *lines, const cxai_image *image,
                           cxai_error *error);
void cx_lines_end(cx_lines *lines);

/* One from x, y to another point; the first pixel's centre is 0.5, 0.5. */
void cx_lines_add(cx_lines *lines, const double from[2], const double to[2]);

/* Draws them all. */
void cx_lines_draw(const cx_lines *lines, cxai_image *image);

#endif
