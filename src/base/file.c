/* Whole files in and out. */
#include "cxai/file.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static const uint64_t DEFAULT_MAX_BYTES = UINT64_C(4) << 30;
enum { BLOCK = 64 << 10, AT_ONCE = 1 << 30 };

/* A file being read; name is for messages. */
typedef struct reading {
    int file;
    const char *name;
    uint64_t max_bytes;
    void *bytes; /* capacity bytes, of which size are filled */
    size_t size, capacity;
    cxai_error *error;
} reading;

static cxai_status too_large(const reading *r)
{
    return cxai_fail(r->error, CXAI_LIMIT,
                     "%s: larger than the limit of %" PRIu64 " bytes", r->name,
                     r->max_bytes);
}

static cxai_status no_memory(const reading *r, uint64_t bytes)
{
    return cxai_fail(r->error, CXAI_NO_MEMORY,
                     "%s: no memory for %" PRIu64 " bytes", r->name, bytes);
}

/* Reads once into the free part of the buffer; *got 0 at the end. */
static cxai_status read_some(reading *r, size_t room, size_t *got)
{
    ssize_t count;
    do
        count = read(r->file, (char *)r->bytes + r->size,
                     room < AT_ONCE ? room : AT_ONCE);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return cxai_fail(r->error, CXAI_IO, "%s: cannot read: %s", r->name,
                         strerror(errno));
    *got = (size_t)count;
    r->size += *got;
    return CXAI_OK;
}

/* The size is known; a file that shrinks meanwhile is read as far as it
   goes. Large pages save a third of the time of loading a large model. */
static cxai_status read_regular(reading *r, uint64_t size)
{
    if (size > r->max_bytes)
        return too_large(r);
    if (size >= SIZE_MAX ||
        (r->bytes = cx_alloc_room((size_t)size + 1)) == NULL)
        return no_memory(r, size);
    size_t got = 1;
    while (got > 0 && r->size < size) {
        cxai_status status = read_some(r, (size_t)size - r->size, &got);
        if (status != CXAI_OK)
            return status;
    }
    ((char *)r->bytes)[r->size] = '\0';
    return CXAI_OK;
}

static cxai_status read_stream(reading *r)
{
    size_t got = 1;
    while (got > 0) {
        /* one byte stays free for the final 0 */
        size_t wanted = r->size + BLOCK;
        if (cx_grow(&r->bytes, &r->capacity, wanted, 1) != 0)
            return no_memory(r, wanted);
        cxai_status status = read_some(r, r->capacity - r->size - 1, &got);
        if (status != CXAI_OK)
            return status;
        if (r->size > r->max_bytes)
            return too_large(r);
    }
    ((char *)r->bytes)[r->size] = '\0';
    return CXAI_OK;
}

static cxai_status read_open_file(reading *r, int is_stdin)
{
    struct stat info;
    if (fstat(r->file, &info) != 0)
        return cxai_fail(r->error, CXAI_IO, "%s: %s", r->name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return cxai_fail(r->error, CXAI_IO, "%s: is a folder, not a file",
                         r->name);
    if (!is_stdin && !S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode))
        return cxai_fail(r->error, CXAI_IO,
                         "%s: is a device, not a file or a pipe", r->name);
    /* some files of /proc have a size of 0 and content; standard input may
       have been read in part */
    if (S_ISREG(info.st_mode) && info.st_size > 0 && !is_stdin)
        return read_regular(r, (uint64_t)info.st_size);
    return read_stream(r);
}

cxai_status cxai_file_read(const char *path, uint64_t max_bytes, void **bytes,
                           size_t *size, cxai_error *error)
{
    int is_stdin = strcmp(path, "-") == 0;
    reading r = { .name = is_stdin ? "standard input" : path,
                  .max_bytes = max_bytes > 0 ? max_bytes : DEFAULT_MAX_BYTES,
                  .error = error };
    *bytes = NULL;
    *size = 0;
    r.file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (r.file < 0)
        return cxai_fail(error, errno == ENOENT ? CXAI_NOT_FOUND : CXAI_IO,
                         "%s: cannot open: %s", path, strerror(errno));
    cxai_status status = read_open_file(&r, is_stdin);
    if (!is_stdin)
        close(r.file);
    if (status != CXAI_OK) {
        free(r.bytes);
        return status;
    }
    *bytes = r.bytes;
    *size = r.size;
    return CXAI_OK;
}

/* ---- writing ---- */

static cxai_status cannot_write(const char *path, cxai_error *error)
{
    return cxai_fail(error, CXAI_IO, "%s: cannot write: %s", path,
                     strerror(errno));
}

static int write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(file, bytes, size < AT_ONCE ? size : AT_ONCE);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

/* Writes and closes; a disk may turn out to be full as late as fsync or
   close. Keeps errno of the first failure. */
static int write_and_close(int file, const void *bytes, size_t size)
{
    int failed = write_all(file, bytes, size) != 0;
    /* EINVAL, ENOTSUP: not a file that can be synced, a pipe say */
    if (!failed && fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP)
        failed = 1;
    int first = errno;
    if (close(file) != 0 && !failed)
        return -1;
    errno = first;
    return failed ? -1 : 0;
}

/* Opens a new file NAME.PID-N.part beside path; temporary holds its name. */
static int open_temporary(const char *path, char *temporary, size_t size)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(temporary, size, "%s.%ld-%d.part", path, (long)getpid(),
                 attempt);
        int file =
            open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST)
            return file;
    }
    return -1;
}

/* mode: permissions of the file to be replaced, or -1. */
static cxai_status write_by_rename(const char *path, int mode,
                                   const void *bytes, size_t size,
                                   cxai_error *error)
{
    size_t length = strlen(path) + 48;
    char *temporary = cx_alloc(length, 1);
    if (temporary == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "%s: no memory for its name",
                         path);
    cxai_status status = CXAI_OK;
    int file = open_temporary(path, temporary, length);
    if (file < 0) {
        status = cannot_write(path, error);
        goto done;
    }
    if (mode >= 0)
        (void)!fchmod(file, (mode_t)mode); /* another's file: keep ours */
    if (write_and_close(file, bytes, size) != 0 ||
        rename(temporary, path) != 0) {
        status = cannot_write(path, error);
        unlink(temporary);
    }
done:
    free(temporary);
    return status;
}

/* Pipes and devices cannot be replaced. */
static cxai_status write_in_place(const char *path, const void *bytes,
                                  size_t size, cxai_error *error)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write_and_close(file, bytes, size) != 0)
        return cannot_write(path, error);
    return CXAI_OK;
}

cxai_status cxai_file_write(const char *path, const void *bytes, size_t size,
                            cxai_error *error)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return write_by_rename(path, -1, bytes, size, error);
    if (S_ISDIR(info.st_mode))
        return cxai_fail(error, CXAI_IO, "%s: is a folder, not a file", path);
    if (!S_ISREG(info.st_mode))
        return write_in_place(path, bytes, size, error);
    /* behind a symbolic link the file is replaced, not the link */
    char *resolved = realpath(path, NULL);
    cxai_status status =
        write_by_rename(resolved != NULL ? resolved : path,
                        (int)(info.st_mode & 07777), bytes, size, error);
    free(resolved);
    return status;
}
