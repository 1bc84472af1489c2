/*
 * Tensor data outside of the model's file.
 *
 * A file names it relative to its own folder; no name may lead out of there.
 * Download caches keep model and data as symbolic links, side by side, to
 * blobs that lie side by side in another folder: so a name is looked up beside
 * the link that the user gave and beside each that it leads to, and may lead
 * into any of these folders.
 * Files are mapped once for all their tensors; one that cannot be mapped is
 * read, and stays open for the next tensor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/reader.h"

/* The text before the last slash. */
static const char *folder_of(cx_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    if (slash == path)
        return "/";
    return cx_arena_text(arena, path, (size_t)(slash - path));
}

/* Adds a folder to look in; 0, or -1 without memory. */
static int add_folder(cx_reader *reader, const char *folder)
{
    cx_external *external = &reader->external;
    char resolved[PATH_MAX];
    const char *root = "";
    if (folder != NULL && realpath(folder, resolved) != NULL)
        root = cx_arena_text(reader->arena, resolved, strlen(resolved));
    if (folder == NULL || root == NULL)
        return -1;
    external->folders[external->count] = folder;
    external->roots[external->count++] = root;
    return 0;
}

/* Replaces the path of a link by the one that it leads to; 0 when it is no
   link, or none that can be followed. */
static int follow(char path[PATH_MAX])
{
    char link[PATH_MAX], followed[PATH_MAX];
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length <= 0)
        return 0;
    link[length] = '\0';
    const char *slash = strrchr(path, '/');
    int kept = link[0] == '/' || slash == NULL ? 0 : (int)(slash - path) + 1;
    if (snprintf(followed, sizeof followed, "%.*s%s", kept, path, link) >=
        PATH_MAX)
        return 0;
    memcpy(path, followed, sizeof followed);
    return 1;
}

cxai_status cx_external_open(cx_reader *reader, const char *model_path,
                             const char *folder)
{
    char path[PATH_MAX];
    int failed = 0;
    if (model_path == NULL) {
        failed = folder != NULL && add_folder(reader, folder) != 0;
    } else if (snprintf(path, sizeof path, "%s", model_path) < PATH_MAX) {
        do
            failed = add_folder(reader, folder_of(reader->arena, path));
        while (!failed && reader->external.count < CX_MOST_FOLDERS &&
               follow(path));
    }
    if (failed)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return CXAI_OK;
}

static void leave_file(cx_external *external)
{
    if (external->name != NULL && external->bytes == NULL)
        close(external->file);
    external->name = NULL;
    external->bytes = NULL;
}

void cx_external_close(cx_external *external)
{
    leave_file(external);
    cx_names_free(&external->mapped);
}

static int is_inside(const char *path, const char *root)
{
    size_t length = strlen(root);
    if (length == 0 || strncmp(path, root, length) != 0)
        return 0;
    return path[length] == '/' || root[length - 1] == '/';
}

/* 1 when the name says that it leads out of the folder. */
static int escapes(const char *name)
{
    if (name[0] == '/')
        return 1;
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return 1;
    }
    return 0;
}

/* Resolves a name in the first folder that has it; 0, or -1 with the path that
   was tried first and errno set. */
static int find_in_folders(const cx_external *external, const char *name,
                           char resolved[PATH_MAX], char first[PATH_MAX])
{
    int reason = ENOENT;
    for (int i = 0; i < external->count; i++) {
        char path[PATH_MAX];
        errno = 0;
        if (snprintf(path, sizeof path, "%s/%s", external->folders[i], name) >=
            PATH_MAX)
            errno = ENAMETOOLONG;
        else if (realpath(path, resolved) != NULL)
            return 0;
        if (i == 0) {
            memcpy(first, path, sizeof path);
            reason = errno;
        }
    }
    errno = reason;
    return -1;
}

/* The resolved path of a name. */
static cxai_status resolve(const cx_reader *reader, const char *label,
                           const char *name, char resolved[PATH_MAX])
{
    const cx_external *external = &reader->external;
    char path[PATH_MAX];
    int inside = 0;
    if (external->count == 0)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s lies in the external file \"%s\", but the model "
                         "was not read from a folder",
                         label, name);
    if (name[0] == '\0' || escapes(name))
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s lies in the external file \"%s\"; only files in "
                         "the model's own folder are read",
                         label, name);
    if (find_in_folders(external, name, resolved, path) != 0)
        return cxai_fail(
            reader->error, errno == ENOENT ? CXAI_NOT_FOUND : CXAI_IO,
            "%s lies in the external file \"%s\", which cannot be opened (%s); "
            "put it beside the model",
            label, path, strerror(errno));
    for (int i = 0; i < external->count; i++)
        inside |= is_inside(resolved, external->roots[i]);
    if (!inside)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s lies in the external file \"%s\", a link that "
                         "leads out of the model's folder",
                         label, name);
    return CXAI_OK;
}

/* Checks that the open file is one, and of a size that is accepted. */
static cxai_status check_file(const cx_reader *reader, const char *label,
                              const char *name, uint64_t *size)
{
    struct stat about;
    char start[64];
    int file = reader->external.file;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return cxai_fail(reader->error, CXAI_IO,
                         "%s lies in \"%s\", which is no regular file", label,
                         name);
    *size = (uint64_t)about.st_size;
    if (*size > reader->limits->file_bytes)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "the file \"%s\" has %llu bytes; the limit is %llu",
                         name, (unsigned long long)*size,
                         (unsigned long long)reader->limits->file_bytes);
    ssize_t got = pread(file, start, sizeof start, 0);
    if (got > 0 && cx_is_lfs_pointer(start, (size_t)got))
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s lies in the external file \"%s\", which is a Git "
                         "LFS pointer, not the data; fetch it with `git lfs "
                         "pull`",
                         label, name);
    return CXAI_OK;
}

/* Maps the open file, where that can be, and closes it then. */
static cxai_status map_file(cx_reader *reader)
{
    cx_external *external = &reader->external;
    int number = (int)reader->origin->external_count;
    cx_bytes file;
    if (!cx_bytes_map(external->file, reader->limits->file_bytes, &file))
        return CXAI_OK;
    if (cx_origin_keep(reader->origin, &file) != 0) {
        cx_bytes_free(&file);
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    }
    if (cx_names_add(&external->mapped, external->name, number) != 0)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    close(external->file);
    external->bytes = file.bytes;
    external->size = file.size;
    return CXAI_OK;
}

/* Finds the file of that name among those that are mapped, or opens it. */
static cxai_status find_file(cx_reader *reader, const char *label,
                             const char *name)
{
    cx_external *external = &reader->external;
    if (external->name != NULL && strcmp(external->name, name) == 0)
        return CXAI_OK;
    leave_file(external);
    int number = cx_names_find(&external->mapped, name);
    if (number >= 0) {
        const cx_bytes *file = &reader->origin->external[number];
        external->name = name;
        external->bytes = file->bytes;
        external->size = file->size;
        return CXAI_OK;
    }
    char path[PATH_MAX];
    cxai_status status = resolve(reader, label, name, path);
    if (status != CXAI_OK)
        return status;
    external->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (external->file < 0)
        return cxai_fail(
            reader->error, CXAI_IO,
            "%s lies in the external file \"%s\", which cannot be opened "
            "(%s)",
            label, name, strerror(errno));
    external->name = name;
    status = check_file(reader, label, name, &external->size);
    return status == CXAI_OK ? map_file(reader) : status;
}

/* A decimal number without sign; -1 when text is anything else. */
static int parse_number(const char *text, uint64_t *number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    *number = value;
    return 0;
}

/* Where the file says that a tensor's data is. */
typedef struct place {
    const char *name;
    uint64_t offset, length; /* length 0: not said */
} place;

static cxai_status parse_place(const cx_reader *reader, const char *label,
                               const Onnx__TensorProto *tensor, place *p)
{
    *p = (place){ "", 0, 0 };
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = cx_onnx_text(tensor->external_data[i]->key);
        const char *value = cx_onnx_text(tensor->external_data[i]->value);
        int bad = 0;
        if (strcmp(key, "location") == 0)
            p->name = value;
        else if (strcmp(key, "offset") == 0)
            bad = parse_number(value, &p->offset);
        else if (strcmp(key, "length") == 0)
            bad = parse_number(value, &p->length);
        if (bad)
            return cxai_fail(reader->error, CXAI_MALFORMED,
                             "%s has an external %s of \"%s\"", label, key,
                             value);
    }
    return CXAI_OK;
}

cxai_status cx_external_find(cx_reader *reader, const char *label,
                             const Onnx__TensorProto *tensor, size_t size,
                             uint64_t *offset)
{
    place p;
    cxai_status status = parse_place(reader, label, tensor, &p);
    if (status != CXAI_OK)
        return status;
    if (p.length != 0 && p.length != size)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s needs %zu bytes, its external data has %llu",
                         label, size, (unsigned long long)p.length);
    status = find_file(reader, label, p.name);
    if (status != CXAI_OK)
        return status;
    *offset = p.offset;
    uint64_t bytes = reader->external.size;
    if (p.offset > bytes || size > bytes - p.offset)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s needs %zu bytes from byte %llu of \"%s\", which "
                         "has only %llu; fetch it again",
                         label, size, (unsigned long long)p.offset, p.name,
                         (unsigned long long)bytes);
    return CXAI_OK;
}

cxai_status cx_external_read(const cx_reader *reader, uint64_t offset,
                             void *bytes, size_t size)
{
    const cx_external *external = &reader->external;
    if (external->bytes != NULL) {
        cx_bytes_move(bytes, external->bytes + offset, size);
        return CXAI_OK;
    }
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(external->file, (char *)bytes + done, size - done,
                            (off_t)(offset + done));
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return cxai_fail(reader->error, CXAI_IO,
                             "cannot read the file \"%s\": %s", external->name,
                             got == 0 ? "it ends too early" : strerror(errno));
    }
    return CXAI_OK;
}
