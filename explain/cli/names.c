#include "names.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

static int is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void safe_name(const char *text, char *safe, size_t size)
{
    size_t at = 0, length;
    for (const char *s = text; *s != '\0'; s += length) {
        size_t bytes = utf8_length(s);
        int keeps = bytes > 1 || (is_safe(*s) && !(s == text && *s == '.'));
        length = bytes > 0 ? bytes : 1;
        if (at + (keeps ? length : 1) >= size)
            break;
        if (keeps)
            memcpy(safe + at, s, length);
        else
            safe[at] = '_';
        at += keeps ? length : 1;
    }
    safe[at] = '\0';
}

void stem_of(const char *path, char *stem, size_t size)
{
    if (strcmp(path, "-") == 0)
        path = "stdin";
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    safe_name(name, stem, size);
    const char *point = strrchr(name, '.');
    if (point != NULL && point != name && (size_t)(point - name) < strlen(stem))
        stem[point - name] = '\0';
}

void join_name(char name[NAME_WHOLE], const char *stem, const char *kind,
               const char *what)
{
    char safe[NAME_PART];
    safe_name(what, safe, sizeof safe);
    snprintf(name, NAME_WHOLE, "%.110s.%.22s.%s", stem, kind, safe);
}

/* ---- names given away ---- */

typedef struct given_name {
    char *text;    /* NULL: a free place */
    unsigned next; /* the number to try when it is asked for again */
} given_name;

/* FNV-1a over lower case (Fowler, Noll, Vo). */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        hash ^= c >= 'A' && c <= 'Z' ? c + 32u : c;
        hash *= UINT64_C(1099511628211);
    }
    return hash;
}

/* Where a name stands, or could. There is always a free place. */
static given_name *place_of(const name_set *set, const char *text)
{
    size_t at = (size_t)hash_of(text) & (set->capacity - 1);
    while (set->names[at].text != NULL &&
           strcasecmp(set->names[at].text, text) != 0)
        at = (at + 1) & (set->capacity - 1);
    return &set->names[at];
}

/* Room for one more: a table at most half full. */
static int grow(name_set *set)
{
    if (2 * (set->count + 1) <= set->capacity)
        return 0;
    size_t capacity = set->capacity > 0 ? 2 * set->capacity : 64;
    name_set wider = { calloc(capacity, sizeof(given_name)), capacity,
                       set->count };
    if (wider.names == NULL)
        return -1;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->names[i].text != NULL)
            *place_of(&wider, set->names[i].text) = set->names[i];
    free(set->names);
    *set = wider;
    return 0;
}

static const char *take(name_set *set, given_name *place, const char *text)
{
    place->text = strdup(text);
    place->next = 2;
    set->count += place->text != NULL;
    return place->text;
}

const char *name_set_add(name_set *set, const char *name, const char *ending)
{
    char text[NAME_WHOLE + 32];
    if (grow(set) != 0)
        return NULL;
    snprintf(text, sizeof text, "%s%s", name, ending);
    given_name *first = place_of(set, text), *place = first;
    while (place->text != NULL) {
        snprintf(text, sizeof text, "%s-%u%s", name, first->next++, ending);
        place = place_of(set, text);
    }
    return take(set, place, text);
}

int name_set_has(const name_set *set, const char *name)
{
    return set->capacity > 0 && place_of(set, name)->text != NULL;
}

void name_set_free(name_set *set)
{
    for (size_t i = 0; i < set->capacity; i++)
        free(set->names[i].text);
    free(set->names);
    *set = (name_set){ 0 };
}
