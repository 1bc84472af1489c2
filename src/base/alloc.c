#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

void *cx_alloc(size_t count, size_t size)
{
    if (count == 0 || size == 0)
        return calloc(1, 1);
    return calloc(count, size);
}

void *cx_alloc_room(size_t bytes)
{
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    if (rounded == 0)
        rounded = alignment;
    void *block = aligned_alloc(alignment, rounded);
    if (block == NULL)
        return NULL;
    if (alignment == HUGE_PAGE)
        madvise(block, rounded, MADV_HUGEPAGE); /* only speed depends on it */
    return block;
}

void *cx_alloc_aligned(size_t bytes)
{
    void *block = cx_alloc_room(bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void cx_free_aligned(void *block)
{
    free(block);
}

int cx_grow(void **array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return 0;
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < count) {
        if (wanted > SIZE_MAX / 2)
            return -1;
        wanted *= 2;
    }
    if (wanted > SIZE_MAX / size)
        return -1;
    char *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return -1;
    memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
    *array = grown;
    *capacity = wanted;
    return 0;
}

/* The payload begins HEADER bytes after the block, at a cache line. */
struct cx_arena_block {
    struct cx_arena_block *next;
    size_t used, size;
};

enum { HEADER = CACHE_LINE, BLOCK = 64 << 10, LARGE = 4 << 10 };

static struct cx_arena_block *add_block(cx_arena *arena, size_t size)
{
    if (size > SIZE_MAX - HEADER)
        return NULL;
    struct cx_arena_block *block = cx_alloc_aligned(HEADER + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *cx_arena_alloc(cx_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - CACHE_LINE) / size)
        return NULL;
    size_t bytes = count * size;
    struct cx_arena_block *block = arena->blocks;
    if (bytes > LARGE) {
        block = add_block(arena, bytes);
        if (block == NULL)
            return NULL;
        block->used = bytes;
        /* keep the half-used small block in front */
        if (block->next != NULL) {
            struct cx_arena_block *front = block->next;
            block->next = front->next;
            front->next = block;
            arena->blocks = front;
        }
        return (char *)block + HEADER;
    }
    bytes = (bytes + 15) / 16 * 16;
    if (block == NULL || block->used + bytes > block->size) {
        block = add_block(arena, BLOCK - HEADER);
        if (block == NULL)
            return NULL;
    }
    void *result = (char *)block + HEADER + block->used;
    block->used += bytes;
    return result;
}

char *cx_arena_text(cx_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = cx_arena_alloc(arena, length + 1, 1);
    if (copy != NULL && length > 0)
        memcpy(copy, text, length);
    return copy;
}

int cx_arena_holds(const cx_arena *arena, const void *address)
{
    uintptr_t wanted = (uintptr_t)address;
    for (const struct cx_arena_block *b = arena->blocks; b; b = b->next) {
        uintptr_t start = (uintptr_t)b + HEADER;
        if (wanted >= start && wanted < start + b->size)
            return 1;
    }
    return 0;
}

void cx_arena_free(cx_arena *arena)
{
    while (arena->blocks != NULL) {
        struct cx_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        cx_free_aligned(block);
    }
}
