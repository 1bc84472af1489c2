/* What is to be synthesized: one target for each picture, all of one layer. */
#ifndef CLI_WISHES_H
#define CLI_WISHES_H

#include "common.h"

#include "cxai/synthesis.h"
#include "cxai/target.h"

/* As they are given: a target, or channels of a layer. */
typedef struct wish_settings {
    const char *layer, *channels, *target;
    int all;    /* every channel */
    int neuron; /* the channel's centre alone */
} wish_settings;

typedef struct wishes {
    cxai_target *targets;
    cxai_objective *objectives;
    int count;
} wishes;

/* w is zero; wishes_free ends it in either case. */
cxai_status wishes_make(wishes *w, workbench *bench, const wish_settings *s,
                        const cxai_synthesis_options *options,
                        cxai_error *error);
void wishes_free(wishes *w);

#endif
