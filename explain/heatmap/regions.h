/* A picture in regions, of which some are removed: what the baseline of the
   options shows stands in their places. */
#ifndef CXAI_HEATMAP_REGIONS_H
#define CXAI_HEATMAP_REGIONS_H

#include "cxai/heatmap.h"

typedef struct cx_regions {
    int32_t count;
    int32_t *labels; /* [height*width] of the input, owned */
} cx_regions;

/* Parameters of a method on regions, see segments.h. */
#define CX_REGION_SCALE                                                        \
    {                                                                          \
        "scale", 100, 0, 1e6, NULL, "larger values give larger regions"        \
    }
#define CX_REGION_SIGMA                                                        \
    {                                                                          \
        "sigma", 0.8, 0, 100, NULL, "pixels of smoothing before it is divided" \
    }
#define CX_REGION_LEAST                                                        \
    {                                                                          \
        "least", 0, 0, 1e9, NULL,                                              \
            "pixels of a region; 0: 1/256 of the picture"                      \
    }
#define CX_REGION_GRID                                                         \
    {                                                                          \
        "grid", 0, 0, 256, NULL,                                               \
            "N: N x N rectangles; 0: regions of like pixels"                   \
    }

/* The regions that these settings ask for. */
cxai_status cx_regions_find(cx_regions *regions, const cxai_heatmap_call *call,
                            cxai_error *error);

/* The setting "grid", or where that is 0, 8, or less in a smaller picture. */
int64_t cx_grid_side(const cxai_heatmap_call *call);

/* side x side rectangles, numbered row by row; side <= height, width. */
cxai_status cx_regions_grid(cx_regions *regions, const cxai_heatmap_call *call,
                            int64_t side, cxai_error *error);

void cx_regions_free(cx_regions *regions);

/* Writes b + kept[region] * (x - b) into point, dense, x being the picture and
   b the baseline: exactly x where kept is 1, exactly b where it is 0. */
void cx_regions_blend(const cxai_heatmap_call *call, const cx_regions *regions,
                      const double *kept, cxai_real *point);

/* The same with a number kept[height*width] for each pixel. */
void cx_pixels_blend(const cxai_heatmap_call *call, const cxai_real *kept,
                     cxai_real *point);

/* Hands over the attribution of target i: values[region] at every pixel and
   channel of a region, as captum does for a feature mask. */
cxai_status cx_regions_attribute(const cxai_heatmap_call *call, int i,
                                 const cx_regions *regions,
                                 const double *values, cxai_error *error);

/* The same with a number values[height*width] for each pixel. */
cxai_status cx_pixels_attribute(const cxai_heatmap_call *call, int i,
                                const double *values, cxai_error *error);

/* The place in an order of 0..count-1 that is spread all over from its start
   on, so that an estimate ended early has seen something of every part. */
int64_t cx_spread(int64_t index, int64_t count);

#endif
