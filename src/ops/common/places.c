#include "ops/common/places.h"

#include <inttypes.h>
#include <string.h>

cxai_status cx_places_create(const cx_case *c, int64_t count, int64_t run,
                             cx_places *places)
{
    *places = (cx_places){ count, run, NULL };
    places->at = cx_arena_alloc(c->arena, (size_t)count, sizeof *places->at);
    if (places->at == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its indices");
    return CXAI_OK;
}

cxai_status cx_read_indices(const cx_case *c, int input,
                            const cx_literal **indices)
{
    *indices = c->x_literal[input];
    if (*indices == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its indices are computed from the data; only "
                         "constants are supported");
    if ((*indices)->type == CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its indices are no integers");
    return CXAI_OK;
}

cxai_status cx_read_index(const cx_case *c, int64_t index, int64_t size,
                          int64_t *out)
{
    if (index < -size || index >= size)
        return cx_refuse(c, CXAI_MALFORMED,
                         "index %" PRId64 " is out of range for %" PRId64
                         " elements",
                         index, size);
    *out = index < 0 ? index + size : index;
    return CXAI_OK;
}

cxai_status cx_places_along(const cx_case *c, const cxai_shape *whole, int axis,
                            const cx_literal *indices, cx_places *places)
{
    const cxai_shape *shape = &indices->shape;
    int64_t stride[CXAI_MAX_RANK], count = cx_literal_count(indices);
    cx_shape_strides(whole, stride);
    cxai_status status = cx_places_create(c, count, 1, places);
    for (int64_t i = 0; status == CXAI_OK && i < count; i++) {
        int64_t rest = i, index = 0;
        for (int d = shape->rank - 1; d >= 0; d--) {
            if (d != axis)
                places->at[i] += rest % shape->dim[d] * stride[d];
            rest /= shape->dim[d];
        }
        status = cx_read_index(c, cx_literal_int(indices, i), whole->dim[axis],
                               &index);
        places->at[i] += index * stride[axis];
    }
    return status;
}

cxai_status cx_places_of_points(const cx_case *c, const cxai_shape *whole,
                                int batch, const cx_literal *indices,
                                cx_places *places)
{
    const cxai_shape *shape = &indices->shape;
    int coordinates = (int)shape->dim[shape->rank - 1];
    int64_t stride[CXAI_MAX_RANK];
    int64_t items = cx_shape_product(whole, 0, batch);
    int64_t count = cx_shape_product(shape, 0, shape->rank - 1);
    int64_t item = cx_shape_product(whole, batch, whole->rank);
    int64_t run = cx_shape_product(whole, batch + coordinates, whole->rank);
    cx_shape_strides(whole, stride);
    cxai_status status = cx_places_create(c, count, run, places);
    for (int64_t i = 0; status == CXAI_OK && i < count; i++) {
        places->at[i] = i / (count / items) * item;
        for (int k = 0; status == CXAI_OK && k < coordinates; k++) {
            int64_t named = cx_literal_int(indices, i * coordinates + k);
            int64_t index = 0;
            status = cx_read_index(c, named, whole->dim[batch + k], &index);
            places->at[i] += index * stride[batch + k];
        }
    }
    return status;
}

void cx_places_read(const cx_places *places, void *list, const void *whole,
                    size_t item, int threads)
{
    enum { PARALLEL_FROM = 1 << 16 };
    size_t bytes = (size_t)places->run * item;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (places->count * places->run >= PARALLEL_FROM)
    for (int64_t i = 0; i < places->count; i++)
        memcpy((char *)list + (size_t)i * bytes,
               (const char *)whole + (size_t)places->at[i] * item, bytes);
}

void cx_places_write(const cx_places *places, void *whole, const void *list,
                     size_t item)
{
    size_t bytes = (size_t)places->run * item;
    for (int64_t i = 0; i < places->count; i++)
        memcpy((char *)whole + (size_t)places->at[i] * item,
               (const char *)list + (size_t)i * bytes, bytes);
}

void cx_places_add(const cx_places *places, cxai_real *whole,
                   const cxai_real *list)
{
    for (int64_t i = 0; i < places->count; i++)
        for (int64_t k = 0; k < places->run; k++)
            whole[places->at[i] + k] += list[i * places->run + k];
}
