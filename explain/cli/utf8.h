/* UTF-8, which paths and names need not be. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stddef.h>

/* Bytes of the character that text, ended by 0, begins with; 0 when these
   bytes are none. */
size_t utf8_length(const char *text);

/* Columns that a text takes on a terminal; bytes that are no UTF-8 take one
   each. */
int utf8_columns(const char *text);

#endif
