/*
 * Labels: names of a network's classes.
 *
 * A label file is text with one name a line, in the order of the classes
 * (UTF-8; a byte order mark, CR LF line ends, white space around names and
 * empty lines at the end do not count), or JSON: an array of names, or an
 * object {"0": "name", "1": "name", ...} whose keys are 0 .. count-1; in
 * place of a name may stand an array, whose last text is taken.
 *
 * Labels never change once loaded and may be read by any number of threads.
 */
#ifndef CXAI_LABELS_H
#define CXAI_LABELS_H

#include "cxai/error.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cxai_labels cxai_labels;

/* Loads a label file; "-" is standard input. On success *out is owned by the
   caller, who ends it with cxai_labels_free; on failure it is NULL. A file of
   more than 16 MiB is CXAI_LIMIT; one without a name, with a NUL byte or with
   broken JSON is CXAI_MALFORMED. */
CXAI_API cxai_status cxai_labels_load(cxai_labels **out, const char *path,
                                      cxai_error *error);

/* The same from memory; name is for messages. */
CXAI_API cxai_status cxai_labels_parse(cxai_labels **out, const void *bytes,
                                       size_t size, const char *name,
                                       cxai_error *error);

/* Frees *labels and sets it to NULL; *labels may be NULL. */
CXAI_API void cxai_labels_free(cxai_labels **labels);

/* Number of names; 0 when labels is NULL. */
CXAI_API int cxai_labels_count(const cxai_labels *labels);

/* The name of class index, or NULL when there is none or labels is NULL. It
   lives as long as the labels. */
CXAI_API const char *cxai_labels_name(const cxai_labels *labels, int index);

/*
 * The class that a text means: a name exactly; else a name with other upper
 * and lower case (ASCII); else the only name that has the text as a part: as
 * whole words, or, when no name has it so, in any place.
 *
 * CXAI_INVALID lists the candidates of an ambiguous text, CXAI_NOT_FOUND the
 * names nearest to an unknown one.
 */
CXAI_API cxai_status cxai_labels_find(const cxai_labels *labels,
                                      const char *text, int *index,
                                      cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
