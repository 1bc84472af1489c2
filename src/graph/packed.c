#include "graph/packed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

typedef struct block {
    void *memory;
    struct block *next;
} block;

struct cx_packed_store {
    pthread_mutex_t lock;
    cx_arena arena; /* entries and blocks */
    cx_packed *entries;
    block *blocks;
    struct {
        void *item; /* or NULL; ended by: */
        void (*end)(void *item);
    } left[CX_LEFT_KINDS];
};

cx_packed_store *cx_packed_create(void)
{
    cx_packed_store *store = cx_alloc(1, sizeof *store);
    if (store != NULL && pthread_mutex_init(&store->lock, NULL) != 0) {
        free(store);
        return NULL;
    }
    return store;
}

void cx_packed_free(cx_packed_store *store)
{
    if (store == NULL)
        return;
    for (int i = 0; i < CX_LEFT_KINDS; i++)
        if (store->left[i].item != NULL)
            store->left[i].end(store->left[i].item);
    for (const block *b = store->blocks; b != NULL; b = b->next)
        cx_free_aligned(b->memory);
    cx_arena_free(&store->arena);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

void cx_packed_lock(cx_packed_store *store)
{
    pthread_mutex_lock(&store->lock);
}

void cx_packed_unlock(cx_packed_store *store)
{
    pthread_mutex_unlock(&store->lock);
}

cx_packed *cx_packed_entry(cx_packed_store *store, const int64_t *key,
                           size_t key_count)
{
    size_t bytes = key_count * sizeof *key;
    for (cx_packed *e = store->entries; e != NULL; e = e->next)
        if (e->key_count == key_count && memcmp(e->key, key, bytes) == 0)
            return e;
    cx_packed *entry = cx_arena_alloc(&store->arena, 1, sizeof *entry);
    int64_t *copy = cx_arena_alloc(&store->arena, key_count, sizeof *copy);
    if (entry == NULL || copy == NULL)
        return NULL;
    memcpy(copy, key, bytes);
    *entry = (cx_packed){ .key = copy,
                          .key_count = key_count,
                          .next = store->entries };
    store->entries = entry;
    return entry;
}

void *cx_packed_room(cx_packed_store *store, size_t bytes)
{
    block *b = cx_arena_alloc(&store->arena, 1, sizeof *b);
    if (b == NULL || (b->memory = cx_alloc_room(bytes)) == NULL)
        return NULL;
    b->next = store->blocks;
    store->blocks = b;
    return b->memory;
}

void *cx_packed_exchange(cx_packed_store *store, cx_left kind, void *item,
                         void (*end)(void *item))
{
    pthread_mutex_lock(&store->lock);
    void *before = store->left[kind].item;
    store->left[kind].item = item;
    store->left[kind].end = end;
    pthread_mutex_unlock(&store->lock);
    return before;
}
