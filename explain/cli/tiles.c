#include "tiles.h"

#define AT(field) offsetof(tile_settings, field)

const option_spec tile_specs[TILE_OPTIONS] = {
    { 0, "shared-scale", NULL, OPTION_FLAG, AT(shared_scale), 0, 0,
      "one scale for all tiles, with a colour bar" },
    { 0, "no-labels", NULL, OPTION_FLAG, AT(no_labels), 0, 0,
      "no numbers on the tiles" },
    { 0, "colormap", "NAME", OPTION_TEXT, AT(colormap), 0, 0,
      "as cxai help heatmap lists them" },
    { 0, "columns", "N", OPTION_INTEGER, AT(columns), 1, 10000,
      "tiles in a row" },
    { 0, "upscale", "N", OPTION_INTEGER, AT(upscale), 1, 64,
      "pixels for each element" },
};

cxai_status tile_style(cxai_tiles *style, const tile_settings *settings,
                       cxai_colormap usual, cxai_error *error)
{
    *style = (cxai_tiles){ .hide_labels = settings->no_labels,
                           .columns = (int)settings->columns,
                           .upscale = (int)settings->upscale,
                           .shared_range = settings->shared_scale,
                           .colormap = usual };
    if (settings->colormap == NULL)
        return CXAI_OK;
    return cxai_colormap_find(settings->colormap, &style->colormap, error);
}
