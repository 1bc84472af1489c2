/*
 * Drawing: colour maps, overlays, tiles, colour bars and text.
 *
 * Maps are dense arrays of height x width reals, rows from the top. A value
 * that is not finite stands for "nothing is known here".
 *
 * Functions that make a picture leave one with 3 channels in *out, unless they
 * say otherwise, owned by the caller (cxai_image_free); on failure *out is
 * zero. All functions may be
 * called from any thread.
 */
#ifndef CXAI_DRAW_H
#define CXAI_DRAW_H

#include "cxai/image.h"
#include "cxai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cxai_colormap {
    CXAI_VIRIDIS, /* viridis, inferno, magma, plasma: N. Smith, S. van der
                     Walt, E. Firing, CC0 */
    CXAI_INFERNO,
    CXAI_MAGMA,
    CXAI_PLASMA,
    CXAI_CIVIDIS,   /* J. Nunez, C. Anderton, R. Renslow, PLoS ONE 13, 2018 */
    CXAI_TURBO,     /* A. Mikhailov, 2019; of these two every third colour, the
                       others between them */
    CXAI_JET,       /* as OpenCV draws it */
    CXAI_GREY_MAP,  /* black to white */
    CXAI_DIVERGING, /* blue, white in the middle (0.5), red: signed maps */
    CXAI_COLORMAP_COUNT,
} cxai_colormap;

/* "viridis", ...; NULL when out of range. */
CXAI_API const char *cxai_colormap_name(cxai_colormap colormap);

/* CXAI_NOT_FOUND lists the names. */
CXAI_API cxai_status cxai_colormap_find(const char *name,
                                        cxai_colormap *colormap,
                                        cxai_error *error);

/* The colour of a value, which is clamped to 0..1: of 256 colours the one
   numbered min(255, floor(256 * value)). CXAI_DIVERGING has a middle, which 256
   colours have not: it is continuous, neutral at 0.5 and equally far from
   neutral at equal distances from it. Not finite: mid grey. */
CXAI_API void cxai_colormap_colour(cxai_colormap colormap, double value,
                                   uint8_t rgb[3]);

/* The range that a map's colours span. */
typedef struct cxai_range {
    double low;
    double high;
} cxai_range;

/* Smallest and largest finite value, 0 and 0 when there is none. symmetric 1:
   -m and m, m the largest magnitude, so that 0 falls on the middle colour. */
CXAI_API cxai_range cxai_map_range(const cxai_real *map, size_t count,
                                   int symmetric);

/* A map as a picture of its own size: low gets the first colour, high the
   last. A range without extent gives the first colour (the middle one when it
   is 0 and 0 in CXAI_DIVERGING). */
CXAI_API cxai_status cxai_map_draw(cxai_image *out, const cxai_real *map,
                                   int height, int width, cxai_range range,
                                   cxai_colormap colormap, cxai_error *error);

/* How a map's colours are laid over a photo. */
typedef enum cxai_blend {
    CXAI_BLEND_ALPHA,    /* (1 - alpha) * photo + alpha * colour */
    CXAI_BLEND_MULTIPLY, /* (1 - alpha) * photo + alpha * photo * colour / 255:
                            with CXAI_GREY_MAP the photo where it is hot and
                            black where it is not */
} cxai_blend;

/*
 * Lays a map (0..1, of the photo's size) over a photo, rounded. alpha 0 gives
 * the photo bit for bit, alpha 1 in CXAI_BLEND_ALPHA the colours alone. Pixels
 * without a finite value keep the photo's colour.
 */
CXAI_API cxai_status cxai_overlay(cxai_image *out, const cxai_image *photo,
                                  const cxai_real *map, cxai_colormap colormap,
                                  double alpha, cxai_blend blend,
                                  cxai_error *error);

/* A map (0..1) alone, to be laid over something later: 4 channels, the map's
   colours, and as alpha the distance from zero, which is 0 or, of signed maps,
   0.5: round(255 * |value - zero| / (1 - zero)). Pixels without a finite value
   are transparent. */
CXAI_API cxai_status cxai_map_transparent(cxai_image *out, const cxai_real *map,
                                          int height, int width, double zero,
                                          cxai_colormap colormap,
                                          cxai_error *error);

/* ---- lines and regions ---------------------------------------------------

   Lines are white with a dark rim, so that they can be seen on any ground, and
   wider on larger pictures. */

/* Draws the lines at which a map, of the image's size, crosses one of the
   levels: marching squares between the centres of four pixels, linear between
   two of them. No line passes pixels without a finite value.
   W. Lorensen, H. Cline, "Marching cubes", SIGGRAPH 1987, in two dimensions; a
   square whose corners are above and below crosswise goes by their mean. */
CXAI_API cxai_status cxai_contours_draw(cxai_image *image, const cxai_real *map,
                                        const double *levels, int count,
                                        cxai_error *error);

/* A box in pixels; right and bottom are exclusive. */
typedef struct cxai_box {
    int left, top, right, bottom;
} cxai_box;

/* Draws a box's outline, its line inside; what lies outside of the picture is
   cut off. */
CXAI_API void cxai_box_draw(cxai_image *image, cxai_box box);

/* The hot region of a map: of the pixels at or above a threshold, connected by
   sides or corners, the region that holds the most heat, their sum (of equal
   ones the first, row by row). */
typedef struct cxai_region {
    cxai_box box;              /* empty, all 0, where nothing is hot */
    int64_t area;              /* pixels of the region */
    double heat;               /* sum of the map over it */
    double centre_x, centre_y; /* its centre of mass, weighted by the map; the
                                  first pixel's centre is 0.5; NaN where nothing
                                  is hot */
    int64_t regions;           /* how many there are */
    int64_t hot_area;          /* pixels of all of them */
} cxai_region;

/* threshold: above 0. CXAI_LIMIT for a map of 2^31 pixels or more. */
CXAI_API cxai_status cxai_map_region(cxai_region *region, const cxai_real *map,
                                     int height, int width, double threshold,
                                     cxai_error *error);

/* ---- text ----------------------------------------------------------------

   A bitmap font of our own for printable ASCII; every other character (UTF-8)
   is drawn as '?'. A character takes CXAI_TEXT_WIDTH x CXAI_TEXT_HEIGHT
   pixels, times scale, spacing included. */

enum { CXAI_TEXT_WIDTH = 6, CXAI_TEXT_HEIGHT = 10 };

/* The scale of text beside a picture with a side of so many pixels: twice from
   320 pixels on, and growing with pictures above 960. */
CXAI_API int cxai_text_scale(int64_t side);

/* Width in pixels of one line of text at a scale of 1 or more. */
CXAI_API int cxai_text_width(const char *text, int scale);

/* Draws one line with its upper left corner at x, y; what lies outside of the
   picture is cut off. */
CXAI_API void cxai_text_draw(cxai_image *image, int x, int y, const char *text,
                             const uint8_t rgb[3], int scale);

/* Cuts a text with ".." so that it is at most width pixels wide at scale 1;
   writes at most size bytes with a final 0 and returns `out`. */
CXAI_API char *cxai_text_fit(const char *text, int width, char *out,
                             size_t size);

/* ---- grids ---------------------------------------------------------------

   Tiles on a light ground, from left to right, then down. */

/* Zero-initialise for the defaults. */
typedef struct cxai_tiles {
    const char *title;         /* above the grid, or NULL */
    const char *const *labels; /* above each tile; NULL: numbers 0, 1, ... */
    const char *const *row_labels; /* left of each row, read upwards; or NULL.
                                      With them labels are those of the columns,
                                      above the first row alone */
    int hide_labels;               /* 1: neither labels nor numbers */
    int columns;                   /* 0: about as wide as high */
    int upscale; /* each pixel becomes upscale x upscale; 0: so
                    that a tile is at least 64 pixels wide */
    int gap;     /* pixels between tiles; 0: 4 */

    /* maps only */
    cxai_colormap colormap;
    int shared_range; /* 1: one range for all tiles, with a colour bar; 0:
                         each tile its own */
    int symmetric;    /* as in cxai_map_range */
    int use_range;    /* 1: `range` for all tiles, with a colour bar */
    cxai_range range;
} cxai_tiles;

/* Draws count maps of height x width each, one behind the other in maps
   (count, height, width). CXAI_LIMIT when the grid would have more than 2^28
   pixels. style may be NULL. */
CXAI_API cxai_status cxai_tiles_maps(cxai_image *out, const cxai_real *maps,
                                     int count, int height, int width,
                                     const cxai_tiles *style,
                                     cxai_error *error);

/* Draws count pictures, whose sizes may differ: a column is as wide as its
   widest picture, a row as high as the highest of all. columns = count puts
   pictures, and a colour bar, side by side. upscale 0 means 1 here. Pictures of
   4 channels are laid over the ground. */
CXAI_API cxai_status cxai_tiles_images(cxai_image *out,
                                       const cxai_image *images, int count,
                                       const cxai_tiles *style,
                                       cxai_error *error);

/* A vertical colour bar of a height (at least 40), with numbers at its ends
   and in the middle. */
CXAI_API cxai_status cxai_colorbar(cxai_image *out, int height,
                                   cxai_range range, cxai_colormap colormap,
                                   cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
