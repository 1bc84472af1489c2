/*
 * The bytes of the files that a model came from: its own, and those of its
 * external weights that are mapped.
 *
 * Large weights are used where they lie in the file. In memory of our own they
 * are moved a few bytes towards its beginning so that they are aligned; what
 * they overwrite is kept, so that the digest of the file can still be taken
 * when somebody asks for it. A mapped file is not written: what is not aligned
 * there is copied, but for weights that are only read to be packed, which stay
 * as they lie, so that their pages can be given back.
 */
#ifndef CX_GRAPH_ORIGIN_H
#define CX_GRAPH_ORIGIN_H

#include <pthread.h>
#include <stddef.h>

#include "base/map.h"

enum { CX_MOST_MOVED = 63 };

/* size bytes that were at from and now are at from - shift. */
typedef struct cx_moved {
    size_t from, size, shift;
    unsigned char before[CX_MOST_MOVED]; /* what was at from - shift */
    void *copy; /* of a mapped file, where shift is 0: aligned, or NULL */
} cx_moved;

typedef struct cx_origin {
    cx_bytes file;   /* bytes NULL: nothing lies in them */
    cx_moved *moved; /* ascending, apart */
    size_t moved_count, moved_capacity;
    cx_bytes *external; /* mapped files */
    size_t external_count, external_capacity;
    pthread_mutex_t lock; /* of sha256 */
    char sha256[65];      /* "" until it is asked for */
} cx_origin;

/* Takes the bytes; NULL without memory. */
cx_origin *cx_origin_create(const cx_bytes *file);
void cx_origin_free(cx_origin *origin);

/* Moves a run; no other run may be touched. */
void cx_origin_move(cx_origin *origin, const cx_moved *run);

/* Copies a run of a mapped file; 0, or -1 without memory. */
int cx_origin_copy(const cx_origin *origin, cx_moved *run);

/* Takes a mapped file of external weights; 0, or -1 without memory. */
int cx_origin_keep(cx_origin *origin, const cx_bytes *file);

/* To be called when no more runs are moved: bytes that nothing lies in are
   digested and freed at once. */
void cx_origin_settle(cx_origin *origin);

/* 64 hexadecimal digits; from any thread. */
const char *cx_origin_sha256(cx_origin *origin);

#endif
