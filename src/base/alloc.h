/*
 * Allocation. The only file that calls malloc is alloc.c; every size is
 * checked before it is multiplied, every block but cx_alloc_room's is zeroed.
 */
#ifndef CX_BASE_ALLOC_H
#define CX_BASE_ALLOC_H

#include <stddef.h>

/* count * size bytes, zeroed, or NULL (also on overflow). free() ends it.
   count 0 gives a block of one byte, so NULL always means failure. */
void *cx_alloc(size_t count, size_t size);

/* The same, aligned to 64 bytes; above 2 MiB to 2 MiB with huge pages
   advised. cx_free_aligned ends it. */
void *cx_alloc_aligned(size_t bytes);
/* The same, not zeroed: for what is filled anyway. */
void *cx_alloc_room(size_t bytes);
void cx_free_aligned(void *block);

/* Grows *array (of *capacity items of size bytes) so that it holds count
   items; new items are zeroed. Returns 0, or -1 leaving *array as it was. */
int cx_grow(void **array, size_t *capacity, size_t count, size_t size);

/* An arena: many small blocks that end together. Zero-initialise. */
typedef struct cx_arena {
    struct cx_arena_block *blocks;
} cx_arena;

/* count * size zeroed bytes aligned to 16 (64 for blocks over 4 KiB), or
   NULL. */
void *cx_arena_alloc(cx_arena *arena, size_t count, size_t size);
char *cx_arena_text(cx_arena *arena, const char *text, size_t length);
/* 1 when address lies in a block of the arena. */
int cx_arena_holds(const cx_arena *arena, const void *address);
void cx_arena_free(cx_arena *arena);

#endif
