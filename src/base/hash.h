/* A map from texts to small numbers, for names. Keys are not copied: they must
   outlive the map. Zero-initialise; ended by cx_names_free. */
#ifndef CX_BASE_HASH_H
#define CX_BASE_HASH_H

#include <stddef.h>

typedef struct cx_names {
    struct cx_names_entry *entries;
    size_t capacity, count;
} cx_names;

/* The number of a name, or -1. */
int cx_names_find(const cx_names *names, const char *name);

/* Adds a name that is not yet in the map; 0, or -1 without memory. */
int cx_names_add(cx_names *names, const char *name, int number);

void cx_names_free(cx_names *names);

#endif
