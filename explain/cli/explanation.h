/* What becomes of heatmaps on the command line: pictures, arrays, lines on
   standard output, entries of the report. */
#ifndef CLI_EXPLANATION_H
#define CLI_EXPLANATION_H

#include "batch.h"
#include "heat.h"
#include "methods.h"

/* How heatmaps were asked for. */
typedef struct heat_wish {
    method_list methods;
    heat_style style;
    const cxai_heatmap_options *options;
    int raw;              /* numbers alone, no pictures */
    const char *baseline; /* what a picture is compared with */
} heat_wish;

/* One row of an input, explained: a map for each method and target. Map number
   i is of method i / targets and target i % targets. */
typedef struct explanation {
    const heat_wish *wish;
    const input *in;
    int64_t row;
    int methods; /* that have been run */
    int targets; /* of each */
    cxai_heatmap *maps;
    heat_facts *facts;  /* of each map */
    const char **names; /* of the targets, in words: they point into texts */
    char (*texts)[256];
    double *seconds; /* of each method */
    cxai_image photo;
    cxai_geometry geometry;
} explanation;

/* Room for the results of count targets by all methods. explanation_free ends
   it in either case. */
cxai_status explanation_make_room(explanation *e, int count, cxai_error *error);
void explanation_free(explanation *e);

/* How many maps there are, and the method of one. */
int explanation_count(const explanation *e);
const chosen_method *explanation_method(const explanation *e, int i);

/* Draws, stacks and reports the heatmaps of one row. */
cxai_status explanation_deliver(explanation *e, batch *b, cxai_error *error);

/* Adds what is known of map number i to a report: an object. */
void explanation_report(const explanation *e, const workbench *bench, int i,
                        const char *file, json *report);

/* Says it in one line on standard output. */
void explanation_print(const explanation *e, const workbench *bench, int i,
                       const char *file);

/* "empty: nothing speaks for the target"; "" for a map that is ok. */
const char *explanation_state_text(cxai_heatmap_state state);
/* "ok", "empty", "flat", "not finite" */
const char *explanation_state_name(cxai_heatmap_state state);

#endif
