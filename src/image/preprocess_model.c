/* Preprocessing that comes with a model: its metadata and the file beside
   it. */
#include "base/alloc.h"
#include "cxai/file.h"
#include "image/preprocess_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_JSON_BYTES = 1 << 20 };

/* ---- metadata ---- */

static cxai_status read_own_metadata(cxai_preprocess *p,
                                     const cxai_model *model,
                                     const char *folder, int *found,
                                     cxai_error *error)
{
    if (cxai_model_metadata(model, "input.mean") != NULL &&
        cxai_model_metadata(model, "input.recipe") == NULL)
        p->scale = 1;
    for (size_t i = 0; i < cx_preprocess_key_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "input.%s", cx_preprocess_keys[i].name);
        cx_setting s = { .text = cxai_model_metadata(model, name),
                         .folder = folder };
        if (s.text == NULL)
            continue;
        cx_setting_read_numbers(&s);
        cxai_status status = cx_preprocess_apply_key(
            p, &cx_preprocess_keys[i], &s, "metadata input.*", error);
        if (status != CXAI_OK)
            return status;
        *found = 1;
    }
    return CXAI_OK;
}

/* ONNX MetadataProps.md, "Image Category Definition". Values that we do not
   know are left alone: they say something about the file, not about us. */
static void read_standard_metadata(cxai_preprocess *p, const cxai_model *model,
                                   int *found)
{
    static const struct {
        const char *key, *value;
        int channels;       /* or -1 */
        double scale, mean; /* or scale 0 */
    } meanings[] = {
        { "Image.BitmapPixelFormat", "Gray8", CXAI_GREY, 0, 0 },
        { "Image.BitmapPixelFormat", "Rgb8", CXAI_RGB, 0, 0 },
        { "Image.BitmapPixelFormat", "Bgr8", CXAI_BGR, 0, 0 },
        { "Image.NominalPixelRange", "NominalRange_0_255", -1, 1, 0 },
        { "Image.NominalPixelRange", "Normalized_0_1", -1, 1 / 255.0, 0 },
        { "Image.NominalPixelRange", "Normalized_1_1", -1, 1 / 127.5, 1 },
    };
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const char *value = cxai_model_metadata(model, meanings[i].key);
        if (value == NULL || strcasecmp(value, meanings[i].value) != 0)
            continue;
        *found = 1;
        if (meanings[i].channels >= 0)
            p->channels = (cxai_channel_order)meanings[i].channels;
        if (meanings[i].scale == 0)
            continue;
        p->guessed = 0;
        p->scale = meanings[i].scale;
        for (int c = 0; c < 3; c++) {
            p->mean[c] = meanings[i].mean;
            p->std[c] = 1;
        }
    }
}

/* ---- the file beside it ---- */

/* MODEL.json for MODEL.onnx, or NULL without memory; free() ends it. */
static char *json_path(const char *model_path)
{
    size_t length = strlen(model_path);
    if (length > 5 && strcasecmp(model_path + length - 5, ".onnx") == 0)
        length -= 5;
    size_t size = length + sizeof ".json";
    char *path = cx_alloc(size, 1);
    if (path != NULL)
        snprintf(path, size, "%.*s.json", (int)length, model_path);
    return path;
}

static cxai_status read_file(cxai_preprocess *p, const char *path,
                             const char *folder, cxai_error *error)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return CXAI_OK;
    void *json;
    size_t size;
    cxai_status status =
        cxai_file_read(path, MAX_JSON_BYTES, &json, &size, error);
    if (status != CXAI_OK)
        return status;
    status = cxai_preprocess_parse(p, json, size, path, folder, error);
    free(json);
    return status;
}

static cxai_status read_beside(cxai_preprocess *p, const cxai_model *model,
                               const char *model_path, cxai_error *error)
{
    int found = 0;
    read_standard_metadata(p, model, &found);
    char *path = json_path(model_path != NULL ? model_path : "");
    char *folder = json_path(model_path != NULL ? model_path : "");
    cxai_status status;
    if (path == NULL || folder == NULL) {
        status =
            cxai_fail(error, CXAI_NO_MEMORY, "no memory for the preprocessing");
    } else {
        char *slash = strrchr(folder, '/');
        *(slash != NULL ? slash + (slash == folder) : folder) = '\0';
        status = read_own_metadata(p, model, folder, &found, error);
    }
    if (status == CXAI_OK && found)
        cx_add_source(p, "metadata");
    if (status == CXAI_OK && model_path != NULL)
        status = read_file(p, path, folder, error);
    free(path);
    free(folder);
    return status;
}

cxai_status cxai_preprocess_for_model(cxai_preprocess *out,
                                      const cxai_model *model,
                                      const char *model_path, cxai_error *error)
{
    memset(out, 0, sizeof *out);
    if (cxai_model_input_count(model) < 1)
        return cxai_fail(error, CXAI_UNSUPPORTED, "the model has no input");
    cxai_shape shape = cxai_model_input_shape(model, 0);
    cxai_status status = cxai_preprocess_defaults(out, &shape, error);
    if (status == CXAI_OK && cxai_model_input_is_integer(model, 0)) {
        cx_apply_recipe(out, "raw"); /* whole numbers are pixels */
        out->guessed = 0;
    }
    if (status == CXAI_OK)
        status = read_beside(out, model, model_path, error);
    if (status == CXAI_OK)
        status = cxai_preprocess_check(out, model, error);
    return status;
}
