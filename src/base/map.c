#include "base/map.h"

#include "cxai/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int cx_bytes_map(int file, uint64_t max_bytes, cx_bytes *out)
{
    struct stat info;
    void *bytes = MAP_FAILED;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        (uint64_t)info.st_size < SIZE_MAX &&
        (max_bytes == 0 || (uint64_t)info.st_size <= max_bytes))
        bytes =
            mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return 0;
    *out = (cx_bytes){ bytes, (size_t)info.st_size, 1 };
    return 1;
}

static int map(const char *path, uint64_t max_bytes, cx_bytes *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return 0;
    int mapped = cx_bytes_map(file, max_bytes, out);
    close(file);
    return mapped;
}

int cx_bytes_hold(const cx_bytes *bytes, const void *address)
{
    uintptr_t at = (uintptr_t)address, begin = (uintptr_t)bytes->bytes;
    return bytes->mapped && at >= begin && at - begin < bytes->size;
}

/* What cannot be mapped is read, and what is wrong with it said there. */
cxai_status cx_file_bytes(const char *path, uint64_t max_bytes, cx_bytes *out,
                          cxai_error *error)
{
    void *bytes;
    *out = (cx_bytes){ NULL, 0, 0 };
    if (strcmp(path, "-") != 0 && map(path, max_bytes, out))
        return CXAI_OK;
    cxai_status status =
        cxai_file_read(path, max_bytes, &bytes, &out->size, error);
    out->bytes = bytes;
    return status;
}

void cx_bytes_free(cx_bytes *bytes)
{
    if (bytes->mapped)
        munmap(bytes->bytes, bytes->size);
    else
        free(bytes->bytes);
    *bytes = (cx_bytes){ NULL, 0, 0 };
}

void cx_bytes_move(void *to, const void *bytes, size_t size)
{
    enum { AT_ONCE = 4 << 20 };
    for (size_t at = 0; at < size; at += AT_ONCE) {
        const char *from = (const char *)bytes + at;
        size_t part = size - at < AT_ONCE ? size - at : AT_ONCE;
        memcpy((char *)to + at, from, part);
        cx_bytes_drop(from, part);
    }
}

void cx_bytes_drop(const void *bytes, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)bytes + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)bytes + size) / page * page;
    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
}
