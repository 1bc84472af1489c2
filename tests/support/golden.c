#include "support/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"

static void join(char path[512], const char *folder, const char *name)
{
    snprintf(path, 512, "%s/%s", folder, name);
}

cJSON *golden_index(const char *folder, cxai_error *error)
{
    char path[512];
    void *bytes;
    size_t size;
    join(path, folder, "index.json");
    if (cxai_file_read(path, 0, &bytes, &size, error))
        return NULL;
    cJSON *index = cJSON_ParseWithLength(bytes, size);
    free(bytes);
    if (!index)
        cxai_fail(error, CXAI_MALFORMED, "%s: not JSON", path);
    return index;
}

static const char *text(const cJSON *object, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    return s ? s : "";
}

/* A number of the index, or -1. */
static int64_t number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : -1;
}

static cxai_status load(const char *folder, const char *name, cxai_real **data,
                        cxai_shape *shape, cxai_error *error)
{
    char path[512];
    join(path, folder, name);
    return cxai_npy_load(path, 0, data, shape, error);
}

static cxai_status find(const golden *g, const char *name, int *value,
                        cxai_error *error)
{
    cxai_status status = cxai_model_find(g->model, name, value, error);
    if (status)
        return status;
    const char *found = cxai_model_value_name(g->model, *value);
    if (strcmp(found, name) != 0)
        return cxai_fail(error, CXAI_NOT_FOUND, "%s: value %s was found as %s",
                         g->file, name, found);
    return CXAI_OK;
}

/* Numbers that begin at the offset stored under key; NULL without the key. */
static cxai_status numbers_at(const golden *g, const cJSON *item,
                              const char *key, int64_t count,
                              const cxai_real **out, cxai_error *error)
{
    *out = NULL;
    if (!cJSON_GetObjectItem(item, key))
        return CXAI_OK;
    int64_t offset = number(item, key);
    if (offset < 0 || count < 0 || offset > g->number_count - count)
        return cxai_fail(error, CXAI_MALFORMED, "%s: no numbers for %s",
                         g->file, key);
    *out = g->numbers + offset;
    return CXAI_OK;
}

static cxai_status read_check(const golden *g, const cJSON *item,
                              golden_check *check, cxai_error *error)
{
    const cJSON *dimension;
    const cJSON *sensitivity = cJSON_GetObjectItem(item, "sensitivity");
    *check = (golden_check){ .name = text(item, "value") };
    if (cJSON_IsNumber(sensitivity))
        check->sensitivity = sensitivity->valuedouble;
    cxai_status status = find(g, check->name, &check->value, error);
    cJSON_ArrayForEach(dimension, cJSON_GetObjectItem(item, "shape"))
    {
        if (check->shape.rank < CXAI_MAX_RANK)
            check->shape.dim[check->shape.rank++] =
                (int64_t)dimension->valuedouble;
    }
    int64_t count = cxai_shape_count(&check->shape);
    if (!status)
        status =
            numbers_at(g, item, "activation", count, &check->activation, error);
    if (!status)
        status =
            numbers_at(g, item, "gradient", count, &check->gradient, error);
    if (!status && !check->activation && !check->gradient)
        status = cxai_fail(error, CXAI_MALFORMED, "%s: no numbers for %s",
                           g->file, check->name);
    return status;
}

static cxai_status read_checks(golden *g, const cJSON *entry, cxai_error *error)
{
    const cJSON *item;
    cxai_status status = CXAI_OK;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(entry, "checks"))
    {
        if (g->check_count == GOLDEN_MAX_CHECKS)
            return cxai_fail(error, CXAI_LIMIT, "%s: too many checks", g->file);
        golden_check *check = &g->checks[g->check_count++];
        if ((status = read_check(g, item, check, error)))
            return status;
        if (check->value == g->logits && check->shape.rank == 2)
            g->classes = check->shape.dim[1];
    }
    if (g->target < 0 || g->target >= g->classes)
        return cxai_fail(error, CXAI_MALFORMED, "%s: no logits", g->file);
    return numbers_at(g, entry, "onnxruntime", g->classes, &g->onnxruntime,
                      error);
}

cxai_status golden_open(golden *out, const char *folder, const cJSON *entry,
                        cxai_error *error)
{
    const cJSON *exact = cJSON_GetObjectItem(entry, "exact");
    golden g = { .file = text(entry, "file"),
                 .target = number(entry, "target"),
                 .exact = cJSON_IsTrue(exact) };
    char path[512];
    cxai_shape shape;
    join(path, folder, g.file);
    cxai_status status = cxai_model_load(&g.model, path, NULL, error);
    if (!status)
        status =
            load(folder, text(entry, "input"), &g.input, &g.input_shape, error);
    if (!status)
        status =
            load(folder, text(entry, "numbers"), &g.numbers, &shape, error);
    if (!status) {
        g.number_count = cxai_shape_count(&shape);
        status = find(&g, text(entry, "logits"), &g.logits, error);
    }
    if (!status)
        status = read_checks(&g, entry, error);
    if (status)
        golden_close(&g);
    *out = g;
    return status;
}

void golden_close(golden *g)
{
    cxai_model_free(&g->model);
    free(g->input);
    free(g->numbers);
    *g = (golden){ 0 };
}

cxai_status golden_session(cxai_session **out, const golden *g,
                           const golden_check *checks, int count, int64_t batch,
                           int threads, cxai_error *error)
{
    int watch[GOLDEN_MAX_CHECKS], wrt[GOLDEN_MAX_CHECKS];
    cxai_request request = { .input_shape = g->input_shape,
                             .watch = watch,
                             .target = g->logits,
                             .wrt = wrt,
                             .threads = threads };
    request.input_shape.dim[0] = batch;
    for (int i = 0; i < count; i++) {
        if (checks[i].activation)
            watch[request.watch_count++] = checks[i].value;
        if (checks[i].gradient)
            wrt[request.wrt_count++] = checks[i].value;
    }
    return cxai_session_create(out, g->model, &request, error);
}

cxai_status golden_feed(const golden *g, cxai_session *session, int64_t first,
                        cxai_error *error)
{
    int64_t size = cxai_shape_count(&g->input_shape) / g->input_shape.dim[0];
    return cxai_session_set(session, cxai_model_input(g->model, 0),
                            g->input + first * size, error);
}

cxai_status golden_backward(const golden *g, cxai_session *session,
                            int64_t batch, cxai_error *error)
{
    cxai_real *seed = calloc((size_t)(batch * g->classes), sizeof *seed);
    if (!seed)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory");
    for (int64_t i = 0; i < batch; i++)
        seed[i * g->classes + g->target] = 1;
    cxai_status status = cxai_session_backward(session, seed, error);
    free(seed);
    return status;
}

cxai_real *golden_copy(const cxai_session *session, int value, int gradient,
                       int64_t *count, cxai_error *error)
{
    cxai_tensor view;
    if (gradient ? cxai_session_gradient(session, value, &view, error)
                 : cxai_session_value(session, value, &view, error))
        return NULL;
    *count = cxai_shape_count(&view.shape);
    cxai_real *dense = malloc((size_t)*count * sizeof *dense);
    if (dense)
        cxai_tensor_read(&view, dense);
    else
        cxai_fail(error, CXAI_NO_MEMORY, "no memory");
    return dense;
}
