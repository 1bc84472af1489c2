#include "tiles.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a node keeps its first input's channels, so that the convolution
   behind it may be said to make the layer. */
static int keeps_channels(const cxai_node *node)
{
    static const char *const others[] = { "Gemm",    "MatMul",    "Flatten",
                                          "Reshape", "Transpose", "Concat",
                                          NULL };
    for (int i = 0; others[i] != NULL; i++)
        if (strcmp(node->operator_type, others[i]) == 0)
            return 0;
    return node->input_count > 0;
}

cxai_status cxai_kernels_find(cxai_kernels *out, const cxai_model *model,
                              int layer, cxai_error *error)
{
    int value = layer, count = cxai_model_value_count(model);
    const char *name =
        layer < 0 || layer >= count ? "" : cxai_model_value_name(model, layer);

    *out = (cxai_kernels){ 0 };
    while (value >= 0 && value < count) {
        int producer = cxai_model_producer(model, value);
        if (producer < 0)
            break;
        cxai_node node = cxai_model_node(model, producer);
        if (strcmp(node.operator_type, "Conv") != 0) {
            value = keeps_channels(&node) ? node.inputs[0] : -1;
            continue;
        }
        cxai_tensor weights = cxai_model_constant(model, node.inputs[1]);
        if (!weights.data || weights.shape.rank != 4)
            return cxai_fail(error, CXAI_UNSUPPORTED,
                             "kernels: the weights of Conv '%s' are not a "
                             "constant of rank 4",
                             node.name);
        *out = (cxai_kernels){ producer, node.inputs[1], weights };
        return CXAI_OK;
    }
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "kernels: no convolution makes layer '%s'", name);
}

/* Adds factor times an input channel of a filter to a map. */
static void add_channel(const cxai_kernels *k, int filter, int channel,
                        cxai_real factor, cxai_real *map)
{
    size_t area = (size_t)(k->weights.shape.dim[2] * k->weights.shape.dim[3]);
    size_t from = (size_t)filter * (size_t)k->weights.shape.dim[1];
    const cxai_real *at = k->weights.data + (from + (size_t)channel) * area;

    for (size_t i = 0; i < area; i++)
        map[i] += factor * at[i];
}

static cxai_status draw_signed(cxai_image *out, const cxai_kernels *k,
                               int input_channel, const cx_picked *picked,
                               const cxai_tiles *style, cxai_error *error)
{
    const int64_t *dim = k->weights.shape.dim;
    int channels = (int)dim[1];
    size_t area = (size_t)dim[2] * (size_t)dim[3];
    cxai_tiles tiles =
        style ? *style : (cxai_tiles){ .colormap = CXAI_DIVERGING };

    if (input_channel < CXAI_KERNELS_MEAN || input_channel >= channels)
        return cxai_fail(error, CXAI_INVALID,
                         "kernels: there is no input channel %d, they are "
                         "0..%d",
                         input_channel, channels - 1);
    cxai_real *maps = calloc((size_t)picked->count, area * sizeof *maps);
    if (!maps)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "kernels: no memory for %d tiles", picked->count);
    for (int i = 0; i < picked->count; i++) {
        cxai_real *map = maps + (size_t)i * area;
        int filter = picked->indices[i];
        if (input_channel != CXAI_KERNELS_MEAN)
            add_channel(k, filter, input_channel, 1, map);
        else
            for (int c = 0; c < channels; c++)
                add_channel(k, filter, c, 1 / (cxai_real)channels, map);
    }
    tiles.labels = picked->labels;
    tiles.symmetric = 1;
    tiles.shared_range |= area == 1; /* a single number says nothing alone */
    cxai_status status = cxai_tiles_maps(out, maps, picked->count, (int)dim[2],
                                         (int)dim[3], &tiles, error);
    free(maps);
    return status;
}

/* One filter over red, green and blue, from its minimum to its maximum. */
static cxai_status filter_picture(cxai_image *out, const cxai_kernels *k,
                                  int filter, cxai_error *error)
{
    const int64_t *dim = k->weights.shape.dim;
    size_t area = (size_t)dim[2] * (size_t)dim[3];
    const cxai_real *at = k->weights.data + (size_t)filter * 3 * area;
    cxai_range range = cxai_map_range(at, 3 * area, 0);
    double extent = range.high - range.low;
    cxai_status status =
        cxai_image_create(out, (int)dim[3], (int)dim[2], 3, error);

    for (size_t i = 0; !status && i < 3 * area; i++) {
        double v = extent > 0 ? ((double)at[i] - range.low) / extent : 0.5;
        out->pixels[i % area * 3 + i / area] =
            (uint8_t)lrint(255 * (v >= 0 ? fmin(v, 1) : 0));
    }
    return status;
}

static cxai_status draw_colours(cxai_image *out, const cxai_kernels *k,
                                const cx_picked *picked,
                                const cxai_tiles *style, cxai_error *error)
{
    cxai_tiles tiles = style ? *style : (cxai_tiles){ 0 };
    cxai_image *pictures = calloc((size_t)picked->count, sizeof *pictures);
    cxai_status status = CXAI_OK;
    int64_t width = k->weights.shape.dim[3];

    if (!pictures)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "kernels: no memory for %d tiles", picked->count);
    for (int i = 0; !status && i < picked->count; i++)
        status = filter_picture(&pictures[i], k, picked->indices[i], error);
    tiles.labels = picked->labels;
    if (!tiles.upscale)
        tiles.upscale = (int)((64 + width - 1) / width);
    if (!status)
        status = cxai_tiles_images(out, pictures, picked->count, &tiles, error);
    for (int i = 0; i < picked->count; i++)
        cxai_image_free(&pictures[i]);
    free(pictures);
    return status;
}

cxai_status cxai_kernels_draw(cxai_image *out, const cxai_kernels *kernels,
                              int input_channel, const cxai_selection *select,
                              const cxai_tiles *style, cxai_error *error)
{
    const cxai_shape *shape = &kernels->weights.shape;
    cx_picked picked;

    *out = (cxai_image){ 0 };
    if (shape->dim[2] > INT_MAX || shape->dim[3] > INT_MAX ||
        shape->dim[1] > INT_MAX || cxai_shape_count(shape) < 1)
        return cxai_fail(error, CXAI_INVALID,
                         "kernels: the weights have no size that can be drawn");
    cxai_status status =
        cx_pick(&picked, select, shape->dim[0], "filter", error);
    if (status)
        return status;
    status =
        shape->dim[1] == 3
            ? draw_colours(out, kernels, &picked, style, error)
            : draw_signed(out, kernels, input_channel, &picked, style, error);
    cx_picked_free(&picked);
    return status;
}
