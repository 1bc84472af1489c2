/*
 * Recipro-CAM. Byun and Lee, "Recipro-CAM: fast gradient-free visual
 * explanations for convolutional neural networks", CVPR workshop 2024, section
 * 3: for each position of the layer one feature map in which only that position
 * is left, spread over its neighbours by
 *
 *     1/16 1/8 1/16
 *      1/8 1/4 1/8
 *     1/16 1/8 1/16
 *
 * and the map is the probability of the class at each of them, as in the
 * authors' program; a target that is no class keeps its score. Only what lies
 * behind the layer is run, once a position; tokens that belong to no patch keep
 * their features.
 *
 * A map of small probabilities has its contrast from the usual min-max alone:
 * its values tell places apart, not targets.
 */
#include <stdlib.h>
#include <string.h>

#include "../cam.h"
#include "../trials.h"

typedef struct mosaic {
    cx_layer layer;
    cxai_real *maps; /* (targets,positions) */
} mosaic;

/* The features at (row,column) of the layer to around them. */
static void spread(const cxai_tensor *to, const cxai_tensor *from, int64_t row,
                   int64_t column)
{
    static const double kernel[2] = { 0.5, 0.25 }; /* at a distance of 0, 1 */
    int64_t height = from->shape.dim[2], width = from->shape.dim[3];

    for (int64_t y = row - 1; y <= row + 1; y++)
        for (int64_t x = column - 1; x <= column + 1; x++) {
            if (y < 0 || x < 0 || y >= height || x >= width)
                continue;
            cxai_real share =
                (cxai_real)(kernel[y != row] * kernel[x != column]);
            for (int64_t k = 0; k < from->shape.dim[1]; k++)
                *cxai_tensor_at(to, (int64_t[]){ 0, k, y, x }) =
                    share *
                    *cxai_tensor_at(from, (int64_t[]){ 0, k, row, column });
        }
}

static void clear(const cxai_tensor *view)
{
    for (int64_t k = 0; k < view->shape.dim[1]; k++)
        for (int64_t y = 0; y < view->shape.dim[2]; y++)
            for (int64_t x = 0; x < view->shape.dim[3]; x++)
                *cxai_tensor_at(view, (int64_t[]){ 0, k, y, x }) = 0;
}

static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const mosaic *m = payload;
    const cxai_grid *grid = &m->layer.grid;
    cxai_tensor from = cxai_tensor_dense(m->layer.value, &m->layer.shape);
    cxai_tensor to = cxai_tensor_dense(point, &m->layer.shape);

    (void)call;
    memcpy(point, m->layer.value,
           (size_t)cxai_shape_count(&m->layer.shape) * sizeof *point);
    from = cxai_grid_view(&from, grid);
    to = cxai_grid_view(&to, grid);
    clear(&to);
    spread(&to, &from, index / grid->width, index % grid->width);
}

static void take_scores(const cxai_heatmap_call *call, void *payload,
                        int64_t index, const double *scores)
{
    const mosaic *m = payload;
    int64_t positions = m->layer.grid.height * m->layer.grid.width;

    for (int i = 0; i < call->target_count; i++)
        m->maps[i * positions + index] = (cxai_real)scores[i];
}

static cxai_status try_positions(const cxai_heatmap_call *call, mosaic *m,
                                 cxai_error *error)
{
    const cxai_grid *grid = &m->layer.grid;
    int64_t positions = grid->height * grid->width;
    cx_trials trials = {
        .value = call->layer,
        .count = positions,
        .write = write_trial,
        .apart = 1,
        .probabilities = 1,
        .take = take_scores,
        .payload = m,
    };

    m->maps =
        calloc((size_t)call->target_count, (size_t)positions * sizeof *m->maps);
    if (!m->maps)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for the maps of Recipro-CAM");
    cxai_status status = cx_try(call, &trials, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = cxai_heatmap_set_map(call, i, m->maps + i * positions,
                                      grid->height, grid->width, error);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    mosaic m = { 0 };
    cxai_status status = cx_layer_read(&m.layer, call, error);

    if (status == CXAI_OK)
        status = try_positions(call, &m, error);
    cx_layer_free(&m.layer);
    free(m.maps);
    return status;
}

const cxai_heatmap_method cxai_method_reciprocam = {
    .name = "reciprocam",
    .title = "Recipro-CAM",
    .family = "CAM",
    .paper = "Byun and Lee, 2024, CVPR workshop",
    .summary = "probability with one position of the layer left at a time",
    .cost = "1 forward, and of what lies behind the layer 1 a position",
    .needs = CXAI_NEEDS_LAYER,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
