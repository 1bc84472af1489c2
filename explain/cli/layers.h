/* Lists of layers on the command line. */
#ifndef CLI_LAYERS_H
#define CLI_LAYERS_H

#include "common.h"

typedef struct layer_list {
    int *values;
    int count;
} layer_list;

/* The layer that a text names, or the layers of a list joined by commas, each
   once; NULL: the default CAM layer. layers_free ends it in either case. */
cxai_status layers_find(layer_list *list, workbench *bench, const char *text,
                        cxai_error *error);

/* Every value that a node makes of the input and that has channels, in the
   order of the nodes. */
cxai_status layers_all(layer_list *list, const workbench *bench,
                       cxai_error *error);

void layers_free(layer_list *list);

#endif
