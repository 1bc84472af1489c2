/* Drawing of heatmaps for the command line. */
#ifndef CLI_HEAT_H
#define CLI_HEAT_H

#include "input.h"

#include "cxai/draw.h"
#include "cxai/heatmap.h"

typedef struct heat_style {
    cxai_colormap colormap;
    double alpha;
    cxai_heatmap_sign sign;
    int side_by_side;
    int colorbar;
} heat_style;

/* The picture that a row of an input shows: the photo, or the array's row
   turned back into one. Ended by cxai_image_free. */
cxai_status heat_photo(cxai_image *photo, cxai_geometry *geometry,
                       const input *in, const workbench *bench, int64_t row,
                       cxai_error *error);

/* How a map's scale, and its picture's, come from the raw numbers. */
const char *heat_normalisation(const cxai_heatmap *map);

/* Lays heatmaps over their photo: one alone, several as a grid with the names
   of their targets. */
cxai_status heat_draw(cxai_image *out, const cxai_image *photo,
                      const cxai_geometry *geometry, const cxai_heatmap *maps,
                      const char *const *names, int count,
                      const heat_style *style, cxai_error *error);

#endif
