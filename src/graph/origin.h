/*
 * The bytes of the file that a model came from.
 *
 * Large weights are used where they lie in the file, moved a few bytes towards
 * its beginning so that they are aligned. What they overwrite is kept, so that
 * the digest of the file can still be taken when somebody asks for it.
 */
#ifndef CX_GRAPH_ORIGIN_H
#define CX_GRAPH_ORIGIN_H

#include <pthread.h>
#include <stddef.h>

enum { CX_MOST_MOVED = 63 };

/* size bytes that were at from and now are at from - shift. */
typedef struct cx_moved {
    size_t from, size, shift;
    unsigned char before[CX_MOST_MOVED]; /* what was at from - shift */
} cx_moved;

typedef struct cx_origin {
    unsigned char *bytes; /* owned; NULL when nothing lies in them */
    size_t size;
    cx_moved *moved; /* ascending, apart */
    size_t moved_count, moved_capacity;
    pthread_mutex_t lock; /* of sha256 */
    char sha256[65];      /* "" until it is asked for */
} cx_origin;

/* Takes bytes, which free() ends; NULL without memory. */
cx_origin *cx_origin_create(unsigned char *bytes, size_t size);
void cx_origin_free(cx_origin *origin);

/* Moves size bytes at from; no other run may be touched. */
void cx_origin_move(cx_origin *origin, const cx_moved *run);

/* To be called when no more runs are moved: bytes that nothing lies in are
   digested and freed at once. */
void cx_origin_settle(cx_origin *origin);

/* 64 hexadecimal digits; from any thread. */
const char *cx_origin_sha256(cx_origin *origin);

#endif
