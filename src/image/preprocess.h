/*
 * Preprocessing: what its files share.
 */
#ifndef CX_IMAGE_PREPROCESS_H
#define CX_IMAGE_PREPROCESS_H

#include "cxai/preprocess.h"

enum { CX_MAX_SIDE = 16384 }; /* of a network's input */

/* Words of the keys "rule", "filter", "channels" and "layout", numbered as
   their enumerations; NULL ends a list. */
extern const char *const cx_resize_rules[];
extern const char *const cx_filters[];
extern const char *const cx_channel_orders[];
extern const char *const cx_layouts[];

/* The length that the short side is resized to. */
int cx_short_side_length(const cxai_preprocess *preprocess);

/* Adds to preprocess->source; what does not fit is left out. */
void cx_add_source(cxai_preprocess *preprocess, const char *format, ...)
    CXAI_PRINTF(2, 3);

#endif
