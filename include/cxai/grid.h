/*
 * Grids: where the positions of a layer lie in its tensor.
 *
 * Convolutions put out (N,C,H,W). ConvNeXt and Swin hold their maps as
 * (N,H,W,C), vision transformers as tokens (N,T,C): one for each patch of the
 * picture, row by row, and some that belong to no patch (class, distillation
 * and register tokens). A grid says which, so that any of them can be looked
 * at as a map.
 */
#ifndef CXAI_GRID_H
#define CXAI_GRID_H

#include "cxai/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the axes of a layer's tensor are. */
typedef enum cxai_layer_layout {
    CXAI_LAYER_ANY, /* as the graph tells */
    CXAI_LAYER_NCHW,
    CXAI_LAYER_NHWC,
    CXAI_LAYER_NTC, /* tokens */
    CXAI_LAYER_NCT, /* tokens, channels first */
} cxai_layer_layout;

typedef struct cxai_grid {
    cxai_layer_layout layout; /* never CXAI_LAYER_ANY */
    int64_t channels, height, width;
    int64_t first; /* tokens before those of the grid */
    int64_t extra; /* tokens, before or behind, that belong to no patch */
} cxai_grid;

/*
 * Finds the grid of a value. shapes are those of cxai_model_shapes.
 *
 * CXAI_LAYER_ANY follows the graph from the operators that know their channels
 * (convolutions, normalisations, linear layers, biases, means over positions)
 * through all that keep them where they are or move them; a value of rank 4 of
 * which nothing is known is taken as NCHW. Tokens are those of the nearest
 * earlier convolution with as many positions, or up to 8 less, for which a
 * concatenation tells their place (without one they come first); in a network
 * without such a convolution a grid of the input's proportions.
 *
 * CXAI_INVALID, saying why, for a value that has no positions: pooled,
 * flattened, cut into windows.
 */
CXAI_API cxai_status cxai_model_grid(const cxai_model *model,
                                     const cxai_shape *shapes, int value,
                                     cxai_layer_layout layout, cxai_grid *grid,
                                     cxai_error *error);

/* A view (N,C,H,W) of a tensor that has the shape that the grid was found
   for. */
CXAI_API cxai_tensor cxai_grid_view(const cxai_tensor *tensor,
                                    const cxai_grid *grid);

#ifdef __cplusplus
}
#endif
#endif
