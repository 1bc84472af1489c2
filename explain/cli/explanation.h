/* What becomes of heatmaps on the command line: pictures, arrays, lines on
   standard output, entries of the report. */
#ifndef CLI_EXPLANATION_H
#define CLI_EXPLANATION_H

#include "batch.h"
#include "heat.h"

/* How heatmaps were asked for. */
typedef struct heat_wish {
    const cxai_heatmap_method *method;
    heat_style style;
    int raw;              /* numbers alone, no pictures */
    const char *baseline; /* of path methods */
} heat_wish;

/* One row of an input, explained. */
typedef struct explanation {
    const input *in;
    int64_t row;
    cxai_heatmap *maps;
    const char **names; /* of the targets, in words: they point into texts */
    char (*texts)[256];
    int count;
    double seconds;
    cxai_image photo;
    cxai_geometry geometry;
} explanation;

/* Room for the results of count targets. explanation_free ends it in either
   case. */
cxai_status explanation_make_room(explanation *e, int count, cxai_error *error);
void explanation_free(explanation *e);

/* Draws, stacks and reports the heatmaps of one row. */
cxai_status explanation_deliver(const explanation *e, const heat_wish *wish,
                                batch *b, cxai_error *error);

#endif
