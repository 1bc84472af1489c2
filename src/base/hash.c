#include "base/hash.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct cx_names_entry {
    const char *name; /* NULL: free */
    int number;
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* The entry of a name, or the free one where it belongs. Capacity is a power
   of two and at most half full, so a free entry is always found. */
static struct cx_names_entry *probe(const cx_names *names, const char *name)
{
    size_t i = (size_t)hash(name) & (names->capacity - 1);
    while (names->entries[i].name != NULL &&
           strcmp(names->entries[i].name, name) != 0)
        i = (i + 1) & (names->capacity - 1);
    return &names->entries[i];
}

int cx_names_find(const cx_names *names, const char *name)
{
    if (names->count == 0)
        return -1;
    const struct cx_names_entry *entry = probe(names, name);
    return entry->name == NULL ? -1 : entry->number;
}

static int enlarge(cx_names *names)
{
    size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
    struct cx_names_entry *entries =
        cx_alloc(capacity, sizeof(struct cx_names_entry));
    if (entries == NULL)
        return -1;
    cx_names larger = { entries, capacity, names->count };
    for (size_t i = 0; i < names->capacity; i++)
        if (names->entries[i].name != NULL)
            *probe(&larger, names->entries[i].name) = names->entries[i];
    free(names->entries);
    *names = larger;
    return 0;
}

int cx_names_add(cx_names *names, const char *name, int number)
{
    if ((names->count + 1) * 2 > names->capacity && enlarge(names) != 0)
        return -1;
    struct cx_names_entry *entry = probe(names, name);
    entry->name = name;
    entry->number = number;
    names->count++;
    return 0;
}

void cx_names_free(cx_names *names)
{
    free(names->entries);
    *names = (cx_names){ 0 };
}
