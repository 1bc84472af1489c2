#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index.h"

int is_folder(const char *place)
{
    struct stat about;
    size_t length = strlen(place);
    return (length > 0 && place[length - 1] == '/') ||
           (stat(place, &about) == 0 && S_ISDIR(about.st_mode));
}

static cxai_status make_folder(const char *place, cxai_error *error)
{
    struct stat about;
    if (mkdir(place, 0777) == 0)
        return CXAI_OK;
    int reason = errno;
    if (stat(place, &about) == 0 && S_ISDIR(about.st_mode))
        return CXAI_OK;
    return cxai_fail(error, CXAI_IO, "%s: cannot make the folder: %s", place,
                     strerror(reason));
}

cxai_status outputs_open(outputs *o, const char *place, cxai_error *error)
{
    *o = (outputs){ .place = place };
    if (place == NULL || !is_folder(place))
        return CXAI_OK;
    o->is_folder = 1;
    index_begin(&o->entries);
    cxai_status status = make_folder(place, error);
    if (status == CXAI_OK && name_set_add(&o->names, "index", ".json") == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for file names");
    return status == CXAI_OK ? index_check(place, error) : status;
}

static cxai_status put_together(outputs *o, const char *name, cxai_error *error)
{
    const char *folder = o->is_folder ? o->place : "";
    size_t length = strlen(folder);
    const char *joint = length == 0 || folder[length - 1] == '/' ? "" : "/";
    int written =
        snprintf(o->path, sizeof o->path, "%s%s%s", folder, joint, name);
    if (written < 0 || (size_t)written >= sizeof o->path)
        return cxai_fail(error, CXAI_INVALID, "%.200s...: the name is too long",
                         o->path);
    return CXAI_OK;
}

cxai_status outputs_next(outputs *o, const char *name, const char *ending,
                         cxai_error *error)
{
    const char *given = o->place;
    if (given != NULL && !o->is_folder && o->used > 0)
        return cxai_fail(error, CXAI_INVALID,
                         "%s: is one file, but there are several results; give "
                         "a folder: %s/",
                         given, given);
    if (given == NULL || o->is_folder)
        given = name_set_add(&o->names, name, ending);
    if (given == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for file names");
    return put_together(o, given, error);
}

void outputs_note(outputs *o, const output_subject *subject)
{
    const char *slash = strrchr(o->path, '/');
    o->used++;
    if (o->is_folder)
        index_add(&o->entries, slash != NULL ? slash + 1 : o->path, subject);
}

cxai_status outputs_finish(outputs *o, cxai_error *error)
{
    if (!o->is_folder || o->used == 0)
        return CXAI_OK;
    return index_save(&o->entries, o->place, &o->names, error);
}

void outputs_free(outputs *o)
{
    json_free(&o->entries);
    name_set_free(&o->names);
}
