/* Colour maps, and maps drawn with them. */
#include "image/colormap.h"

#include "cxai/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NODES_OF_ALL = 256, NODES_OF_SOME = 86, LAST = 255 };

static const uint8_t unknown_colour[3] = { 128, 128, 128 };

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int hex_byte(const char *text)
{
    return hex_digit(text[0]) * 16 + hex_digit(text[1]);
}

/* Colour `index` of 0..255 from evenly spaced nodes, the first at 0 and the
   last at 255. */
static void from_table(const char *nodes, int node_count, int index,
                       uint8_t rgb[3])
{
    int step = LAST / (node_count - 1);
    int node = index / step, rest = index % step;
    for (int c = 0; c < 3; c++) {
        const char *digits = nodes + 6 * node + 2 * c;
        int low = hex_byte(digits);
        int high = rest > 0 ? hex_byte(digits + 6) : low;
        rgb[c] =
            (uint8_t)((low * (step - rest) + high * rest + step / 2) / step);
    }
}

/* OpenCV's COLORMAP_JET: straight lines of slope 4 with offsets that are half
   colours, rounded half to even. i counts from where blue rises through half,
   and each channel is a trapezium of the same form. */
static uint8_t jet_channel(double rising, double falling)
{
    return (uint8_t)nearbyint(fmax(0, fmin(255, fmin(rising, falling))));
}

static void jet(int i, uint8_t rgb[3])
{
    rgb[0] = jet_channel(1.5 + 4 * (i - 96), 251.5 - 4 * (i - 224));
    rgb[1] = jet_channel(0.5 + 4 * (i - 32), 252.5 - 4 * (i - 160));
    rgb[2] = jet_channel(127.5 + 4 * i, 253.5 - 4 * (i - 96));
}

/* Ours: from white to a dark blue and a dark red, equally far from white at
   equal distance from the middle. t in -1..1. */
static void diverging(double t, uint8_t rgb[3])
{
    static const double blue[3] = { 12, 52, 140 }, red[3] = { 150, 12, 30 };
    const double *end = t < 0 ? blue : red;
    double strength = pow(fabs(t), 0.85);
    int own = t < 0 ? 2 : 0; /* the channel that fades last */
    for (int c = 0; c < 3; c++) {
        double s = c == own ? strength * strength : strength;
        rgb[c] = (uint8_t)nearbyint(250 + (end[c] - 250) * s);
    }
}

static void indexed_colour(cxai_colormap colormap, int i, uint8_t rgb[3])
{
    switch (colormap) {
    case CXAI_VIRIDIS:
        from_table(cx_colours_viridis, NODES_OF_ALL, i, rgb);
        return;
    case CXAI_INFERNO:
        from_table(cx_colours_inferno, NODES_OF_ALL, i, rgb);
        return;
    case CXAI_MAGMA: from_table(cx_colours_magma, NODES_OF_ALL, i, rgb); return;
    case CXAI_PLASMA:
        from_table(cx_colours_plasma, NODES_OF_ALL, i, rgb);
        return;
    case CXAI_CIVIDIS:
        from_table(cx_colours_cividis, NODES_OF_SOME, i, rgb);
        return;
    case CXAI_TURBO:
        from_table(cx_colours_turbo, NODES_OF_SOME, i, rgb);
        return;
    case CXAI_JET: jet(i, rgb); return;
    case CXAI_GREY_MAP:
    case CXAI_DIVERGING:
    case CXAI_COLORMAP_COUNT: memset(rgb, i, 3); return;
    }
}

void cxai_colormap_colour(cxai_colormap colormap, double value, uint8_t rgb[3])
{
    if (!isfinite(value)) {
        memcpy(rgb, unknown_colour, 3);
        return;
    }
    double clamped = fmax(0, fmin(1, value));
    int index = (int)(clamped * 256);
    if (colormap == CXAI_DIVERGING)
        diverging(2 * clamped - 1, rgb);
    else
        indexed_colour(colormap, index > LAST ? LAST : index, rgb);
}

/* ---- names ---- */

static const char *const names[CXAI_COLORMAP_COUNT] = {
    [CXAI_VIRIDIS] = "viridis",
    [CXAI_INFERNO] = "inferno",
    [CXAI_MAGMA] = "magma",
    [CXAI_PLASMA] = "plasma",
    [CXAI_CIVIDIS] = "cividis",
    [CXAI_TURBO] = "turbo",
    [CXAI_JET] = "jet",
    [CXAI_GREY_MAP] = "grey",
    [CXAI_DIVERGING] = "diverging"
};

const char *cxai_colormap_name(cxai_colormap colormap)
{
    int index = (int)colormap;
    return index >= 0 && index < CXAI_COLORMAP_COUNT ? names[index] : NULL;
}

cxai_status cxai_colormap_find(const char *name, cxai_colormap *colormap,
                               cxai_error *error)
{
    char known[160] = "";
    for (int i = 0; i < CXAI_COLORMAP_COUNT; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            *colormap = (cxai_colormap)i;
            return CXAI_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s",
                 used > 0 ? ", " : "", names[i]);
    }
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "there is no colour map \"%.64s\"; known are %s", name,
                     known);
}

/* ---- maps ---- */

cxai_range cxai_map_range(const cxai_real *map, size_t count, int symmetric)
{
    cxai_range range = { HUGE_VAL, -HUGE_VAL };
    for (size_t i = 0; i < count; i++) {
        double value = (double)map[i];
        if (!isfinite(value))
            continue;
        range.low = fmin(range.low, value);
        range.high = fmax(range.high, value);
    }
    if (range.low > range.high)
        return (cxai_range){ 0, 0 };
    if (symmetric) {
        range.high = fmax(fabs(range.low), fabs(range.high));
        range.low = -range.high;
    }
    return range;
}

cxai_status cxai_map_draw(cxai_image *out, const cxai_real *map, int height,
                          int width, cxai_range range, cxai_colormap colormap,
                          cxai_error *error)
{
    cxai_status status = cxai_image_create(out, width, height, 3, error);
    if (status != CXAI_OK)
        return status;
    double extent = range.high - range.low;
    double flat = colormap == CXAI_DIVERGING && range.low == 0 ? 0.5 : 0;
    size_t count = (size_t)height * (size_t)width;
    for (size_t i = 0; i < count; i++) {
        double value = (double)map[i];
        if (isfinite(value))
            value = extent > 0 ? (value - range.low) / extent : flat;
        cxai_colormap_colour(colormap, value, out->pixels + 3 * i);
    }
    return CXAI_OK;
}
