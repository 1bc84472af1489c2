/* Writing .npy files: NEP 1, version 1.0; the bytes are those of numpy.save. */
#include "cxai/file.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Magic word, version 1.0 and two bytes for the header's length. */
static const char MAGIC[] = "\x93NUMPY\x01\x00";
enum { MAGIC_SIZE = 8, START = MAGIC_SIZE + 2, ALIGNMENT = 64 };

/* Magic word, length, dictionary, spaces and a line end up to a
   multiple of 64 bytes. Returns the length; text holds 512 bytes. */
static size_t write_header(char *text, size_t size, const cxai_shape *shape)
{
    char dimensions[192] = "";
    size_t used = 0;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(dimensions + used, sizeof dimensions - used,
                                 i > 0 ? " %" PRId64 "," : "%" PRId64 ",",
                                 shape->dim[i]);
    if (shape->rank > 1)
        dimensions[used - 1] = '\0'; /* only (3,) keeps its comma */
    used = START;
    used += (size_t)snprintf(
        text + START, size - START,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }",
        dimensions);
    size_t total = (used + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(text + used, ' ', total - used);
    text[total - 1] = '\n';
    memcpy(text, MAGIC, MAGIC_SIZE);
    text[MAGIC_SIZE] = (char)((total - START) & 255);
    text[MAGIC_SIZE + 1] = (char)((total - START) >> 8);
    return total;
}

static void write_items(char *out, const cxai_real *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = (float)data[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (size_t byte = 0; byte < 4; byte++)
            out[4 * i + byte] = (char)(bits >> (8 * byte) & 255);
    }
}

cxai_status cxai_npy_save(const char *path, const cxai_real *data,
                          const cxai_shape *shape, cxai_error *error)
{
    char header_text[512];
    int64_t count = cxai_shape_count(shape);
    if (count < 0)
        return cxai_fail(error, CXAI_INVALID, "%s: the shape overflows", path);
    size_t start = write_header(header_text, sizeof header_text, shape);
    char *bytes = NULL;
    if ((uint64_t)count < (SIZE_MAX - start) / 4)
        bytes = cx_alloc(start + 4 * (size_t)count, 1);
    if (bytes == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "%s: no memory for %" PRId64 " numbers", path, count);
    memcpy(bytes, header_text, start);
    write_items(bytes + start, data, (size_t)count);
    cxai_status status =
        cxai_file_write(path, bytes, start + 4 * (size_t)count, error);
    free(bytes);
    return status;
}
