/* Options of the commands that draw tiles. */
#ifndef CLI_TILES_H
#define CLI_TILES_H

#include "command.h"

#include "cxai/draw.h"

typedef struct tile_settings {
    const char *colormap;
    int shared_scale, no_labels;
    long long columns, upscale;
} tile_settings;

/* For an option_list at the offset of a command's tile_settings. */
enum { TILE_OPTIONS = 5 };
extern const option_spec tile_specs[TILE_OPTIONS];

/* The style that they ask for; `usual` is the colour map without a wish. */
cxai_status tile_style(cxai_tiles *style, const tile_settings *settings,
                       cxai_colormap usual, cxai_error *error);

#endif
