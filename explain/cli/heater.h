/* Explaining one picture by all methods that were asked for. */
#ifndef CLI_HEATER_H
#define CLI_HEATER_H

#include "explanation.h"
#include "layers.h"

typedef struct heater {
    const struct settings *settings; /* the command's own */
    const char *target;
    int against; /* what speaks against the targets */
    cxai_heatmap_options options;
    layer_list layers;
    heat_wish wish;
} heater;

/* For batch_run; payload is a heater. */
picture_function heater_explain;

#endif
