/* The loading functions of cxai/model.h. */
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "onnx/reader.h"

uint64_t cx_reader_memory_left(const cx_reader *reader)
{
    return reader->limits->memory_bytes > *reader->memory
               ? reader->limits->memory_bytes - *reader->memory
               : 0;
}

cxai_status cx_reader_count(cx_reader *reader, uint64_t bytes)
{
    if (bytes > cx_reader_memory_left(reader))
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "the model needs more than %llu bytes of memory",
                         (unsigned long long)reader->limits->memory_bytes);
    *reader->memory += bytes;
    return CXAI_OK;
}

cxai_status cx_reader_alloc(cx_reader *reader, size_t count, size_t size,
                            void **block)
{
    int overflows = size != 0 && count > UINT64_MAX / size;
    cxai_status status =
        cx_reader_count(reader, overflows ? UINT64_MAX : count * size);
    if (status != CXAI_OK)
        return status;
    *block = cx_arena_alloc(reader->arena, count, size);
    if (*block == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return CXAI_OK;
}

static cxai_status check_bytes(const void *bytes, size_t size,
                               uint64_t max_bytes, cxai_error *error)
{
    if (size == 0)
        return cxai_fail(error, CXAI_MALFORMED, "the file is empty");
    if (size > max_bytes)
        return cxai_fail(error, CXAI_LIMIT,
                         "a model of %zu bytes; the limit is %llu", size,
                         (unsigned long long)max_bytes);
    const char *foreign = cx_foreign_format(bytes, size);
    if (foreign != NULL)
        return cxai_fail(error, CXAI_MALFORMED, "not an ONNX model but %s",
                         foreign);
    return CXAI_OK;
}

/* Builds a model; messages do not yet say of which file. Takes the bytes. */
static cxai_status build(cxai_model **out, cx_bytes *file, const char *path,
                         const char *folder, const cxai_limits *limits,
                         cxai_error *error)
{
    cx_reader reader = { .error = error };
    cx_origin *origin = cx_origin_create(file);
    if (origin == NULL) {
        cx_bytes_free(file);
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    }
    cxai_status status = cx_builder_create(&reader.builder, limits, error);
    if (status != CXAI_OK) {
        cx_origin_free(origin);
        return status;
    }
    reader.origin = origin;
    reader.arena = cx_builder_arena(reader.builder);
    reader.limits = cx_builder_limits(reader.builder);
    reader.memory = cx_builder_memory(reader.builder);
    const Onnx__ModelProto *model;
    status =
        check_bytes(file->bytes, file->size, reader.limits->file_bytes, error);
    if (status == CXAI_OK)
        status = cx_onnx_unpack(&reader, origin, &model);
    if (status == CXAI_OK)
        status = cx_external_open(&reader, path, folder);
    if (status == CXAI_OK)
        status = cx_onnx_convert(&reader, model);
    cx_external_close(&reader.external);
    if (status == CXAI_OK)
        status = cx_builder_finish(&reader.builder, out, error);
    cx_builder_free(&reader.builder);
    if (status != CXAI_OK) {
        cx_origin_free(origin);
        return status;
    }
    cx_origin_settle(origin);
    (*out)->origin = origin;
    return CXAI_OK;
}

cxai_status cxai_model_load_memory(cxai_model **out, const void *bytes,
                                   size_t size, const char *folder,
                                   const cxai_limits *limits, cxai_error *error)
{
    *out = NULL;
    cxai_error cause;
    int limited = limits != NULL && limits->file_bytes != 0;
    cxai_status status = check_bytes(
        bytes, size, limited ? limits->file_bytes : UINT64_MAX, &cause);
    if (status != CXAI_OK)
        return cxai_fail(error, status, "model: %s", cause.message);
    void *copy = cx_alloc_room(size);
    if (copy == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "model: no memory for its %zu bytes", size);
    memcpy(copy, bytes, size);
    cx_bytes file = { copy, size, 0 };
    status = build(out, &file, NULL, folder, limits, &cause);
    if (status != CXAI_OK)
        return cxai_fail(error, status, "model: %s", cause.message);
    return CXAI_OK;
}

cxai_status cxai_model_load(cxai_model **out, const char *path,
                            const cxai_limits *limits, cxai_error *error)
{
    *out = NULL;
    cx_bytes file;
    cxai_status status = cx_file_bytes(
        path, limits != NULL ? limits->file_bytes : 0, &file, error);
    if (status != CXAI_OK)
        return status;
    cxai_error cause;
    int is_file = path[0] != '-' || path[1] != '\0';
    status = build(out, &file, is_file ? path : NULL, NULL, limits, &cause);
    if (status != CXAI_OK)
        return cxai_fail(error, status, "%s: %s", path, cause.message);
    return CXAI_OK;
}
