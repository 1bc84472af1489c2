/* Text in a picture. */
#include "cxai/draw.h"
#include "image/canvas.h"
#include "image/font.h"

#include <stdio.h>
#include <string.h>

enum { GLYPH_WIDTH = 5 };

/* Steps over one UTF-8 character and returns its glyph. Damaged UTF-8 counts
   as one character for every lead byte. */
static int next_glyph(const char **text)
{
    unsigned char c = (unsigned char)*(*text)++;
    while (((unsigned char)**text & 0xc0) == 0x80)
        (*text)++;
    if (c < CX_FONT_FIRST || c >= CX_FONT_FIRST + CX_FONT_GLYPHS)
        c = '?';
    return c - CX_FONT_FIRST;
}

int cxai_text_width(const char *text, int scale)
{
    int width = 0;
    while (*text != '\0') {
        next_glyph(&text);
        width += CXAI_TEXT_WIDTH * scale;
    }
    return width;
}

/* Draws one glyph with its upper left corner at x, y; or, turned upwards, with
   its lower left corner there. */
static void draw_glyph(cxai_image *image, int x, int y, const uint8_t *glyph,
                       const uint8_t rgb[3], int scale, int upwards)
{
    for (int row = 0; row < CX_FONT_ROWS; row++)
        for (int column = 0; column < GLYPH_WIDTH; column++) {
            int left = x + scale * (upwards ? row : column);
            int top = y + scale * (upwards ? -column - 1 : row);
            if (glyph[row] >> (GLYPH_WIDTH - 1 - column) & 1)
                cx_fill(image,
                        (cxai_box){ left, top, left + scale, top + scale },
                        rgb);
        }
}

void cxai_text_draw(cxai_image *image, int x, int y, const char *text,
                    const uint8_t rgb[3], int scale)
{
    for (; *text != '\0' && x < image->width; x += CXAI_TEXT_WIDTH * scale)
        draw_glyph(image, x, y, cx_font[next_glyph(&text)], rgb, scale, 0);
}

void cx_text_draw_upwards(cxai_image *image, int x, int y, const char *text,
                          const uint8_t rgb[3], int scale)
{
    for (; *text != '\0' && y > 0; y -= CXAI_TEXT_WIDTH * scale)
        draw_glyph(image, x, y, cx_font[next_glyph(&text)], rgb, scale, 1);
}

char *cxai_text_fit(const char *text, int width, char *out, size_t size)
{
    int room = width / CXAI_TEXT_WIDTH; /* characters */
    int whole = cxai_text_width(text, 1) <= width;
    const char *end = text;
    for (int i = 0; *end != '\0' && (whole || i < room - 2); i++)
        next_glyph(&end);
    snprintf(out, size, "%.*s%s", (int)(end - text), text,
             whole      ? ""
             : room > 1 ? ".."
             : room > 0 ? "."
                        : "");
    return out;
}
