/*
 * What tiles and colour bars share: their colours and measures.
 */
#ifndef CX_IMAGE_CANVAS_H
#define CX_IMAGE_CANVAS_H

#include "cxai/draw.h"

enum { CX_BAR_MIN_HEIGHT = 40 };

extern const uint8_t cx_ground[3];
extern const uint8_t cx_ink[3];

/* A picture filled with cx_ground; CXAI_LIMIT above 2^28 pixels. */
cxai_status cx_canvas_create(cxai_image *out, int64_t width, int64_t height,
                             cxai_error *error);

/* Fills a box, as far as it lies in the picture; opaque. */
void cx_fill(cxai_image *image, cxai_box box, const uint8_t rgb[3]);

/* Lays a picture over the canvas with its upper left corner at left, top, each
   pixel becoming upscale x upscale; it lies inside. */
void cx_canvas_paste(cxai_image *canvas, int left, int top,
                     const cxai_image *image, int upscale);

/* cxai_text_draw turned by 90 degrees: the line begins at its lower end, whose
   left corner lies at x, y, and goes up. */
void cx_text_draw_upwards(cxai_image *image, int x, int y, const char *text,
                          const uint8_t rgb[3], int scale);

/* Width of a colour bar of this height, with its numbers. */
int cx_bar_width(int64_t height, cxai_range range);

/* Draws a colour bar of that width at left, top. */
void cx_bar_draw(cxai_image *canvas, int left, int top, int height,
                 cxai_range range, cxai_colormap colormap);

#endif
