/* Arrays for --npy. */
#include "output.h"

#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"

cxai_status numbers_open(numbers *n, const char *path, cxai_error *error)
{
    *n = (numbers){ 0 };
    return outputs_open(&n->files, path, error);
}

/* (items, shape...) to the file that n->files names. */
static cxai_status save(const numbers *n, const cxai_real *data,
                        const cxai_shape *item, int64_t items,
                        cxai_error *error)
{
    if (item->rank == CXAI_MAX_RANK)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s: an array cannot have more than %d axes",
                         n->files.path, CXAI_MAX_RANK);
    cxai_shape shape = { item->rank + 1, { items } };
    memcpy(shape.dim + 1, item->dim, (size_t)item->rank * sizeof shape.dim[0]);
    return cxai_npy_save(n->files.path, data, &shape, error);
}

static cxai_status stack(numbers *n, const cxai_real *data,
                         const cxai_shape *shape, int64_t items,
                         cxai_error *error)
{
    size_t more = (size_t)cxai_shape_count(shape) * (size_t)items;
    if (n->items > 0 && !cxai_shape_equal(&n->shape, shape))
        return cxai_fail(error, CXAI_INVALID,
                         "--npy: one file needs results of one shape; a "
                         "folder/ takes any");
    if (n->count + more > n->capacity) {
        size_t capacity = (n->count + more) * 2;
        cxai_real *grown = realloc(n->data, capacity * sizeof *grown);
        if (grown == NULL)
            return cxai_fail(error, CXAI_NO_MEMORY, "no memory for --npy");
        n->data = grown;
        n->capacity = capacity;
    }
    memcpy(n->data + n->count, data, more * sizeof *data);
    n->count += more;
    n->items += items;
    n->shape = *shape;
    return CXAI_OK;
}

cxai_status numbers_add(numbers *n, const cxai_real *data,
                        const cxai_shape *shape, int64_t items,
                        const char *name, const output_subject *subject,
                        cxai_error *error)
{
    if (n->files.place == NULL)
        return CXAI_OK;
    if (!n->files.is_folder)
        return stack(n, data, shape, items, error);
    cxai_status status = outputs_next(&n->files, name, ".npy", error);
    if (status == CXAI_OK)
        status = save(n, data, shape, items, error);
    if (status == CXAI_OK)
        outputs_note(&n->files, subject);
    return status;
}

cxai_status numbers_finish(numbers *n, cxai_error *error)
{
    if (n->items == 0)
        return outputs_finish(&n->files, error);
    cxai_status status = outputs_next(&n->files, "", "", error);
    if (status == CXAI_OK)
        status = save(n, n->data, &n->shape, n->items, error);
    return status;
}

void numbers_free(numbers *n)
{
    free(n->data);
    outputs_free(&n->files);
}

cxai_status numbers_write(const char *path, const cxai_real *data,
                          const cxai_shape *shape, const char *name,
                          const output_subject *subject, cxai_error *error)
{
    numbers n;
    cxai_shape item = { shape->rank - 1, { 0 } };
    for (int d = 0; d < item.rank; d++)
        item.dim[d] = shape->dim[d + 1];
    cxai_status status = numbers_open(&n, path, error);
    if (status == CXAI_OK)
        status =
            numbers_add(&n, data, &item, shape->dim[0], name, subject, error);
    if (status == CXAI_OK)
        status = numbers_finish(&n, error);
    numbers_free(&n);
    return status;
}
