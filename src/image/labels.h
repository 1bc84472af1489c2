/*
 * Labels: what their files share.
 */
#ifndef CX_IMAGE_LABELS_H
#define CX_IMAGE_LABELS_H

#include "cxai/labels.h"

#include "base/alloc.h"

struct cxai_labels {
    char **names;
    int count;
    size_t capacity;
    cx_arena arena; /* of the names' characters */
};

/* Adds a name; CXAI_NO_MEMORY also for absurdly many. */
cxai_status cx_labels_add(cxai_labels *labels, const char *text, size_t length);

#endif
