/* Preprocessing read from JSON, by cJSON. */
#include "image/preprocess_keys.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct json_source {
    const char *name;
    const char *folder;
    cxai_error *error;
} json_source;

/* Returns -1 for what no key takes. */
static int read_item(const cJSON *item, cx_setting *s)
{
    if (cJSON_IsString(item)) {
        s->text = item->valuestring;
        cx_setting_read_numbers(s);
        return 0;
    }
    if (cJSON_IsNumber(item)) {
        s->number[0] = item->valuedouble;
        s->count = 1;
        return 0;
    }
    if (!cJSON_IsArray(item))
        return -1;
    for (const cJSON *i = item->child; i != NULL; i = i->next) {
        if (!cJSON_IsNumber(i) || s->count == 3)
            return -1;
        s->number[s->count++] = i->valuedouble;
    }
    return 0;
}

static cxai_status unknown_key(const json_source *from, const char *name,
                               int inside_resize)
{
    char known[256] = "";
    if (!inside_resize)
        snprintf(known, sizeof known, "resize");
    for (size_t i = 0; i < cx_preprocess_key_count; i++) {
        size_t used = strlen(known);
        if (cx_preprocess_keys[i].inside_resize == inside_resize)
            snprintf(known + used, sizeof known - used, "%s%s",
                     used > 0 ? ", " : "", cx_preprocess_keys[i].name);
    }
    return cxai_fail(from->error, CXAI_MALFORMED,
                     "%s: unknown key \"%.64s\"%s; known are %s", from->name,
                     name, inside_resize ? " in \"resize\"" : "", known);
}

static cxai_status read_key(cxai_preprocess *p, const cJSON *item,
                            const cx_preprocess_key *k, const json_source *from)
{
    cx_setting s = { .folder = from->folder };
    if (read_item(item, &s) != 0)
        s = (cx_setting){ .count = 0 };
    return cx_preprocess_apply_key(p, k, &s, from->name, from->error);
}

static cxai_status read_object(cxai_preprocess *p, const cJSON *object,
                               int inside_resize, const json_source *from)
{
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        const char *name = item->string;
        cxai_status status = CXAI_OK;
        if (!inside_resize && strcmp(name, "resize") == 0) {
            if (!cJSON_IsObject(item))
                return cxai_fail(from->error, CXAI_MALFORMED,
                                 "%s: \"resize\" must be an object",
                                 from->name);
            status = read_object(p, item, 1, from);
        } else {
            const cx_preprocess_key *k = cx_find_preprocess_key(name);
            if (k == NULL || k->inside_resize != inside_resize)
                return unknown_key(from, name, inside_resize);
            if (k != cx_recipe_key)
                status = read_key(p, item, k, from);
        }
        if (status != CXAI_OK)
            return status;
    }
    return CXAI_OK;
}

/* The recipe first, wherever it stands, then what changes its details. */
static cxai_status read_root(cxai_preprocess *p, const cJSON *root,
                             const json_source *from)
{
    const cJSON *recipe =
        cJSON_GetObjectItemCaseSensitive(root, cx_recipe_key->name);
    cxai_status status = CXAI_OK;
    if (recipe != NULL)
        status = read_key(p, recipe, cx_recipe_key, from);
    return status == CXAI_OK ? read_object(p, root, 0, from) : status;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int only_space(const char *from, const char *end)
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    return from == end;
}

cxai_status cxai_preprocess_parse(cxai_preprocess *preprocess, const char *json,
                                  size_t size, const char *name,
                                  const char *folder, cxai_error *error)
{
    const char *end = json;
    cJSON *root = cJSON_ParseWithLengthOpts(json, size, &end, 0);
    cxai_preprocess changed = *preprocess;
    json_source from = { name, folder, error };
    cxai_status status;
    if (root == NULL || !only_space(end, json + size))
        status =
            cxai_fail(error, CXAI_MALFORMED, "%s: not valid JSON near byte %td",
                      name, end != NULL ? end - json : 0);
    else if (!cJSON_IsObject(root))
        status = cxai_fail(error, CXAI_MALFORMED, "%s: must hold a JSON object",
                           name);
    else
        status = read_root(&changed, root, &from);
    cJSON_Delete(root);
    if (status == CXAI_OK) {
        cx_add_source(&changed, "%s", base_name(name));
        *preprocess = changed;
    }
    return status;
}
