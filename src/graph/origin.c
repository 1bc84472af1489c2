#include "graph/origin.h"

#include <nettle/sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

cx_origin *cx_origin_create(const cx_bytes *file)
{
    cx_origin *origin = cx_alloc(1, sizeof *origin);
    if (origin == NULL)
        return NULL;
    if (pthread_mutex_init(&origin->lock, NULL) != 0) {
        free(origin);
        return NULL;
    }
    origin->file = *file;
    return origin;
}

void cx_origin_free(cx_origin *origin)
{
    if (origin == NULL)
        return;
    pthread_mutex_destroy(&origin->lock);
    for (size_t i = 0; i < origin->moved_count; i++)
        cx_free_aligned(origin->moved[i].copy);
    free(origin->moved);
    for (size_t i = 0; i < origin->external_count; i++)
        cx_bytes_free(&origin->external[i]);
    free(origin->external);
    cx_bytes_free(&origin->file);
    free(origin);
}

void cx_origin_move(cx_origin *origin, const cx_moved *run)
{
    unsigned char *to = origin->file.bytes + run->from - run->shift;
    memmove(to, to + run->shift, run->size);
}

int cx_origin_copy(const cx_origin *origin, cx_moved *run)
{
    const unsigned char *from = origin->file.bytes + run->from;
    run->copy = cx_alloc_room(run->size);
    if (run->copy == NULL)
        return -1;
    cx_bytes_move(run->copy, from, run->size);
    return 0;
}

int cx_origin_keep(cx_origin *origin, const cx_bytes *file)
{
    size_t count = origin->external_count + 1;
    if (cx_grow((void **)&origin->external, &origin->external_capacity, count,
                sizeof *file) != 0)
        return -1;
    origin->external[count - 1] = *file;
    origin->external_count = count;
    return 0;
}

/* The file as it was: what lies between the runs, what they overwrote, and
   they themselves. */
static void digest(const cx_origin *origin, char text[65])
{
    static const char digits[] = "0123456789abcdef";
    struct sha256_ctx context;
    uint8_t sum[SHA256_DIGEST_SIZE];
    size_t at = 0;
    sha256_init(&context);
    for (size_t i = 0; i < origin->moved_count; i++) {
        const cx_moved *run = &origin->moved[i];
        size_t to = run->from - run->shift;
        sha256_update(&context, to - at, origin->file.bytes + at);
        sha256_update(&context, run->shift, run->before);
        sha256_update(&context, run->size, origin->file.bytes + to);
        at = run->from + run->size;
    }
    sha256_update(&context, origin->file.size - at, origin->file.bytes + at);
    sha256_digest(&context, sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    text[64] = '\0';
}

void cx_origin_settle(cx_origin *origin)
{
    if (origin->moved_count > 0)
        return;
    digest(origin, origin->sha256);
    cx_bytes_free(&origin->file);
}

const char *cx_origin_sha256(cx_origin *origin)
{
    pthread_mutex_lock(&origin->lock);
    if (origin->sha256[0] == '\0')
        digest(origin, origin->sha256);
    pthread_mutex_unlock(&origin->lock);
    return origin->sha256;
}
