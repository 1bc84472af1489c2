#include "base/distance.h"

#include <string.h>

char cx_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int is_separator(char c, const char *separators)
{
    return c != '\0' && strchr(separators, c) != NULL;
}

/* The next row of Levenshtein's table: row[j] is the distance of the first j
   letters of text from the name up to and with `letter`. */
static void next_row(int *row, const char *text, size_t length, char letter,
                     int begins_anew)
{
    int diagonal = row[0];
    row[0] = begins_anew ? 0 : row[0] + 1;
    for (size_t j = 1; j <= length; j++) {
        int best = diagonal + (cx_lower(letter) != cx_lower(text[j - 1]));
        if (row[j] + 1 < best)
            best = row[j] + 1;
        if (row[j - 1] + 1 < best)
            best = row[j - 1] + 1;
        diagonal = row[j];
        row[j] = best;
    }
}

int cx_distance(const char *text, const char *name, size_t name_length,
                const char *separators, int parts_end)
{
    int row[CX_LONGEST_TEXT + 1];
    size_t length = strnlen(text, CX_LONGEST_TEXT);
    for (size_t j = 0; j <= length; j++)
        row[j] = (int)j;
    int best = name_length == 0 ? row[length] : -1;
    for (size_t i = 0; i < name_length; i++) {
        next_row(row, text, length, name[i], is_separator(name[i], separators));
        int part = parts_end && i + 1 < name_length &&
                   is_separator(name[i + 1], separators);
        if ((part || i + 1 == name_length) && (best < 0 || row[length] < best))
            best = row[length];
    }
    return best;
}
