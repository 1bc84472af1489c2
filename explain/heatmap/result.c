/* What a method hands over: scores, maps and attributions. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "cxai/preprocess.h"

cxai_status cxai_heatmap_progress(const cxai_heatmap_call *call, int64_t done,
                                  int64_t total, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;

    done += call->run * total;
    total *= call->run_count;
    if (options->progress && options->progress(done, total, options->payload))
        return cxai_fail(error, CXAI_STOPPED,
                         "%s was stopped after %lld of "
                         "%lld passes",
                         call->method->title, (long long)done,
                         (long long)total);
    return CXAI_OK;
}

/* Finds what the target is, in memory of the result. */
static cxai_status resolve(cxai_heatmap *result, const cxai_tensor *value,
                           cxai_error *error)
{
    int64_t bytes = cxai_target_mask_bytes(&result->target, &value->shape);

    if (bytes > 0) {
        result->mask = calloc((size_t)bytes, 1);
        if (!result->mask)
            return cxai_fail(error, CXAI_NO_MEMORY,
                             "no memory for a map of target '%s'",
                             result->target.text);
    }
    return cxai_target_resolve(&result->target, value, result->mask, error);
}

cxai_status cxai_heatmap_begin(const cxai_heatmap_call *call,
                               const cxai_session *session, cxai_error *error)
{
    cx_classes classes;
    cxai_tensor value;
    cxai_status status = cx_classes_open(&classes, call, error);

    if (status == CXAI_OK)
        status = cxai_session_value(session, call->value, &value, error);
    if (status == CXAI_OK)
        cx_classes_read(&classes, &value, 0);
    if (status == CXAI_OK && value.shape.rank > 0)
        value.shape.dim[0] = call->shapes[call->value].dim[0];
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        cxai_heatmap *result = &call->results[i];
        if (cxai_target_is_open(&result->target))
            status = resolve(result, &value, error);
        if (status != CXAI_OK)
            break;
        result->score = cxai_target_score(&result->target, &value, 0);
        result->probability = cx_probability_of(&classes, call, i);
    }
    cx_classes_free(&classes);
    return status;
}

void cxai_heatmap_partial(const cxai_heatmap_call *call, int64_t done,
                          int64_t total)
{
    for (int i = 0; i < call->target_count; i++) {
        call->results[i].done = done;
        call->results[i].total = total;
    }
}

static cxai_heatmap_state state_of(const cxai_real *data, int64_t count)
{
    int flat = 1;

    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(data[i]))
            return CXAI_HEATMAP_NOT_FINITE;
        flat = flat && data[i] == data[0];
    }
    if (!flat)
        return CXAI_HEATMAP_OK;
    return data[0] == 0 ? CXAI_HEATMAP_EMPTY : CXAI_HEATMAP_FLAT;
}

static cxai_status allocate(cxai_heatmap *result, const cxai_shape *shape,
                            cxai_error *error)
{
    int64_t count = cxai_shape_count(shape);

    free(result->data);
    result->data = NULL;
    result->shape = *shape;
    if (count > 0 && (uint64_t)count <= SIZE_MAX / sizeof *result->data)
        result->data = calloc((size_t)count, sizeof *result->data);
    if (!result->data) {
        char text[64];
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for a heatmap of "
                         "%s",
                         cxai_shape_text(shape, text, sizeof text));
    }
    return CXAI_OK;
}

static void find_range(const cxai_real *map, int64_t count, cxai_real *low,
                       cxai_real *high)
{
    *low = *high = map[0];
    for (int64_t i = 1; i < count; i++) {
        *low = map[i] < *low ? map[i] : *low;
        *high = map[i] > *high ? map[i] : *high;
    }
}

/* What the method computed, as it is. */
static void note_range(cxai_heatmap *result, const cxai_real *data,
                       int64_t count)
{
    cxai_real low, high;

    result->state = state_of(data, count);
    find_range(data, count, &low, &high);
    int finite = result->state != CXAI_HEATMAP_NOT_FINITE;
    result->minimum = finite ? (double)low : (double)NAN;
    result->maximum = finite ? (double)high : (double)NAN;
}

/* pytorch-grad-cam, utils/image.py, scale_cam_image: (x - min) / (1e-7 + max),
   the maximum being taken after the subtraction; without the 1e-7, which would
   leave a map of tiny numbers dark. result->low and high, what 0 and 1 of the
   map are, follow. */
static void min_max(cxai_heatmap *result, cxai_real *map, int64_t count)
{
    cxai_real low, high;

    find_range(map, count, &low, &high);
    double range = (double)high - (double)low;
    for (int64_t i = 0; i < count; i++)
        map[i] =
            range > 0 ? (cxai_real)(((double)map[i] - (double)low) / range) : 0;
    double zero = result->low, unit = result->high - result->low;
    result->low = zero + unit * (double)low;
    result->high = zero + unit * (double)high;
}

/* base_cam.py: min-max at the layer's size, after ReLU, and bilinear resize
   (compute_cam_per_layer). rectified is overwritten. */
static cxai_status enlarge(cxai_heatmap *result, cxai_real *rectified,
                           int64_t height, int64_t width, cxai_real *out,
                           cxai_error *error)
{
    const int64_t *to = result->shape.dim;

    if (height > INT_MAX || width > INT_MAX || to[0] > INT_MAX ||
        to[1] > INT_MAX)
        return cxai_fail(error, CXAI_LIMIT, "the map is too large to resize");
    result->low = 0;
    result->high = 1;
    min_max(result, rectified, height * width);
    cxai_map_resize(rectified, (int)height, (int)width, out, (int)to[0],
                    (int)to[1]);
    return CXAI_OK;
}

/* One of several layers' maps joins those before it; base_cam.py,
   aggregate_multi_layers. What 0 and 1 are is told in units of such maps. */
static cxai_status fuse(const cxai_heatmap_call *call, cxai_heatmap *result,
                        cxai_real *rectified, int64_t height, int64_t width,
                        cxai_error *error)
{
    int64_t pixels = cxai_shape_count(&result->shape);
    cxai_real *map = calloc((size_t)pixels, sizeof *map);
    cxai_status status = CXAI_OK;

    if (!map)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    if (state_of(rectified, height * width) == CXAI_HEATMAP_OK)
        status = enlarge(result, rectified, height, width, map, error);
    for (int64_t p = 0; p < pixels; p++) {
        cxai_real *sum = &result->data[p];
        if (call->options->fusion == CXAI_FUSE_MAX)
            *sum = map[p] > *sum ? map[p] : *sum;
        else
            *sum += map[p] / (cxai_real)call->layer_count;
    }
    free(map);
    result->state = state_of(result->data, pixels);
    if (call->layer_index == call->layer_count - 1) {
        result->low = 0;
        result->high = 1;
        min_max(result, result->data, pixels);
    }
    return status;
}

/* The map of a layer, after ReLU, to the result. */
static cxai_status add_rectified(const cxai_heatmap_call *call,
                                 cxai_heatmap *result, cxai_real *rectified,
                                 int64_t height, int64_t width,
                                 cxai_error *error)
{
    if (call->layer_count > 1)
        return fuse(call, result, rectified, height, width, error);
    result->state = state_of(rectified, height * width);
    result->low = result->high = (double)rectified[0];
    if (result->state != CXAI_HEATMAP_OK)
        return CXAI_OK;
    cxai_status status =
        enlarge(result, rectified, height, width, result->data, error);
    if (status == CXAI_OK)
        min_max(result, result->data, cxai_shape_count(&result->shape));
    return status;
}

/* The ranges of what the layers before gave and of this one's; NaN stays. */
static void join_range(cxai_heatmap *result, double low, double high)
{
    if (isnan(low) || result->state == CXAI_HEATMAP_NOT_FINITE) {
        result->state = CXAI_HEATMAP_NOT_FINITE;
        result->minimum = result->maximum = (double)NAN;
        return;
    }
    result->minimum = fmin(low, result->minimum);
    result->maximum = fmax(high, result->maximum);
}

cxai_status cxai_heatmap_set_map(const cxai_heatmap_call *call, int i,
                                 const cxai_real *map, int64_t height,
                                 int64_t width, cxai_error *error)
{
    cxai_heatmap *result = &call->results[i];
    cxai_shape at_layer = { 2, { height, width } };
    cxai_shape at_input = { 2, { call->height, call->width } };
    int64_t count = height * width;
    int raw = call->options->raw, later = call->layer_index > 0;
    double low = result->minimum, high = result->maximum;
    cxai_status status =
        later ? CXAI_OK : allocate(result, raw ? &at_layer : &at_input, error);

    if (status != CXAI_OK)
        return status;
    note_range(result, map, count);
    if (later)
        join_range(result, low, high);
    if (raw) {
        memcpy(result->data, map, (size_t)count * sizeof *map);
        return CXAI_OK;
    }
    if (result->state == CXAI_HEATMAP_NOT_FINITE) {
        memset(result->data, 0,
               (size_t)cxai_shape_count(&at_input) * sizeof *result->data);
        return CXAI_OK;
    }
    cxai_real *rectified = calloc((size_t)count, sizeof *rectified);
    if (!rectified)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    for (int64_t k = 0; k < count; k++)
        rectified[k] = map[k] > 0 ? map[k] : 0;
    status = add_rectified(call, result, rectified, height, width, error);
    free(rectified);
    return status;
}

cxai_status cxai_heatmap_set_attribution(const cxai_heatmap_call *call, int i,
                                         const cxai_real *attribution,
                                         cxai_error *error)
{
    cxai_heatmap *result = &call->results[i];
    cxai_shape shape = { 3, { call->channels, call->height, call->width } };
    cxai_status status = allocate(result, &shape, error);

    if (status != CXAI_OK)
        return status;
    int64_t positions = call->height * call->width;
    int last = call->options->channels_last != 0;
    int64_t channel_step = last ? 1 : positions;
    int64_t position_step = last ? call->channels : 1;
    cxai_real *out = result->data;
    for (int64_t c = 0; c < call->channels; c++)
        for (int64_t k = 0; k < positions; k++)
            *out++ = attribution[c * channel_step + k * position_step];
    note_range(result, result->data, call->channels * positions);
    return CXAI_OK;
}

/* The grid of the layer, or for one without positions its numbers as channels
   of a single one. */
static cxai_status layer_view(const cxai_heatmap_call *call,
                              cxai_real *attribution, cxai_tensor *view,
                              cxai_error *error)
{
    const cxai_shape *shape = &call->shapes[call->layer];
    cxai_shape column = { 4, { 1, cxai_shape_count(shape), 1, 1 } };
    cxai_grid grid;
    cxai_status status =
        cxai_model_grid(call->model, call->shapes, call->layer,
                        call->options->layer_layout, &grid, error);

    if (status == CXAI_NO_MEMORY)
        return status;
    if (status != CXAI_OK) {
        *view = cxai_tensor_dense(attribution, &column);
        return CXAI_OK;
    }
    *view = cxai_tensor_dense(attribution, shape);
    *view = cxai_grid_view(view, &grid);
    return CXAI_OK;
}

cxai_status cxai_heatmap_set_layer(const cxai_heatmap_call *call, int i,
                                   const cxai_real *attribution,
                                   cxai_error *error)
{
    cxai_heatmap *result = &call->results[i];
    cxai_tensor view;
    /* only read through the view */
    cxai_status status =
        layer_view(call, (cxai_real *)attribution, &view, error);

    if (status != CXAI_OK)
        return status;
    const int64_t *dim = view.shape.dim;
    cxai_shape shape = { 3, { dim[1], dim[2], dim[3] } };
    status = allocate(result, &shape, error);
    if (status != CXAI_OK)
        return status;
    cxai_tensor_read(&view, result->data);
    note_range(result, result->data, cxai_shape_count(&shape));
    return CXAI_OK;
}
