/* Contour lines, by marching squares. */
#include "cxai/draw.h"

#include <math.h>

#include "image/lines.h"

/* A square's corners are numbered from the upper left one clockwise, its edges
   from the upper one; edge e joins the corners e and e + 1. */
enum { CORNERS = 4, NO_EDGE = -1 };

/* Up to two lines, from edge to edge, by the corners that are at or above the
   level (bit c: corner c). Those of 5 and 10 part the two corners that are not:
   that is right where the mean is above. */
static const signed char edges[16][4] = {
    { -1, -1, -1, -1 }, { 3, 0, -1, -1 }, { 0, 1, -1, -1 }, { 3, 1, -1, -1 },
    { 1, 2, -1, -1 },   { 0, 1, 2, 3 },   { 0, 2, -1, -1 }, { 3, 2, -1, -1 },
    { 2, 3, -1, -1 },   { 0, 2, -1, -1 }, { 3, 0, 1, 2 },   { 1, 2, -1, -1 },
    { 1, 3, -1, -1 },   { 0, 1, -1, -1 }, { 3, 0, -1, -1 }, { -1, -1, -1, -1 },
};

typedef struct square {
    int x, y; /* of the upper left pixel */
    double value[CORNERS];
} square;

/* Where a level crosses an edge. */
static void cross(const square *s, int edge, double level, double point[2])
{
    static const int across[CORNERS] = { 0, 1, 1, 0 };
    static const int down[CORNERS] = { 0, 0, 1, 1 };
    int next = (edge + 1) % CORNERS;
    double from = s->value[edge], to = s->value[next];
    double t = (level - from) / (to - from);
    point[0] = s->x + 0.5 + across[edge] + t * (across[next] - across[edge]);
    point[1] = s->y + 0.5 + down[edge] + t * (down[next] - down[edge]);
}

static void add_lines(cx_lines *lines, const square *s, double level)
{
    unsigned above = 0;
    double mean = 0;
    for (int c = 0; c < CORNERS; c++) {
        above |= s->value[c] >= level ? 1u << c : 0;
        mean += s->value[c] / CORNERS;
    }
    if ((above == 5 || above == 10) && mean < level)
        above = 15 - above;
    for (int i = 0; i < 4 && edges[above][i] != NO_EDGE; i += 2) {
        double from[2], to[2];
        cross(s, edges[above][i], level, from);
        cross(s, edges[above][i + 1], level, to);
        cx_lines_add(lines, from, to);
    }
}

/* 0 where a corner has no finite value. */
static int read_square(square *s, const cxai_real *map, int width, int x, int y)
{
    const cxai_real *upper = map + (size_t)y * (size_t)width + x;
    const cxai_real *lower = upper + width;
    *s = (square){ x,
                   y,
                   { (double)upper[0], (double)upper[1], (double)lower[1],
                     (double)lower[0] } };
    for (int c = 0; c < CORNERS; c++)
        if (!isfinite(s->value[c]))
            return 0;
    return 1;
}

cxai_status cxai_contours_draw(cxai_image *image, const cxai_real *map,
                               const double *levels, int count,
                               cxai_error *error)
{
    cx_lines lines;
    cxai_status status = cx_lines_begin(&lines, image, error);
    if (status != CXAI_OK)
        return status;
    for (int y = 0; y + 1 < image->height; y++)
        for (int x = 0; x + 1 < image->width; x++) {
            square s;
            if (!read_square(&s, map, image->width, x, y))
                continue;
            for (int i = 0; i < count; i++)
                add_lines(&lines, &s, levels[i]);
        }
    cx_lines_draw(&lines, image);
    cx_lines_end(&lines);
    return CXAI_OK;
}
