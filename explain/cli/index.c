#include "index.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/file.h"

void index_begin(json *files)
{
    *files = (json){ 0 };
    json_object(files, NULL);
    json_text(files, "cxai", CXAI_VERSION);
    json_array(files, "files");
}

void index_add(json *files, const char *file, const output_subject *subject)
{
    json_object(files, NULL);
    json_text(files, "file", file);
    if (subject->image != NULL)
        json_text(files, "image", subject->image);
    if (subject->row >= 0)
        json_number(files, "row", (double)subject->row);
    if (subject->layer != NULL)
        json_text(files, "layer", subject->layer);
    if (subject->target != NULL)
        json_text(files, "target", subject->target);
    if (subject->result != NULL)
        json_insert(files, "result", subject->result);
    json_end(files);
}

static cxai_status path_in(const char *folder, const char *file, char *path,
                           size_t size, cxai_error *error)
{
    int length = snprintf(path, size, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= size)
        return cxai_fail(error, CXAI_INVALID, "%.200s...: the name is too long",
                         folder);
    return CXAI_OK;
}

/* The folder's index as it is; *old NULL where there is none. */
static cxai_status load(cJSON **old, const char *folder, cxai_error *error)
{
    enum { MOST_BYTES = 256 << 20 };
    char path[4096];
    void *bytes;
    size_t size;
    *old = NULL;
    cxai_status status =
        path_in(folder, "index.json", path, sizeof path, error);
    if (status != CXAI_OK || access(path, F_OK) != 0)
        return status;
    status = cxai_file_read(path, MOST_BYTES, &bytes, &size, error);
    if (status != CXAI_OK)
        return status;
    *old = cJSON_ParseWithLength(bytes, size);
    free(bytes);
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(*old, "cxai")) &&
        cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(*old, "files")))
        return CXAI_OK;
    cJSON_Delete(*old);
    *old = NULL;
    return cxai_fail(error, CXAI_MALFORMED,
                     "%s: is not an index that cxai wrote; give another folder",
                     path);
}

cxai_status index_check(const char *folder, cxai_error *error)
{
    cJSON *old;
    cxai_status status = load(&old, folder, error);
    cJSON_Delete(old);
    return status;
}

/* Whether an old entry still tells the truth. */
static int holds(const cJSON *entry, const char *folder, const name_set *names)
{
    char path[4096];
    const char *file =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "file"));
    return file != NULL && !name_set_has(names, file) &&
           path_in(folder, file, path, sizeof path, NULL) == CXAI_OK &&
           access(path, F_OK) == 0;
}

static void keep(json *files, const cJSON *entry)
{
    char *text = cJSON_PrintUnformatted(entry);
    if (text != NULL)
        json_insert(files, NULL, text);
    else
        files->failed = 1;
    cJSON_free(text);
}

cxai_status index_save(json *files, const char *folder, const name_set *names,
                       cxai_error *error)
{
    cJSON *old;
    char path[4096];
    cxai_status status = load(&old, folder, error);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(old, "files"))
    {
        if (holds(entry, folder, names))
            keep(files, entry);
    }
    cJSON_Delete(old);
    json_end_all(files);
    if (status == CXAI_OK)
        status = path_in(folder, "index.json", path, sizeof path, error);
    if (status == CXAI_OK && files->failed)
        status = cxai_fail(error, CXAI_NO_MEMORY, "%s: no memory for it", path);
    if (status == CXAI_OK)
        status = cxai_file_write(path, files->text, files->length, error);
    return status;
}
