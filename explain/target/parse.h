/* Reading a target's text: what the parts of the reader share. */
#ifndef CXAI_TARGET_PARSE_H
#define CXAI_TARGET_PARSE_H

#include "cxai/target.h"

enum { CX_LONGEST_NAME = 1023 };

typedef struct cx_reader {
    const cxai_target_context *context;
    cxai_classes classes;
    int in_list; /* commas separate targets */
    cxai_error *error;
    const char *start;   /* of the target under way */
    cxai_target *target; /* the same */
} cx_reader;

/* Reads a decimal number at *text, and moves *text behind it; 0 when there is
   none. Numbers too large become INT64_MAX. */
int cx_target_number(const char **text, int64_t *number);

/* Whether a name is a label as a whole. */
int cx_is_label(const cx_reader *reader, const char *name, size_t length);

/* Reads a name of at most CX_LONGEST_NAME characters, which may be overwritten,
   into a term of the reader's target, whose value it sets; term is zero but for
   its weight. */
cxai_status cx_target_name(const cx_reader *reader, cxai_target_term *term,
                           char *name);

/* Reads "[...]" at text, a whole string, into a term of the reader's target,
   whose value is set. */
cxai_status cx_target_spans(const cx_reader *reader, cxai_target_term *term,
                            const char *text);

/* Reads "@wins" or "@x0,y0,x1,y1" at *text, moving it behind, and restricts
   the term by it. */
cxai_status cx_target_place(const cx_reader *reader, cxai_target_term *term,
                            const char **text);

/* Refuses what the reader's target asks for: "target 'TEXT': why". */
cxai_status cx_refuse_target(const cx_reader *reader, const char *format, ...)
    CXAI_PRINTF(2, 3);

#endif
