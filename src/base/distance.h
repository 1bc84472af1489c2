/*
 * How far a text that a user typed is from a name.
 */
#ifndef CX_BASE_DISTANCE_H
#define CX_BASE_DISTANCE_H

#include <stddef.h>

enum { CX_LONGEST_TEXT = 128 };

/*
 * The least number of letters to add, drop or change (Levenshtein, "Binary
 * codes capable of correcting deletions, insertions, and reversals", 1966)
 * that turns text into the name, or into a part of it that begins after one of
 * the separators and reaches the name's end; with parts_end 1, a part may end
 * before a separator, too. Upper and lower case ASCII letters are the same.
 * Only the first CX_LONGEST_TEXT bytes of text count.
 */
int cx_distance(const char *text, const char *name, size_t name_length,
                const char *separators, int parts_end);

/* An ASCII letter in lower case, any other byte as it is. */
char cx_lower(char c);

#endif
