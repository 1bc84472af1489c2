/* Label files. */
#include "image/labels.h"

#include "base/alloc.h"
#include "cxai/file.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 16 << 20, MAX_COUNT = 1 << 20 };

cxai_status cx_labels_add(cxai_labels *labels, const char *text, size_t length)
{
    void *names = labels->names;
    if (labels->count >= MAX_COUNT ||
        cx_grow(&names, &labels->capacity, (size_t)labels->count + 1,
                sizeof *labels->names) != 0)
        return CXAI_NO_MEMORY;
    labels->names = names;
    char *copy = cx_arena_text(&labels->arena, text, length);
    if (copy == NULL)
        return CXAI_NO_MEMORY;
    labels->names[labels->count++] = copy;
    return CXAI_OK;
}

/* ---- lines ---- */

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' ||
           c == '\v';
}

static cxai_status read_lines(cxai_labels *labels, const char *text,
                              const char *end)
{
    while (end > text && is_space(end[-1]))
        end--;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (line_end == NULL)
            line_end = end;
        const char *first = text, *last = line_end;
        while (first < last && is_space(*first))
            first++;
        while (last > first && is_space(last[-1]))
            last--;
        cxai_status status =
            cx_labels_add(labels, first, (size_t)(last - first));
        if (status != CXAI_OK)
            return status;
        text = line_end < end ? line_end + 1 : end;
    }
    return CXAI_OK;
}

/* ---- JSON ---- */

/* A text, or the last text of an array; NULL otherwise. */
static const char *json_name(const cJSON *item)
{
    if (cJSON_IsArray(item)) {
        const cJSON *last = item->child;
        while (last != NULL && last->next != NULL)
            last = last->next;
        item = last;
    }
    return cJSON_GetStringValue(item);
}

/* The class number that a key of an object is, or -1. */
static long key_number(const char *key)
{
    char *end;
    if (key[0] < '0' || key[0] > '9')
        return -1;
    long number = strtol(key, &end, 10);
    return *end == '\0' && number < MAX_COUNT ? number : -1;
}

/* Puts the items of an array or object in the order of their classes. Returns
   0, or -1 when keys are not 0 .. count-1 or a name is none. */
static int order_names(const cJSON *root, const char **name, long count)
{
    long position = 0;
    for (const cJSON *item = root->child; item != NULL; item = item->next) {
        long index =
            cJSON_IsArray(root) ? position++ : key_number(item->string);
        if (index < 0 || index >= count || name[index] != NULL)
            return -1;
        name[index] = json_name(item);
        if (name[index] == NULL)
            return -1;
    }
    return 0;
}

static cxai_status read_json(cxai_labels *labels, const char *text, size_t size)
{
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (!cJSON_IsArray(root) && !cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return CXAI_MALFORMED;
    }
    long count = 0;
    for (const cJSON *item = root->child; item != NULL; item = item->next)
        count++;
    const char **name = cx_alloc((size_t)count, sizeof *name);
    cxai_status status = name == NULL ? CXAI_NO_MEMORY : CXAI_OK;
    if (name != NULL && order_names(root, name, count) != 0)
        status = CXAI_MALFORMED;
    for (long i = 0; status == CXAI_OK && i < count; i++)
        status = cx_labels_add(labels, name[i], strlen(name[i]));
    free(name);
    cJSON_Delete(root);
    return status;
}

/* ---- either ---- */

static cxai_status read_labels(cxai_labels *labels, const char *text,
                               size_t size)
{
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    if (memchr(text, '\0', size) != NULL)
        return CXAI_MALFORMED;
    size_t at = 0;
    while (at < size && is_space(text[at]))
        at++;
    cxai_status status = at < size && (text[at] == '{' || text[at] == '[')
                             ? read_json(labels, text, size)
                             : read_lines(labels, text, text + size);
    return status == CXAI_OK && labels->count == 0 ? CXAI_MALFORMED : status;
}

cxai_status cxai_labels_parse(cxai_labels **out, const void *bytes, size_t size,
                              const char *name, cxai_error *error)
{
    *out = NULL;
    cxai_labels *labels = cx_alloc(1, sizeof *labels);
    cxai_status status =
        labels == NULL ? CXAI_NO_MEMORY : read_labels(labels, bytes, size);
    if (status == CXAI_OK) {
        *out = labels;
        return CXAI_OK;
    }
    cxai_labels_free(&labels);
    if (status == CXAI_NO_MEMORY)
        return cxai_fail(error, status, "%s: no memory for the labels", name);
    return cxai_fail(error, status,
                     "%s: not a label file: it must hold one name a line, or "
                     "a JSON array of names, or a JSON object of names with "
                     "the keys \"0\", \"1\", ...",
                     name);
}

cxai_status cxai_labels_load(cxai_labels **out, const char *path,
                             cxai_error *error)
{
    *out = NULL;
    void *bytes;
    size_t size;
    cxai_status status = cxai_file_read(path, MAX_BYTES, &bytes, &size, error);
    if (status != CXAI_OK)
        return status;
    status = cxai_labels_parse(out, bytes, size, path, error);
    free(bytes);
    return status;
}

void cxai_labels_free(cxai_labels **labels)
{
    if (*labels == NULL)
        return;
    cx_arena_free(&(*labels)->arena);
    free((*labels)->names);
    free(*labels);
    *labels = NULL;
}

int cxai_labels_count(const cxai_labels *labels)
{
    return labels != NULL ? labels->count : 0;
}

const char *cxai_labels_name(const cxai_labels *labels, int index)
{
    if (labels == NULL || index < 0 || index >= labels->count)
        return NULL;
    return labels->names[index];
}
