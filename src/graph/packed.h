/*
 * What the sessions of a model leave in it, freed with the model: packed
 * weights, made when a session first needs them and shared by all later ones,
 * and the last plan and shapes.
 *
 * Everything but creating and freeing is done by the thread that holds the
 * lock. Weights that have been found are read without it: they never change.
 */
#ifndef CX_GRAPH_PACKED_H
#define CX_GRAPH_PACKED_H

#include <stddef.h>
#include <stdint.h>

typedef struct cx_packed_store cx_packed_store;

/* Packed weights and the numbers that tell them from all others. */
typedef struct cx_packed {
    void *weights; /* NULL: not made yet */
    int64_t *key;
    size_t key_count;
    struct cx_packed *next;
} cx_packed;

/* NULL without memory. */
cx_packed_store *cx_packed_create(void);
void cx_packed_free(cx_packed_store *store);

void cx_packed_lock(cx_packed_store *store);
void cx_packed_unlock(cx_packed_store *store);

/* The entry with a key, which is added where it is new; NULL without memory. */
cx_packed *cx_packed_entry(cx_packed_store *store, const int64_t *key,
                           size_t key_count);

/* A block for weights that are to be made, which the store owns; not zeroed.
   NULL without memory. */
void *cx_packed_room(cx_packed_store *store, size_t bytes);

/* What else is left, one of each. */
typedef enum cx_left {
    CX_LEFT_PLAN,
    CX_LEFT_SHAPES,
    CX_LEFT_KINDS,
} cx_left;

/* Puts an item, or NULL, where one lay before, which is returned and the
   caller's now, or NULL. end frees the one that lies there with the store.
   Takes the lock itself. */
void *cx_packed_exchange(cx_packed_store *store, cx_left kind, void *item,
                         void (*end)(void *item));

#endif
