/* Lines with a rim, antialiased: a pixel is covered as far as its centre lies
   inside of a line's edge, within half a pixel of which it fades. */
#include "image/lines.h"

#include "base/alloc.h"
#include "image/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS_A_WIDTH = 400 };

/* Of the dark rim on either side. */
static double rim_of(double line)
{
    return 0.5 + line / 2;
}

int cx_line_width(int width, int height)
{
    int side = width > height ? width : height;
    return 1 + side / PIXELS_A_WIDTH;
}

cxai_status cx_lines_begin(cx_lines *lines, const cxai_image *image,
                           cxai_error *error)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    double line = cx_line_width(image->width, image->height);
    *lines = (cx_lines){ .width = image->width,
                         .height = image->height,
                         .line = line,
                         .reach = line / 2 + rim_of(line) + 0.5,
                         .distance = cx_alloc(count, sizeof(float)) };
    if (lines->distance == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for lines");
    for (size_t i = 0; i < count; i++)
        lines->distance[i] = (float)lines->reach;
    return CXAI_OK;
}

void cx_lines_end(cx_lines *lines)
{
    free(lines->distance);
    lines->distance = NULL;
}

/* Distance of x, y from the line between two points. */
static double distance_from(const double from[2], const double to[2], double x,
                            double y)
{
    double along_x = to[0] - from[0], along_y = to[1] - from[1];
    double length = along_x * along_x + along_y * along_y;
    double t =
        length > 0
            ? ((x - from[0]) * along_x + (y - from[1]) * along_y) / length
            : 0;
    t = fmax(0, fmin(1, t));
    return hypot(x - from[0] - t * along_x, y - from[1] - t * along_y);
}

/* The pixels whose centres may lie within reach of low..high, on an axis of
   count pixels. */
static void span(double low, double high, double reach, int count, int *first,
                 int *end)
{
    *first = (int)fmax(0, floor(fmin(low, high) - reach));
    *end = (int)fmin(count, ceil(fmax(low, high) + reach));
}

void cx_lines_add(cx_lines *lines, const double from[2], const double to[2])
{
    int left, right, top, bottom;
    span(from[0], to[0], lines->reach, lines->width, &left, &right);
    span(from[1], to[1], lines->reach, lines->height, &top, &bottom);
    for (int y = top; y < bottom; y++) {
        float *row = lines->distance + (size_t)y * (size_t)lines->width;
        for (int x = left; x < right; x++) {
            float d = (float)distance_from(from, to, x + 0.5, y + 0.5);
            row[x] = d < row[x] ? d : row[x];
        }
    }
}

/* Lays a colour over a pixel, which may itself be transparent (W3C compositing,
   "source over"). */
static void cover(uint8_t *pixel, int channels, const uint8_t rgb[3],
                  double share)
{
    double below = channels == 4 ? pixel[3] / 255.0 : 1;
    double rest = below * (1 - share), whole = share + rest;
    if (whole <= 0)
        return;
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)lround((share * rgb[c] + rest * pixel[c]) / whole);
    if (channels == 4)
        pixel[3] = (uint8_t)lround(255 * whole);
}

/* How far a distance lies inside of an edge. */
static double covered(double edge, double distance)
{
    return fmax(0, fmin(1, edge + 0.5 - distance));
}

void cx_lines_draw(const cx_lines *lines, cxai_image *image)
{
    static const uint8_t white[3] = { 255, 255, 255 };
    size_t count = (size_t)lines->width * (size_t)lines->height;
    double line = lines->line / 2, rim = line + rim_of(lines->line);
    for (size_t i = 0; i < count; i++) {
        double distance = (double)lines->distance[i];
        uint8_t *pixel = image->pixels + i * (size_t)image->channels;
        if (distance >= lines->reach)
            continue;
        cover(pixel, image->channels, cx_ink, covered(rim, distance));
        cover(pixel, image->channels, white, covered(line, distance));
    }
}
