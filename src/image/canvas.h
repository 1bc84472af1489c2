/*
 * What tiles and colour bars share: their colours and measures.
 */
#ifndef CX_IMAGE_CANVAS_H
#define CX_IMAGE_CANVAS_H

#include "cxai/draw.h"

enum {
    CX_BAR_WIDTH = 14,
    CX_BAR_GAP = 4, /* between a colour bar and its numbers */
    CX_BAR_MIN_HEIGHT = 40,
};

extern const uint8_t cx_ground[3];
extern const uint8_t cx_ink[3];

/* A picture filled with cx_ground; CXAI_LIMIT above 2^28 pixels. */
cxai_status cx_canvas_create(cxai_image *out, int64_t width, int64_t height,
                             cxai_error *error);

/* Copies a picture with its upper left corner at left, top, each pixel
   becoming upscale x upscale; it lies inside. Alpha is ignored. */
void cx_canvas_paste(cxai_image *canvas, int left, int top,
                     const cxai_image *image, int upscale);

/* Text is twice as large beside large pictures. side: of the picture. */
int cx_text_scale(int64_t side);

/* Width of a colour bar of this height, with its numbers. */
int cx_bar_width(int64_t height, cxai_range range);

/* Draws a colour bar of that width at left, top. */
void cx_bar_draw(cxai_image *canvas, int left, int top, int height,
                 cxai_range range, cxai_colormap colormap);

#endif
