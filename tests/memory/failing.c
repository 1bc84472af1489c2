#include "memory/failing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/alloc.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
int __real_scandir(const char *folder, struct dirent ***list,
                   int (*select)(const struct dirent *),
                   int (*compare)(const struct dirent **,
                                  const struct dirent **));
void *__real_cx_arena_alloc(cx_arena *arena, size_t count, size_t size);
char *__real_cx_arena_text(cx_arena *arena, const char *text, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_scandir(const char *folder, struct dirent ***list,
                   int (*select)(const struct dirent *),
                   int (*compare)(const struct dirent **,
                                  const struct dirent **));
void *__wrap_cx_arena_alloc(cx_arena *arena, size_t count, size_t size);
char *__wrap_cx_arena_text(cx_arena *arena, const char *text, size_t length);

static long calls;    /* allocations since the counter was set */
static long fails_at; /* the allocation that fails; 0: none */
static int only_once, has_failed, was_json;
static size_t bytes; /* of aligned blocks */

static int refused(void)
{
    calls++;
    if (fails_at == 0 || calls < fails_at || (only_once && calls > fails_at))
        return 0;
    has_failed = 1;
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return refused() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    bytes += size;
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

int __wrap_scandir(const char *folder, struct dirent ***list,
                   int (*select)(const struct dirent *),
                   int (*compare)(const struct dirent **,
                                  const struct dirent **))
{
    return refused() ? -1 : __real_scandir(folder, list, select, compare);
}

void *__wrap_cx_arena_alloc(cx_arena *arena, size_t count, size_t size)
{
    return refused() ? NULL : __real_cx_arena_alloc(arena, count, size);
}

char *__wrap_cx_arena_text(cx_arena *arena, const char *text, size_t length)
{
    return refused() ? NULL : __real_cx_arena_text(arena, text, length);
}

static void *json_malloc(size_t size)
{
    if (!refused())
        return __real_malloc(size);
    was_json = 1;
    return NULL;
}

void failing_start(long n, int once)
{
    cJSON_Hooks hooks = { json_malloc, free };
    cJSON_InitHooks(&hooks);
    calls = 0;
    bytes = 0;
    has_failed = was_json = 0;
    fails_at = n;
    only_once = once;
}

long failing_stop(void)
{
    fails_at = 0;
    return calls;
}

size_t failing_bytes(void)
{
    return bytes;
}

int failing_has_failed(void)
{
    return has_failed;
}

int failing_was_json(void)
{
    return was_json;
}
