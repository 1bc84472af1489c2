/*
 * Activations and kernels: what a layer answers to a picture, and what a
 * convolution has learned, as numbers and as pictures of tiles.
 *
 * A layer is a value number (cxai_model_find). Axis 0 of its value counts the
 * pictures of the batch, axis 1 the channels; a value of rank 4 is a stack of
 * feature maps (N,C,H,W), one of rank 2 a vector (N,C).
 */
#ifndef CXAI_ACTIVATIONS_H
#define CXAI_ACTIVATIONS_H

#include "cxai/draw.h"
#include "cxai/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- numbers ------------------------------------------------------------- */

typedef struct cxai_activations {
    cxai_shape shape; /* of the layer's value, rank 2 to CXAI_MAX_RANK */
    cxai_real *data;  /* dense, row-major */
} cxai_activations;

/*
 * Runs the network up to the layers on dense row-major pictures, as the network
 * takes them (N,C,H,W: see preprocess.h): one forward pass for all of them.
 * out[i] receives what layers[i] answered. threads 0: cxai_processors();
 * max_bytes 0: 16 GiB.
 *
 * On success each of out[0 .. count-1] is owned by the caller, who ends it with
 * cxai_activations_free; on failure all are zero. Errors: CXAI_INVALID for a
 * layer of rank below 2; those of cxai_session_create.
 */
CXAI_API cxai_status cxai_activations_compute_layers(
    cxai_activations *out, const cxai_model *model, const int *layers,
    int count, const cxai_real *input, const cxai_shape *input_shape,
    int threads, uint64_t max_bytes, cxai_error *error);

/* The same for one layer. */
CXAI_API cxai_status cxai_activations_compute(cxai_activations *out,
                                              const cxai_model *model,
                                              int layer, const cxai_real *input,
                                              const cxai_shape *input_shape,
                                              int threads, uint64_t max_bytes,
                                              cxai_error *error);

/* Frees what *out holds and zeroes it. */
CXAI_API void cxai_activations_free(cxai_activations *out);

/* One channel over all pictures of the batch and all positions. Computed in
   double, in a fixed order. */
typedef struct cxai_channel_statistics {
    double mean, minimum, maximum;
    double deviation; /* standard deviation, divided by n */
    double zeros;     /* share of elements that are exactly 0, 0..1 */
    int dead;         /* 1: every element is 0 on this batch */
} cxai_channel_statistics;

/* Fills channels[0 .. shape.dim[1]-1]. A NaN makes the channel's mean, minimum,
   maximum and deviation NaN. */
CXAI_API void cxai_activations_statistics(const cxai_activations *activations,
                                          cxai_channel_statistics *channels);

typedef enum cxai_strength {
    CXAI_BY_MEAN,
    CXAI_BY_MAXIMUM,
} cxai_strength;

/* Writes the numbers of the k strongest channels, strongest first; equal ones
   in ascending order, NaN last. Returns how many: min(k, count). */
CXAI_API int cxai_activations_top(const cxai_channel_statistics *channels,
                                  int count, cxai_strength order, int k,
                                  int *top);

/* ---- pictures ------------------------------------------------------------ */

/* Which channels or filters to draw, in which order; NULL: all, ascending. */
typedef struct cxai_selection {
    const int *indices;
    int count;
} cxai_selection;

/*
 * Draws one picture's activations. Rank 4: a tile a channel, labelled with its
 * number, each on its own scale or all on one (style->shared_range). Rank 2: a
 * strip of cells, one a channel, read line by line like text, on one scale.
 * Other ranks: a tile a channel, the last axis running to the right and those
 * before it downwards.
 *
 * style->labels is not used; select and style may be NULL. On success *out is
 * owned by the caller (cxai_image_free). Errors: CXAI_INVALID for a picture or
 * channel that does not exist; those of cxai_tiles_maps.
 */
CXAI_API cxai_status cxai_activations_draw(
    cxai_image *out, const cxai_activations *activations, int picture,
    const cxai_selection *select, const cxai_tiles *style, cxai_error *error);

/* A convolution's weights, found from a layer. */
typedef struct cxai_kernels {
    int node;            /* the Conv */
    int value;           /* its weights */
    cxai_tensor weights; /* M,C/groups,KH,KW dense, in the model: read only */
} cxai_kernels;

/*
 * Finds the convolution that makes a layer: the Conv whose output it is, or
 * the nearest one that leads to it through the first inputs of nodes
 * that keep its channels (BatchNormalization, activations, Add, pooling ...).
 * CXAI_NOT_FOUND when there is none; CXAI_UNSUPPORTED when its weights are no
 * constant or not of rank 4.
 */
CXAI_API cxai_status cxai_kernels_find(cxai_kernels *out,
                                       const cxai_model *model, int layer,
                                       cxai_error *error);

/* For cxai_kernels_draw: the mean over the input channels. */
#define CXAI_KERNELS_MEAN (-1)

/*
 * Draws the weights, a tile a filter. Filters over 3 input channels are drawn
 * in colour, red first, each from its own minimum (black) to its own maximum
 * (input_channel, colormap and ranges do not matter). Others are drawn as one
 * input channel, or CXAI_KERNELS_MEAN, on a signed scale symmetric about 0,
 * each filter its own or all on one (style->shared_range, and always where
 * they are 1x1); style NULL takes CXAI_DIVERGING. Ownership and errors as
 * cxai_activations_draw.
 */
CXAI_API cxai_status cxai_kernels_draw(
    cxai_image *out, const cxai_kernels *kernels, int input_channel,
    const cxai_selection *select, const cxai_tiles *style, cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
