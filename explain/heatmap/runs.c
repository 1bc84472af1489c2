#include "runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { view_count = 6 };

/* The views of aug_smooth, the picture itself first: it resolves targets and
   gives the scores. */
static const struct view {
    int flipped; /* left and right change places */
    double factor;
} views[view_count] = { { 0, 1 }, { 0, 0.9 }, { 0, 1.1 },
                        { 1, 1 }, { 1, 0.9 }, { 1, 1.1 } };

cxai_status cx_check_runs(const cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    const cxai_heatmap_method *method = call->method;
    int is_map = method->kind == CXAI_HEATMAP_MAP;

    if (options->eigen_smooth && !(method->needs & CXAI_SUMS_CHANNELS))
        return cxai_fail(error, CXAI_INVALID,
                         "%s does not sum the channels of a layer: there is "
                         "nothing for eigen_smooth",
                         method->title);
    if (options->aug_smooth && !is_map)
        return cxai_fail(error, CXAI_INVALID,
                         "aug_smooth is the mean of maps, and %s gives "
                         "attributions",
                         method->title);
    if (options->layer_count > 1 &&
        (!is_map || options->raw || !(method->needs & CXAI_NEEDS_LAYER)))
        return cxai_fail(error, CXAI_INVALID,
                         options->raw
                             ? "raw maps of several layers cannot be fused: "
                               "ask for one layer at a time"
                             : "%s does not fuse several layers",
                         method->title);
    return CXAI_OK;
}

static cxai_status run_layers(cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    cxai_status status = CXAI_OK;

    for (int k = 0; status == CXAI_OK && k < call->layer_count; k++) {
        call->layer_index = k;
        if (call->layer_count > 1)
            call->layer = options->layers[k];
        status = call->method->compute(call, error);
        call->run++;
    }
    if (call->layer_count > 1)
        call->layer = options->layers[0];
    return status;
}

/* One view of the picture to out, which both are (C,H,W), or (H,W,C). */
static void write_view(const cxai_heatmap_call *call, const cxai_real *picture,
                       const struct view *view, cxai_real *out)
{
    int last = call->options->channels_last != 0;
    int64_t inner = last ? call->channels : 1;
    int64_t rows = call->height * (last ? 1 : call->channels);

    for (int64_t row = 0; row < rows; row++)
        for (int64_t x = 0; x < call->width; x++) {
            int64_t from = view->flipped ? call->width - 1 - x : x;
            for (int64_t c = 0; c < inner; c++)
                out[(row * call->width + x) * inner + c] =
                    (cxai_real)view->factor *
                    picture[(row * call->width + from) * inner + c];
        }
}

/* Adds a view's map, turned back, to the mean. */
static void add_view(cxai_heatmap *mean, const cxai_heatmap *one,
                     const struct view *view)
{
    int64_t rows = mean->shape.dim[0], columns = mean->shape.dim[1];

    if (one->state == CXAI_HEATMAP_NOT_FINITE)
        mean->state = CXAI_HEATMAP_NOT_FINITE;
    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < columns; x++) {
            int64_t from = view->flipped ? columns - 1 - x : x;
            mean->data[y * columns + x] +=
                one->data[y * columns + from] / view_count;
        }
}

static cxai_status run_view(cxai_heatmap_call *call, const cxai_real *picture,
                            const struct view *view, cxai_real *room,
                            cxai_heatmap *others, cxai_error *error)
{
    cxai_heatmap *means = call->results;

    for (int i = 0; i < call->target_count; i++) {
        others[i] = means[i]; /* the targets are resolved; masks are shared */
        others[i].data = NULL;
        others[i].mask = NULL;
    }
    write_view(call, picture, view, room);
    call->input = room;
    call->results = others;
    cxai_status status = run_layers(call, error);
    call->input = picture;
    call->results = means;
    for (int i = 0; i < call->target_count; i++) {
        if (status == CXAI_OK)
            add_view(&means[i], &others[i], view);
        cxai_heatmap_clear(&others[i]);
    }
    return status;
}

/* What a mean of maps is: its numbers lie between those of its members. */
static void finish_mean(cxai_heatmap *mean)
{
    int64_t count = cxai_shape_count(&mean->shape);
    int empty = 1;

    mean->low = mean->high = (double)NAN;
    if (mean->state == CXAI_HEATMAP_NOT_FINITE) {
        memset(mean->data, 0, (size_t)count * sizeof *mean->data);
        return;
    }
    for (int64_t p = 0; p < count; p++)
        empty = empty && mean->data[p] == 0;
    mean->state = empty ? CXAI_HEATMAP_EMPTY : CXAI_HEATMAP_OK;
}

static cxai_status run_views(cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_real *picture = call->input;
    size_t size = (size_t)cxai_shape_count(&call->input_shape);
    cxai_real *room = malloc(size * sizeof *room);
    cxai_heatmap *others = calloc((size_t)call->target_count, sizeof *others);
    cxai_status status = room && others
                             ? run_layers(call, error)
                             : cxai_fail(error, CXAI_NO_MEMORY,
                                         "no memory for views of the picture");

    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        for (int64_t p = 0; p < cxai_shape_count(&call->results[i].shape); p++)
            call->results[i].data[p] /= view_count;
    for (int v = 1; status == CXAI_OK && v < view_count; v++)
        status = run_view(call, picture, &views[v], room, others, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        finish_mean(&call->results[i]);
    free(room);
    free(others);
    return status;
}

cxai_status cx_run_method(cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;

    call->layer_count = options->layer_count > 1 ? options->layer_count : 1;
    call->run = 0;
    call->run_count =
        call->layer_count * (options->aug_smooth ? view_count : 1);
    return options->aug_smooth ? run_views(call, error)
                               : run_layers(call, error);
}
