/*
 * The embedded network, the photos in data/ and the boxes drawn around their
 * objects (data/boxes.json). What cannot be read fails the test through cmocka.
 */
#ifndef TEST_SUPPORT_PHOTOS_H
#define TEST_SUPPORT_PHOTOS_H

#include <cjson/cJSON.h>

#include "cxai/heatmap.h"
#include "cxai/preprocess.h"

typedef struct photos {
    cxai_model *model;
    cxai_preprocess preprocess;
    cxai_labels *labels;
    cxai_shape input_shape, *shapes;
    cJSON *boxes; /* photo -> label -> [x0, y0, x1, y1] */
} photos;

void photos_open(photos *p);
void photos_close(photos *p);

/* The heatmap of a photo for a label; options may be NULL. */
void photos_explain(const photos *p, const char *photo, const char *label,
                    const cxai_heatmap_method *method,
                    const cxai_heatmap_options *options, cxai_heatmap *map,
                    cxai_geometry *geometry);

/* The share of the positive heat, summed over channels, that lies inside a box
   of the photo, and whether the hottest pixel does. NaN where there is none. */
double photos_share(const cxai_heatmap *map, const cxai_geometry *geometry,
                    const cJSON *box, int *hottest_inside);

#endif
