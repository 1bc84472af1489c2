/*
 * Allocations that fail on purpose. The linker gives malloc and its kin of
 * failing.c (-Wl,--wrap) to the library, the commands and libjpeg; cJSON is
 * handed them, libpng and protobuf-c take the library's own. So are those of
 * arenas, most of which need no block of their own. What the C library
 * allocates inside itself does not fail, but for strdup and scandir.
 */
#ifndef TEST_MEMORY_FAILING_H
#define TEST_MEMORY_FAILING_H

#include <stddef.h>

/* From now on allocations are counted, and number n fails; 0: none does. Once:
   those behind it succeed again. */
void failing_start(long n, int once);

/* None fails any more. Returns how many there have been. */
long failing_stop(void);

/* Bytes of the aligned blocks, in which sessions and weights lie, that have
   been asked for since failing_start. */
size_t failing_bytes(void);

/* Whether the last failing_start's allocation has come and failed; and whether
   it was one of cJSON, which does not tell this from a mistake in a text. */
int failing_has_failed(void);
int failing_was_json(void);

#endif
