/* Picking channels and drawing them as labelled tiles. */
#ifndef CX_ACTIVATIONS_TILES_H
#define CX_ACTIVATIONS_TILES_H

#include "cxai/activations.h"

/* The channels to draw, with their numbers as labels. */
typedef struct cx_picked {
    int count;
    int *indices;
    const char **labels; /* each within text */
    char *text;
} cx_picked;

/* Picks from 0 .. available-1; `what` names the things in messages. */
cxai_status cx_pick(cx_picked *picked, const cxai_selection *select,
                    int64_t available, const char *what, cxai_error *error);
void cx_picked_free(cx_picked *picked);

#endif
