/* A list of numbers that is made twice: counted first, then written. */
#ifndef CX_BASE_NUMBERS_H
#define CX_BASE_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct cx_numbers {
    int64_t *at; /* NULL: they are only counted */
    size_t count;
} cx_numbers;

static inline void cx_note(cx_numbers *n, int64_t number)
{
    if (n->at != NULL)
        n->at[n->count] = number;
    n->count++;
}

#endif
