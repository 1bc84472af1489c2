/*
 * The bitmap font of text.c.
 */
#ifndef CX_IMAGE_FONT_H
#define CX_IMAGE_FONT_H

#include <stdint.h>

enum { CX_FONT_FIRST = 32, CX_FONT_GLYPHS = 95, CX_FONT_ROWS = 9 };

/* Glyph i is character CX_FONT_FIRST + i. */
extern const uint8_t cx_font[CX_FONT_GLYPHS][CX_FONT_ROWS];

#endif
