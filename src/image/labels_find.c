/* Finding the class that a text means. */
#include "image/labels.h"

#include "base/distance.h"

#include <stdio.h>
#include <string.h>

enum { LISTED = 5, LONGEST_LISTED = 96 };

/* ---- what matches ---- */

typedef int test(const char *name, const char *text);

static int same(const char *name, const char *text)
{
    return strcmp(name, text) == 0;
}

static int begins_with(const char *name, const char *text)
{
    while (*text != '\0' && cx_lower(*name) == cx_lower(*text)) {
        name++;
        text++;
    }
    return *text == '\0';
}

static int same_but_case(const char *name, const char *text)
{
    return strlen(name) == strlen(text) && begins_with(name, text);
}

static int has_part(const char *name, const char *text)
{
    size_t length = strlen(text), rest = strlen(name);
    for (; rest >= length; name++, rest--)
        if (begins_with(name, text))
            return 1;
    return 0;
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c & 0x80);
}

/* A part that no letter stands before or behind. */
static int has_words(const char *name, const char *text)
{
    size_t length = strlen(text), rest = strlen(name);
    for (const char *at = name; rest >= length; at++, rest--)
        if (begins_with(at, text) && (at == name || !is_letter(at[-1])) &&
            !is_letter(at[length]))
            return 1;
    return 0;
}

/* ---- lists for messages ---- */

/* Appends "name" (index) to the list in line. */
static void list(char *line, size_t size, const cxai_labels *labels, int index)
{
    size_t used = strlen(line);
    snprintf(line + used, size - used, "%s\"%.*s\" (%d)", used > 0 ? ", " : "",
             (int)LONGEST_LISTED, labels->names[index], index);
}

static cxai_status ambiguous(const cxai_labels *labels, const char *text,
                             test *matches, int count, cxai_error *error)
{
    char line[LISTED * (LONGEST_LISTED + 24)] = "";
    int listed = 0;
    for (int i = 0; i < labels->count && listed < LISTED; i++)
        if (matches(labels->names[i], text)) {
            list(line, sizeof line, labels, i);
            listed++;
        }
    return cxai_fail(error, CXAI_INVALID,
                     "the label \"%.96s\" fits %d classes: %s%s; give more of "
                     "the name, or the number",
                     text, count, line, count > listed ? ", ..." : "");
}

static cxai_status unknown(const cxai_labels *labels, const char *text,
                           cxai_error *error)
{
    int nearest[LISTED], distance[LISTED], count = 0;
    for (int i = 0; i < labels->count; i++) {
        const char *name = labels->names[i];
        size_t length = strlen(name);
        if (length > CX_LONGEST_TEXT)
            continue;
        int own = cx_distance(text, name, length, " ,-", 1);
        if (count == LISTED && own >= distance[LISTED - 1])
            continue;
        int at = count < LISTED ? count++ : LISTED - 1;
        for (; at > 0 && distance[at - 1] > own; at--) {
            nearest[at] = nearest[at - 1];
            distance[at] = distance[at - 1];
        }
        nearest[at] = i;
        distance[at] = own;
    }
    char line[LISTED * (LONGEST_LISTED + 24)] = "";
    for (int i = 0; i < count; i++)
        list(line, sizeof line, labels, nearest[i]);
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "there is no label \"%.96s\"; the nearest are: %s", text,
                     line);
}

/* ---- in order of strictness ---- */

/* The strictest way of matching that anything matches decides. */
cxai_status cxai_labels_find(const cxai_labels *labels, const char *text,
                             int *index, cxai_error *error)
{
    static test *const tests[] = { same, same_but_case, has_words, has_part };
    if (labels == NULL || text[0] == '\0')
        return cxai_fail(error, CXAI_NOT_FOUND,
                         labels == NULL ? "there are no labels; give the "
                                          "class by its number"
                                        : "a label is empty");
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++) {
        int count = 0, found = 0;
        for (int i = 0; i < labels->count; i++)
            if (tests[t](labels->names[i], text) && count++ == 0)
                found = i;
        if (count == 1) {
            *index = found;
            return CXAI_OK;
        }
        if (count > 1)
            return ambiguous(labels, text, tests[t], count, error);
    }
    return unknown(labels, text, error);
}
