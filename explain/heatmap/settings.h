/* What a method takes beside the options that all share. */
#ifndef CXAI_HEATMAP_SETTINGS_H
#define CXAI_HEATMAP_SETTINGS_H

#include "cxai/heatmap.h"

enum { cx_most_settings = 16 };

/* Reads "name=value,name=value" (NULL: nothing) into values, in the order of
   the method's parameters, from their defaults. CXAI_INVALID for a name that
   the method does not have and a value out of its bounds; the message lists
   what there is. */
cxai_status cx_settings_read(double values[cx_most_settings],
                             const cxai_heatmap_method *method, const char *set,
                             cxai_error *error);

#endif
