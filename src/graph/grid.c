/* cxai/grid.h: the positions of a layer, for maps and for tokens. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/channels.h"
#include "graph/grids.h"

/* Tokens that belong to no patch: class, distillation, a few registers. */
enum { MOST_EXTRA = 8 };

int cx_grids_open(cx_grids *grids, const cxai_model *model,
                  const cxai_shape *shapes)
{
    *grids = (cx_grids){ .model = model, .shapes = shapes };
    grids->axis = cx_alloc((size_t)model->value_count, sizeof *grids->axis);
    if (grids->axis == NULL)
        return -1;
    cx_channel_axes(model, shapes, grids->axis);
    return 0;
}

void cx_grids_close(cx_grids *grids)
{
    free(grids->axis);
    grids->axis = NULL;
}

/* ---- tokens ---- */

/* The shape of the picture that the network is given, or NULL. */
static const cxai_shape *picture_shape(const cx_grids *grids)
{
    const cxai_model *model = grids->model;
    const cxai_shape *shape =
        model->input_count > 0 ? &grids->shapes[model->inputs[0]] : NULL;
    return shape != NULL && shape->rank == 4 ? shape : NULL;
}

/* Takes rows and columns of the convolution before node `end` that leaves the
   fewest tokens over, the last of several. */
static int grid_of_convolution(const cx_grids *grids, int end, int64_t tokens,
                               cxai_grid *grid)
{
    grid->extra = MOST_EXTRA + 1;
    for (int n = end - 1; n >= 0 && grid->extra > 0; n--) {
        const cx_node *node = &grids->model->nodes[n];
        const cxai_shape *shape = &grids->shapes[node->outputs[0]];
        if (shape->rank != 4 || strcmp(node->type, "Conv") != 0)
            continue;
        int64_t positions = cx_shape_product(shape, 2, 4);
        int64_t extra = tokens - positions;
        if (extra < 0 || extra >= grid->extra || extra >= positions)
            continue;
        grid->height = shape->dim[2];
        grid->width = shape->dim[3];
        grid->extra = extra;
    }
    return grid->extra <= MOST_EXTRA;
}

/* Rows and columns of the picture's proportions. */
static int grid_of_proportions(const cx_grids *grids, int64_t tokens,
                               cxai_grid *grid)
{
    const cxai_shape *picture = picture_shape(grids);
    int last = picture != NULL &&
               grids->axis[grids->model->inputs[0]] == picture->rank - 1;
    int64_t rows = picture == NULL ? 0 : picture->dim[last ? 1 : 2];
    int64_t columns = picture == NULL ? 0 : picture->dim[last ? 2 : 3];
    if (rows < 1 || columns < 1 || rows > INT_MAX || columns > INT_MAX)
        return 0;
    for (int64_t extra = 0; extra <= MOST_EXTRA && 2 * extra < tokens;
         extra++) {
        int64_t positions = tokens - extra;
        double ratio = (double)rows / (double)columns;
        int64_t height = (int64_t)(sqrt((double)positions * ratio) + 0.5);
        if (height < 1 || height > INT_MAX || positions % height != 0 ||
            positions / height > INT_MAX ||
            height * columns != positions / height * rows)
            continue;
        grid->height = height;
        grid->width = positions / height;
        grid->extra = extra;
        return 1;
    }
    return 0;
}

/* Where the patches begin among all tokens: behind what stands before them in
   the last concatenation that made as many. */
static int64_t first_patch(const cx_grids *grids, int end, int axis,
                           int64_t tokens, const cxai_grid *grid)
{
    int64_t positions = grid->height * grid->width;
    for (int n = end - 1; n >= 0; n--) {
        const cx_node *node = &grids->model->nodes[n];
        const cxai_shape *out = &grids->shapes[node->outputs[0]];
        if (strcmp(node->type, "Concat") != 0 || out->rank != 3 ||
            out->dim[axis] != tokens)
            continue;
        int64_t before = 0;
        for (int i = 0; i < node->input_count; i++) {
            int v = node->inputs[i];
            int64_t part = v >= 0 && grids->shapes[v].rank == 3
                               ? grids->shapes[v].dim[axis]
                               : 0;
            if (part == positions)
                return before;
            before += part;
        }
    }
    return grid->extra;
}

static int find_tokens(const cx_grids *grids, int value, int axis,
                       cxai_grid *grid)
{
    const cxai_shape *shape = &grids->shapes[value];
    const cxai_shape *picture = picture_shape(grids);
    int end = grids->model->values[value].producer + 1;
    int64_t tokens = shape->dim[axis];
    if (picture == NULL || shape->dim[0] != picture->dim[0] || tokens < 1 ||
        (!grid_of_convolution(grids, end, tokens, grid) &&
         !grid_of_proportions(grids, tokens, grid)))
        return 0;
    grid->layout = axis == 1 ? CXAI_LAYER_NTC : CXAI_LAYER_NCT;
    grid->channels = shape->dim[3 - axis];
    grid->first =
        grid->extra > 0 ? first_patch(grids, end, axis, tokens, grid) : 0;
    return 1;
}

/* ---- any value ---- */

static int is_token_layout(cxai_layer_layout layout)
{
    return layout == CXAI_LAYER_NTC || layout == CXAI_LAYER_NCT;
}

static const char *find_map(const cx_grids *grids, int value,
                            cxai_layer_layout layout, cxai_grid *grid)
{
    const int64_t *dim = grids->shapes[value].dim;
    if (layout == CXAI_LAYER_ANY)
        layout = grids->axis[value] == 3 ? CXAI_LAYER_NHWC : CXAI_LAYER_NCHW;
    int last = layout == CXAI_LAYER_NHWC;
    *grid = (cxai_grid){ .layout = layout,
                         .channels = dim[last ? 3 : 1],
                         .height = dim[last ? 1 : 2],
                         .width = dim[last ? 2 : 3] };
    return NULL;
}

const char *cx_grids_find(const cx_grids *grids, int value,
                          cxai_layer_layout layout, cxai_grid *grid)
{
    int rank = grids->shapes[value].rank;
    int channels = grids->axis[value];
    *grid = (cxai_grid){ .layout = CXAI_LAYER_ANY };
    if (rank < 3)
        return "it has no positions left; take a layer before the pooling";
    if (rank > 4)
        return "it has more than rows and columns";
    if (layout != CXAI_LAYER_ANY && is_token_layout(layout) != (rank == 3))
        return "it has another number of dimensions than the layout asked for";
    if (rank == 4)
        return find_map(grids, value, layout, grid);
    if (layout != CXAI_LAYER_ANY)
        channels = layout == CXAI_LAYER_NTC ? 2 : 1;
    if ((channels != 1 && find_tokens(grids, value, 1, grid)) ||
        (channels != 2 && find_tokens(grids, value, 2, grid)))
        return NULL;
    return "its tokens are no grid of the picture's patches";
}

cxai_status cxai_model_grid(const cxai_model *model, const cxai_shape *shapes,
                            int value, cxai_layer_layout layout,
                            cxai_grid *grid, cxai_error *error)
{
    cx_grids grids;
    char text[64];
    if (value < 0 || value >= model->value_count)
        return cxai_fail(error, CXAI_INVALID, "layer value %d does not exist",
                         value);
    if (cx_grids_open(&grids, model, shapes) != 0)
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    const char *refused = cx_grids_find(&grids, value, layout, grid);
    cx_grids_close(&grids);
    if (refused == NULL)
        return CXAI_OK;
    return cxai_fail(error, CXAI_INVALID,
                     "layer '%s' of shape %s cannot be seen as a map: %s",
                     model->values[value].name,
                     cxai_shape_text(&shapes[value], text, sizeof text),
                     refused);
}

cxai_tensor cxai_grid_view(const cxai_tensor *tensor, const cxai_grid *grid)
{
    int tokens = is_token_layout(grid->layout);
    int last =
        grid->layout == CXAI_LAYER_NHWC || grid->layout == CXAI_LAYER_NTC;
    int channel = last ? tensor->shape.rank - 1 : 1; /* axes */
    int row = last ? 1 : 2;
    const int64_t *stride = tensor->stride;
    return (cxai_tensor){
        .data = tensor->data + grid->first * (tokens ? stride[row] : 0),
        .shape = { 4,
                   { tensor->shape.dim[0], grid->channels, grid->height,
                     grid->width } },
        .stride = { stride[0], stride[channel],
                    tokens ? stride[row] * grid->width : stride[row],
                    tokens ? stride[row] : stride[row + 1] },
    };
}
