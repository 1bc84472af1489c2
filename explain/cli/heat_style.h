/* Options of heatmaps' pictures. */
#ifndef CLI_HEAT_STYLE_H
#define CLI_HEAT_STYLE_H

#include "command.h"

#include "cxai/draw.h"
#include "cxai/heatmap.h"

typedef struct heat_settings {
    const char *colormap, *sign, *blend, *contours;
    double alpha, hot;
    int side_by_side, colorbar, map_only, caption;
} heat_settings;

/* For an option_list at the offset of a command's heat_settings. */
enum { HEAT_OPTIONS = 10 };
extern const option_spec heat_specs[HEAT_OPTIONS];
void heat_defaults(heat_settings *settings);

enum { MOST_LEVELS = 64 };

typedef struct heat_style {
    cxai_colormap colormap; /* of one map; see heat_style_of */
    int any_colormap;       /* 1: the map's */
    double alpha;           /* below 0: the map's */
    cxai_blend blend;
    cxai_heatmap_sign sign;
    double levels[MOST_LEVELS]; /* of contours: -1..1, as the map */
    int level_count;
    int both_signs; /* the negatives of the levels, too, where maps have them */
    double threshold; /* of the hot region, 0..1 */
    int hot;          /* 1: it is drawn */
    int side_by_side, colorbar, map_only, caption;
} heat_style;

cxai_status heat_style_find(heat_style *style, const heat_settings *settings,
                            cxai_error *error);

/* The style for the picture of a map: colour map and opacity are settled. */
heat_style heat_style_of(const heat_style *style, const cxai_heatmap *map);

/* Whether a map's picture has values below 0 under this style. */
int heat_is_signed(const heat_style *style, const cxai_heatmap *map);

#endif
