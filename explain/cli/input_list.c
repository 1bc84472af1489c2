#include "input_list.h"

#include "input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cxai/file.h"

/* A list being made. */
typedef struct listing {
    input_list *list;
    int recursive;
    long others, inner_folders; /* left out */
    cxai_error *error;
} listing;

static cxai_status no_memory(listing *l)
{
    return cxai_fail(l->error, CXAI_NO_MEMORY,
                     "no memory for the list of images");
}

/* Adds a path, which the list owns from now on, as it does the reason why it
   cannot be read (NULL: none is known); a path of NULL is a failure. */
static cxai_status add(listing *l, char *path, char *reason)
{
    input_list *list = l->list;
    char stem[NAME_PART];
    if (path != NULL && list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 16;
        listed_input *grown =
            realloc(list->inputs, capacity * sizeof *list->inputs);
        if (grown != NULL) {
            list->inputs = grown;
            list->capacity = capacity;
        }
    }
    if (path == NULL || list->count == list->capacity) {
        free(path);
        free(reason);
        return no_memory(l);
    }
    listed_input *one = &list->inputs[list->count++];
    stem_of(path, stem, sizeof stem);
    *one = (listed_input){ path, name_set_add(&list->stems, stem, ""), reason };
    return one->stem != NULL ? CXAI_OK : no_memory(l);
}

/* ---- folders ---- */

/* A folder that gives nothing is a failure like a file that cannot be read. */
static cxai_status add_failure(listing *l, const char *folder,
                               const char *reason)
{
    char *copy = strdup(reason);
    return copy != NULL ? add(l, strdup(folder), copy) : no_memory(l);
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    const char *joint = length > 0 && folder[length - 1] == '/' ? "" : "/";
    size_t size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%s%s", folder, joint, name);
    return path;
}

static cxai_status add_folder(listing *l, const char *folder);

/* One entry of a folder; path is owned. */
static cxai_status add_entry(listing *l, char *path)
{
    struct stat link, target;
    if (path == NULL)
        return no_memory(l);
    if (lstat(path, &link) == 0 && S_ISDIR(link.st_mode)) {
        cxai_status status = CXAI_OK;
        if (l->recursive)
            status = add_folder(l, path);
        else
            l->inner_folders++;
        free(path);
        return status;
    }
    if (input_is_named(path) &&
        (stat(path, &target) != 0 || !S_ISDIR(target.st_mode)))
        return add(l, path, NULL);
    l->others++;
    free(path);
    return CXAI_OK;
}

static cxai_status add_folder(listing *l, const char *folder)
{
    struct dirent **entries;
    cxai_status status = CXAI_OK;
    int count = scandir(folder, &entries, is_wanted, by_bytes);
    if (count < 0 && errno == ENOMEM)
        return no_memory(l);
    if (count < 0)
        return add_failure(l, folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == CXAI_OK)
            status = add_entry(l, join(folder, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return status;
}

static cxai_status add_path(listing *l, const char *path)
{
    struct stat about;
    size_t before = l->list->count;
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode))
        return add(l, strdup(path), NULL);
    cxai_status status = add_folder(l, path);
    if (status == CXAI_OK && l->list->count == before)
        status = add_failure(l, path,
                             l->inner_folders > 0
                                 ? "no pictures in this folder; --recursive "
                                   "takes those of its folders"
                                 : "no pictures in this folder");
    return status;
}

/* ---- lists ---- */

/* Lines, or, as find -print0 writes them, texts that end with a 0 byte. */
static cxai_status add_lines(listing *l, char *text, size_t size)
{
    char separator = memchr(text, '\0', size) != NULL ? '\0' : '\n';
    char *end = text + size;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (text < end) {
        char *stop = memchr(text, separator, (size_t)(end - text));
        if (stop == NULL)
            stop = end;
        *stop = '\0';
        if (separator == '\n' && stop > text && stop[-1] == '\r')
            stop[-1] = '\0';
        cxai_status status = *text != '\0' ? add_path(l, text) : CXAI_OK;
        if (status != CXAI_OK)
            return status;
        text = stop + 1;
    }
    return CXAI_OK;
}

static cxai_status add_list(listing *l, const char *path)
{
    enum { MOST_BYTES = 256 << 20 };
    void *bytes;
    size_t size, before = l->list->count;
    cxai_status status =
        cxai_file_read(path, MOST_BYTES, &bytes, &size, l->error);
    if (status != CXAI_OK)
        return status;
    status = add_lines(l, bytes, size);
    free(bytes);
    if (status == CXAI_OK && l->list->count == before)
        status = cxai_fail(l->error, CXAI_NOT_FOUND,
                           "%s: no path in this list of images",
                           strcmp(path, "-") == 0 ? "standard input" : path);
    return status;
}

/* ---- both ---- */

static void note_what_is_left_out(const listing *l)
{
    char *note = l->list->note;
    size_t size = sizeof l->list->note;
    *note = '\0';
    if (l->others > 0)
        snprintf(note, size,
                 "%ld file%s of the folders left out: neither .png, .jpg nor "
                 ".npy%s",
                 l->others, l->others == 1 ? "" : "s",
                 l->inner_folders > 0 ? "; " : "");
    size_t length = strlen(note);
    if (l->inner_folders > 0)
        snprintf(note + length, size - length,
                 "%ld folder%s inside left out: --recursive takes them",
                 l->inner_folders, l->inner_folders == 1 ? "" : "s");
}

cxai_status input_list_make(input_list *list, const common_settings *settings,
                            const char *const *operands, int count,
                            cxai_error *error)
{
    listing l = { .list = list,
                  .recursive = settings->recursive,
                  .error = error };
    cxai_status status = CXAI_OK;
    *list = (input_list){ 0 };
    for (int i = 0; status == CXAI_OK && i < count; i++)
        status = add_path(&l, operands[i]);
    if (status == CXAI_OK && settings->files_from != NULL)
        status = add_list(&l, settings->files_from);
    note_what_is_left_out(&l);
    return status;
}

static void free_input(listed_input *one)
{
    free(one->path);
    free(one->reason);
}

void input_list_free(input_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_input(&list->inputs[i]);
    free(list->inputs);
    name_set_free(&list->stems);
    *list = (input_list){ 0 };
}
