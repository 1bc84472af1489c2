/* Canvases and colour bars. */
#include "image/canvas.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_PIXELS = 1 << 28,
    LARGE_SIDE = 320,
    BAR_WIDTH = 14,
    BAR_GAP = 4, /* between a colour bar and its numbers */
    MARKS = 3,
    NUMBER_SIZE = 24,
};

const uint8_t cx_ground[3] = { 246, 246, 246 };
const uint8_t cx_ink[3] = { 32, 32, 32 };

cxai_status cx_canvas_create(cxai_image *out, int64_t width, int64_t height,
                             cxai_error *error)
{
    memset(out, 0, sizeof *out);
    if (width > MAX_PIXELS || height > MAX_PIXELS ||
        width * height > MAX_PIXELS)
        return cxai_fail(error, CXAI_LIMIT,
                         "a drawing of %" PRId64 " x %" PRId64
                         " pixels is too large; draw fewer tiles or scale "
                         "them up less",
                         width, height);
    cxai_status status =
        cxai_image_create(out, (int)width, (int)height, 3, error);
    if (status == CXAI_OK)
        memset(out->pixels, cx_ground[0], (size_t)(width * height) * 3);
    return status;
}

void cx_fill(cxai_image *image, cxai_box box, const uint8_t rgb[3])
{
    int left = box.left > 0 ? box.left : 0, top = box.top > 0 ? box.top : 0;
    for (int y = top; y < box.bottom && y < image->height; y++)
        for (int x = left; x < box.right && x < image->width; x++) {
            size_t at = (size_t)y * (size_t)image->width + (size_t)x;
            uint8_t *pixel = image->pixels + at * (size_t)image->channels;
            memcpy(pixel, rgb, 3);
            if (image->channels == 4)
                pixel[3] = 255;
        }
}

static void lay_over(uint8_t to[3], const uint8_t *from, int channels)
{
    if (channels == 3) {
        memcpy(to, from, 3);
        return;
    }
    double alpha = from[3] / 255.0;
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)lround((1 - alpha) * to[c] + alpha * from[c]);
}

void cx_canvas_paste(cxai_image *canvas, int left, int top,
                     const cxai_image *image, int upscale)
{
    size_t channels = (size_t)image->channels;
    for (int y = 0; y < image->height * upscale; y++) {
        const uint8_t *from = image->pixels + (size_t)(y / upscale) *
                                                  (size_t)image->width *
                                                  channels;
        size_t at = (size_t)(top + y) * (size_t)canvas->width + (size_t)left;
        uint8_t *to = canvas->pixels + at * 3;
        for (int x = 0; x < image->width * upscale; x++, to += 3)
            lay_over(to, from + (size_t)(x / upscale) * channels,
                     image->channels);
    }
}

/* The numbers at the upper end, in the middle and at the lower end. */
static const char *number_at(cxai_range range, int mark, char text[NUMBER_SIZE])
{
    double middle = range.low + (range.high - range.low) / 2;
    double value = mark == 0 ? range.high : mark == 1 ? middle : range.low;
    snprintf(text, NUMBER_SIZE, "%.3g", value);
    return text;
}

int cxai_text_scale(int64_t side)
{
    int64_t scale = side / LARGE_SIDE;
    return scale < 1 ? 1 : scale < 2 ? 2 : (int)scale;
}

/* Of the colours alone, beside text of a scale. */
static int bar_width(int scale)
{
    return scale > 2 ? BAR_WIDTH * scale / 2 : BAR_WIDTH;
}

int cx_bar_width(int64_t height, cxai_range range)
{
    int widest = 0;
    for (int mark = 0; mark < MARKS; mark++) {
        char text[NUMBER_SIZE];
        int width = cxai_text_width(number_at(range, mark, text),
                                    cxai_text_scale(height));
        if (width > widest)
            widest = width;
    }
    return bar_width(cxai_text_scale(height)) + BAR_GAP + widest;
}

void cx_bar_draw(cxai_image *canvas, int left, int top, int height,
                 cxai_range range, cxai_colormap colormap)
{
    int scale = cxai_text_scale(height), width = bar_width(scale);
    for (int y = 0; y < height; y++) {
        uint8_t rgb[3];
        double value = height > 1 ? 1 - y / (height - 1.0) : 0.5;
        cxai_colormap_colour(colormap, value, rgb);
        size_t at = (size_t)(top + y) * (size_t)canvas->width + (size_t)left;
        for (int x = 0; x < width; x++)
            memcpy(canvas->pixels + (at + (size_t)x) * 3, rgb, 3);
    }
    for (int mark = 0; mark < MARKS; mark++) {
        char text[NUMBER_SIZE];
        int y = top + mark * (height - CXAI_TEXT_HEIGHT * scale) / (MARKS - 1);
        cxai_text_draw(canvas, left + width + BAR_GAP, y + scale,
                       number_at(range, mark, text), cx_ink, scale);
    }
}

cxai_status cxai_colorbar(cxai_image *out, int height, cxai_range range,
                          cxai_colormap colormap, cxai_error *error)
{
    if (height < CX_BAR_MIN_HEIGHT)
        height = CX_BAR_MIN_HEIGHT;
    cxai_status status =
        cx_canvas_create(out, cx_bar_width(height, range), height, error);
    if (status == CXAI_OK)
        cx_bar_draw(out, 0, 0, height, range, colormap);
    return status;
}
