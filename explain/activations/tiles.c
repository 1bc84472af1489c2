#include "tiles.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE 12 /* of an int, with its sign and final 0 */

cxai_status cx_pick(cx_picked *picked, const cxai_selection *select,
                    int64_t available, const char *what, cxai_error *error)
{
    int64_t count = select ? select->count : available;

    *picked = (cx_picked){ 0 };
    if (count < 1 || count > INT_MAX / LABEL_SIZE)
        return cxai_fail(error, CXAI_INVALID, "tiles: %lld %ss to draw",
                         (long long)count, what);
    picked->count = (int)count;
    picked->indices = calloc((size_t)count, sizeof *picked->indices);
    picked->labels = calloc((size_t)count, sizeof *picked->labels);
    picked->text = calloc((size_t)count, LABEL_SIZE);
    if (!picked->indices || !picked->labels || !picked->text) {
        cx_picked_free(picked);
        return cxai_fail(error, CXAI_NO_MEMORY, "tiles: no memory for %lld %ss",
                         (long long)count, what);
    }
    for (int i = 0; i < picked->count; i++) {
        int index = select ? select->indices[i] : i;
        char *label = picked->text + (size_t)i * LABEL_SIZE;
        if (index < 0 || index >= available) {
            cx_picked_free(picked);
            return cxai_fail(error, CXAI_INVALID,
                             "tiles: there is no %s %d, they are 0..%lld", what,
                             index, (long long)available - 1);
        }
        picked->indices[i] = index;
        picked->labels[i] = label;
        snprintf(label, LABEL_SIZE, "%d", index);
    }
    return CXAI_OK;
}

void cx_picked_free(cx_picked *picked)
{
    free(picked->indices);
    free(picked->labels);
    free(picked->text);
    *picked = (cx_picked){ 0 };
}

/* One map of a channel: its last axis to the right, the others downwards. */
typedef struct map_size {
    int height, width;
} map_size;

static cxai_status map_size_of(const cxai_shape *shape, map_size *size,
                               cxai_error *error)
{
    int64_t height = 1, width = shape->dim[shape->rank - 1];
    for (int axis = 2; axis < shape->rank - 1; axis++)
        height *= shape->dim[axis];
    if (height < 1 || width < 1 || height > INT_MAX || width > INT_MAX)
        return cxai_fail(error, CXAI_INVALID,
                         "activations: a map of %lld x %lld cannot be drawn",
                         (long long)height, (long long)width);
    *size = (map_size){ .height = (int)height, .width = (int)width };
    return CXAI_OK;
}

static cxai_status draw_maps(cxai_image *out, const cxai_activations *a,
                             int picture, const cx_picked *picked,
                             const cxai_tiles *style, cxai_error *error)
{
    map_size size = { 0 };
    cxai_tiles tiles = style ? *style : (cxai_tiles){ 0 };
    cxai_status status = map_size_of(&a->shape, &size, error);
    if (status)
        return status;

    size_t area = (size_t)size.height * (size_t)size.width;
    const cxai_real *first =
        a->data + (size_t)picture * (size_t)a->shape.dim[1] * area;
    cxai_real *maps = calloc((size_t)picked->count, area * sizeof *maps);
    if (!maps)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "activations: no memory for %d tiles", picked->count);
    for (int i = 0; i < picked->count; i++)
        memcpy(maps + (size_t)i * area,
               first + (size_t)picked->indices[i] * area, area * sizeof *maps);
    tiles.labels = picked->labels;
    status = cxai_tiles_maps(out, maps, picked->count, size.height, size.width,
                             &tiles, error);
    free(maps);
    return status;
}

/* A vector as one map: cells in lines twice as long as there are lines, those
   behind the last channel empty. */
static cxai_status draw_strip(cxai_image *out, const cxai_activations *a,
                              int picture, const cx_picked *picked,
                              const cxai_tiles *style, cxai_error *error)
{
    int columns = (int)ceil(sqrt(2.0 * picked->count));
    int rows = (picked->count + columns - 1) / columns;
    size_t cells = (size_t)rows * (size_t)columns;
    cxai_tiles tiles = style ? *style : (cxai_tiles){ 0 };
    const cxai_real *vector =
        a->data + (size_t)picture * (size_t)a->shape.dim[1];
    cxai_real *map = calloc(cells, sizeof *map);

    if (!map)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "activations: no memory for %d cells", picked->count);
    for (size_t i = 0; i < cells; i++)
        map[i] = i < (size_t)picked->count ? vector[picked->indices[i]]
                                           : (cxai_real)NAN;
    tiles.labels = NULL;
    tiles.hide_labels = 1;
    tiles.shared_range = 1;
    tiles.upscale = tiles.upscale ? tiles.upscale : 12;
    cxai_status status =
        cxai_tiles_maps(out, map, 1, rows, columns, &tiles, error);
    free(map);
    return status;
}

cxai_status cxai_activations_draw(cxai_image *out,
                                  const cxai_activations *activations,
                                  int picture, const cxai_selection *select,
                                  const cxai_tiles *style, cxai_error *error)
{
    const cxai_shape *shape = &activations->shape;
    cx_picked picked;

    *out = (cxai_image){ 0 };
    if (shape->rank < 2 || picture < 0 || picture >= shape->dim[0])
        return cxai_fail(error, CXAI_INVALID,
                         "activations: there is no picture %d in the batch",
                         picture);
    cxai_status status =
        cx_pick(&picked, select, shape->dim[1], "channel", error);
    if (status)
        return status;
    status = (shape->rank == 2 ? draw_strip : draw_maps)(
        out, activations, picture, &picked, style, error);
    cx_picked_free(&picked);
    return status;
}
