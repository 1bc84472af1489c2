/* Drawing of heatmaps for the command line, and what there is to tell of
   them. */
#ifndef CLI_HEAT_H
#define CLI_HEAT_H

#include "heat_style.h"
#include "input.h"

/* What a heatmap says over its photo. Values are those of the map to look at:
   0..1, or -1..1 of signed maps. Only what the network saw counts. */
typedef struct heat_facts {
    int known;       /* 0: the map shows nothing, or was not drawn */
    double scale[2]; /* what the ends of the colours are in the numbers that the
                        method computed */
    double mean;
    double centre_x, centre_y; /* centre of mass of what is above 0, in pixels
                                  of the photo; the first's centre is 0.5 */
    int64_t seen;              /* pixels of the photo that the network saw */
    double threshold;
    cxai_region hot;
    double heat_share; /* of all that is above 0, in the hot region */
} heat_facts;

/* The picture that a row of an input shows: the photo, or the array's row
   turned back into one. Ended by cxai_image_free. */
cxai_status heat_photo(cxai_image *photo, cxai_geometry *geometry,
                       const input *in, const workbench *bench, int64_t row,
                       cxai_error *error);

/* How a map's scale, and its picture's, come from the raw numbers. */
const char *heat_normalisation(const cxai_heatmap *map);

/* Draws a heatmap over its photo. The style is that of its method. */
cxai_status heat_draw(cxai_image *out, heat_facts *facts,
                      const cxai_image *photo, const cxai_geometry *geometry,
                      const cxai_heatmap *map, const heat_style *style,
                      cxai_error *error);

/* In the place of a map that shows nothing: the photo veiled, with a word. */
cxai_status heat_draw_nothing(cxai_image *out, const cxai_image *photo,
                              const char *word, cxai_error *error);

/* Adds what is known to a report: an object "map". */
void heat_report(json *report, const heat_facts *facts);

#endif
