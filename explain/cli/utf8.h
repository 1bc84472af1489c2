/* UTF-8, which paths and names need not be. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stddef.h>

/* Bytes of the character that text, ended by 0, begins with; 0 when these
   bytes are none. */
size_t utf8_length(const char *text);

#endif
