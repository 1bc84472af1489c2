/* Kinds of nodes by their operators' names. */
#ifndef CXAI_HEATMAP_TYPES_H
#define CXAI_HEATMAP_TYPES_H

/* Whether a name is one of a list, in which spaces separate them. */
int cx_is_one_of(const char *type, const char *types);

#endif
