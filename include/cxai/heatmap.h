/*
 * Heatmaps: which part of a picture a network's decision rests on.
 *
 * A method is a constant of type cxai_heatmap_method. Those of the library
 * stand in cxai_heatmap_table; one of your own is used the same way.
 * cxai_heatmap_compute explains one picture for several targets at once, which
 * share the forward pass.
 */
#ifndef CXAI_HEATMAP_H
#define CXAI_HEATMAP_H

#include "cxai/grid.h"
#include "cxai/preprocess.h"
#include "cxai/progress.h"
#include "cxai/session.h"
#include "cxai/target.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the numbers of a heatmap are. */
typedef enum cxai_heatmap_kind {
    CXAI_HEATMAP_MAP,         /* shape (H,W) of the network's input, 0..1; or
                                 raw: (h,w) of the layer, before ReLU, scaling
                                 and resizing */
    CXAI_HEATMAP_ATTRIBUTION, /* shape (C,H,W), one for each number of the
                                 input, signed, unscaled */
    CXAI_HEATMAP_LAYER,       /* shape (C,h,w), one for each number of a layer's
                                 grid, signed, unscaled; (C,1,1) of a layer
                                 without positions */
} cxai_heatmap_kind;

typedef enum cxai_heatmap_state {
    CXAI_HEATMAP_OK,
    CXAI_HEATMAP_EMPTY,      /* all zero: nothing speaks for the target */
    CXAI_HEATMAP_FLAT,       /* the same number everywhere: no place stands out;
                                a map is all zero then, unless raw */
    CXAI_HEATMAP_NOT_FINITE, /* NaN or infinity among the numbers */
} cxai_heatmap_state;

/* How the maps of several layers become one, which is then brought to 0..1. */
typedef enum cxai_heatmap_fusion {
    CXAI_FUSE_MEAN, /* as pytorch-grad-cam */
    CXAI_FUSE_MAX,  /* the largest at each pixel */
} cxai_heatmap_fusion;

/* Start from cxai_heatmap_defaults() and change what differs. */
typedef struct cxai_heatmap_options {
    int layer;                      /* value number; -1: cxai_model_cam_layer */
    cxai_layer_layout layer_layout; /* what the layer's axes are; 0: as the
                                       graph tells, see grid.h */
    int raw;                        /* see CXAI_HEATMAP_MAP */
    int eigen_smooth;  /* the first principal component over channels instead of
                          their sum, as pytorch-grad-cam; its sign is the one
                          that agrees with the sum. CXAI_SUMS_CHANNELS only */
    int aug_smooth;    /* the mean of the maps of six views of the picture, as
                          pytorch-grad-cam: as it is and flipped left to right,
                          each times 0.9, 1 and 1.1 (the network's input, not
                          the photo). CXAI_HEATMAP_MAP only */
    const int *layers; /* instead of layer, where layer_count > 1: values whose
                          maps, each enlarged and 0..1, are fused into one; of
                          CXAI_HEATMAP_MAP methods that look at a layer. One run
                          a layer */
    int layer_count;
    cxai_heatmap_fusion fusion; /* of layers */
    int channels_last;          /* the input is (1,H,W,C), not (1,C,H,W) */
    int steps;    /* points on the path; 0: the method's default */
    int samples;  /* noisy copies; 0: the method's default */
    double noise; /* standard deviation in units of the input; below 0:
                     the method's default */
    const cxai_real *baseline; /* shaped as the input, dense: what the picture
                                  is compared with, and what is shown in the
                                  place of what is removed; NULL: 0 */
    int baseline_count; /* such pictures at baseline, one behind the other, of
                           which gradient_shap draws; others take one; 0: 1 */
    const cxai_preprocess *preprocess; /* how the picture became the input:
                                          tells what black and white are; NULL:
                                          the model's own, without a file beside
                                          it */
    uint64_t seed;   /* of the noise, and of what is removed */
    int batch;       /* most pictures in one pass; 0: 10 */
    const char *set; /* what the method alone takes, "window=15,rule=left":
                        see its parameters; NULL: their defaults */
    int anytime;     /* a method that is CXAI_IS_ANYTIME and stopped by progress
                        gives its estimate so far, not CXAI_STOPPED */
    int keep;        /* more pictures of this shape will follow, one after the
                        other, with these options: see cxai_request.keep */
    int threads;     /* 0: cxai_processors() */
    uint64_t max_bytes; /* memory of the sessions; the batch shrinks to fit;
                           0: 2 GiB */
    cxai_progress_function *progress; /* may be NULL; counts passes */
    void *payload;                    /* given to progress */
} cxai_heatmap_options;

CXAI_API cxai_heatmap_options cxai_heatmap_defaults(void);

/* The answer for one target. */
typedef struct cxai_heatmap {
    cxai_real *data; /* dense, owned: see cxai_heatmap_clear */
    cxai_shape shape;
    cxai_heatmap_kind kind;
    int raw; /* a map before ReLU, scaling and resizing */
    cxai_heatmap_state state;
    double minimum, maximum; /* of what the method computed, before ReLU,
                                scaling and resizing; NaN where not finite */
    double low, high;   /* of a map that is not raw: what its 0 and its 1 are in
                           these numbers; NaN where not finite */
    cxai_target target; /* no longer open: see cxai_target_resolve */
    unsigned char *mask; /* owned, what the target's masks lie in; or NULL */
    double score;        /* the target's number: for a class its logit */
    double probability;  /* of a class, or of the contrary where its weight is
                            negative; NaN when the target is no class, or the
                            network gives no probabilities */
    int layer;           /* value that was looked at, or -1 */
    double delta; /* sum of the attribution - (score - score at the baseline)
                     where the method is complete, else NaN */
    int64_t done, total; /* passes of an estimate that was stopped early, see
                            anytime; else both 0 */
} cxai_heatmap;

typedef struct cxai_heatmap_call cxai_heatmap_call;

/* Computes call->results[i] for every target; see cxai_heatmap_call. */
typedef cxai_status cxai_heatmap_function(const cxai_heatmap_call *call,
                                          cxai_error *error);

/* What a method needs, or-ed. */
enum {
    CXAI_NEEDS_LAYER = 1,     /* looks at options.layer */
    CXAI_NEEDS_GRADIENT = 2,  /* runs backward */
    CXAI_NEEDS_STEPS = 4,     /* follows a path: options.steps */
    CXAI_NEEDS_SAMPLES = 8,   /* draws: options.samples, noise, seed */
    CXAI_IS_ANYTIME = 16,     /* has an estimate after every pass */
    CXAI_NEEDS_BASELINE = 32, /* compares: options.baseline */
    CXAI_SUMS_CHANNELS = 64, /* options.eigen_smooth is for it: the map is a sum
                                over the channels of a layer */
    CXAI_NEEDS_CLASS = 128,  /* every target must be one class of several, of a
                                value with one number for each */
    CXAI_NEEDS_ATTENTION = 256, /* reads the attention of a transformer */
    CXAI_NEEDS_DIRECT = 512,    /* divides by sums that may be small: its
                                   sessions convolve directly */
};

/* A number that one method takes beside the options. */
typedef struct cxai_heatmap_parameter {
    const char *name;           /* "window" */
    double standard, low, high; /* its default and its bounds */
    const char *choices;        /* "left middle right": one of these words is
                                   given, the number is its place from 0;
                                   NULL: a number is given */
    const char *summary;        /* what it does, one line */
} cxai_heatmap_parameter;

typedef struct cxai_heatmap_method {
    const char *name;    /* "gradcam": what the command line calls it */
    const char *title;   /* "Grad-CAM" */
    const char *family;  /* "CAM", "gradient", "path", ... */
    const char *paper;   /* authors, year, venue */
    const char *summary; /* what it computes, one line */
    const char *cost;    /* "1 forward, 1 backward a target" */
    int needs;           /* CXAI_NEEDS_... and CXAI_IS_..., or-ed */
    const cxai_heatmap_parameter *parameters; /* ended by one without a name;
                                                 or NULL: none */
    cxai_heatmap_kind kind;
    cxai_heatmap_function *compute;
} cxai_heatmap_method;

/* The library's methods by name, ended by NULL. */
CXAI_API extern const cxai_heatmap_method *const cxai_heatmap_table[];

/* Finds a method by name; CXAI_NOT_FOUND lists what there is. */
CXAI_API cxai_status cxai_heatmap_find(const cxai_heatmap_method **out,
                                       const char *name, cxai_error *error);

/*
 * Explains one picture. input is dense, of input_shape, preprocessed as the
 * network wants it. results has target_count entries, which this
 * function overwrites; the caller ends each with cxai_heatmap_clear, also
 * after a failure, when all are empty. options may be NULL.
 *
 * The same input, options and version give the same bits for any number of
 * threads and any company of other targets. Errors: CXAI_INVALID
 * for a shape, layer, setting or target that does not fit, CXAI_UNSUPPORTED for
 * a network that the method is not defined for, CXAI_STOPPED, CXAI_LIMIT,
 * CXAI_NO_MEMORY.
 */
CXAI_API cxai_status cxai_heatmap_compute(
    cxai_heatmap *results, const cxai_heatmap_method *method,
    const cxai_model *model, const cxai_shape *input_shape,
    const cxai_real *input, const cxai_target *targets, int target_count,
    const cxai_heatmap_options *options, cxai_error *error);

/* Frees what a result owns and zeroes it. */
CXAI_API void cxai_heatmap_clear(cxai_heatmap *heatmap);

/* Blurs a picture for a baseline: input is dense, (1,C,H,W) or with
   channels_last (1,H,W,C), each channel is filtered by a Gaussian of deviation
   sigma pixels, cut off at 4 sigma; at an edge the weights that are inside sum
   to 1. out may not overlap input. CXAI_INVALID for another shape and for a
   sigma below 0, CXAI_NO_MEMORY. */
CXAI_API cxai_status cxai_heatmap_blur(const cxai_real *input,
                                       const cxai_shape *input_shape,
                                       int channels_last, double sigma,
                                       cxai_real *out, cxai_error *error);

/* Which sign of an attribution a picture shows. */
typedef enum cxai_heatmap_sign {
    CXAI_SIGN_ALL,      /* -1..1 */
    CXAI_SIGN_POSITIVE, /* 0..1, what speaks against is 0 */
    CXAI_SIGN_ABSOLUTE, /* 0..1, magnitudes */
} cxai_heatmap_sign;

/*
 * Makes a map to look at, dense (H,W) of the last two dimensions. An
 * attribution is summed over its channels, divided by the magnitude below
 * which 98 % of the total magnitude lies, and clipped to -1..1, so that a few
 * extreme pixels do not darken all others (as captum's visualize_image_attr
 * does with outlier_perc=2). A map that is not raw is copied.
 *
 * unit (may be NULL) receives what the map's 0 and 1 are in the numbers that
 * the method computed; of an attribution the first is 0.
 */
CXAI_API cxai_status cxai_heatmap_display(const cxai_heatmap *heatmap,
                                          cxai_heatmap_sign sign,
                                          cxai_real *map, double unit[2],
                                          cxai_error *error);

/* ---- writing a method -----------------------------------------------------

   A method opens sessions on call->model, runs them at call->input, and hands
   over one map or attribution for each target. All targets of a call belong
   to one value of the graph; targets of several values are several calls. */

struct cxai_heatmap_call {
    const cxai_heatmap_method *method;
    const cxai_model *model;
    const cxai_shape *shapes; /* of every value, for input_shape */
    cxai_shape input_shape;   /* (1,C,H,W), or with channels_last (1,H,W,C) */
    const cxai_real *input;
    int64_t channels, height, width; /* of the input */
    int input_value;                 /* the model's first input */
    int value;                       /* of all targets */
    int layer; /* resolved, has a grid; -1 without CXAI_NEEDS_LAYER */
    int target_count;
    cxai_heatmap *results;               /* [target_count]; target is set */
    const cxai_heatmap_options *options; /* batch, threads and max_bytes
                                            are set */
    const double *settings;              /* of method->parameters, in order */
    int layer_index, layer_count; /* the layer is one of so many, whose maps
                                     cxai_heatmap_set_map fuses */
    int run, run_count; /* this is one of so many runs of the method, which
                           cxai_heatmap_progress counts together */
};

/* The value of one of the method's parameters; NaN for any other name. */
CXAI_API double cxai_heatmap_setting(const cxai_heatmap_call *call,
                                     const char *name);

/* To be called once, after the first forward of a session (target call->value)
   of which the first picture is call->input: finds the channels that ranks
   stand for, and notes scores and probabilities. Before it results[i].target
   may be a rank. */
CXAI_API cxai_status cxai_heatmap_begin(const cxai_heatmap_call *call,
                                        const cxai_session *session,
                                        cxai_error *error);

/* Reports progress; CXAI_STOPPED when the caller wants to end. */
CXAI_API cxai_status cxai_heatmap_progress(const cxai_heatmap_call *call,
                                           int64_t done, int64_t total,
                                           cxai_error *error);

/* Notes that all results are estimates from done of total passes. */
CXAI_API void cxai_heatmap_partial(const cxai_heatmap_call *call, int64_t done,
                                   int64_t total);

/* Hands over the map of target i, dense (height,width) at any size: ReLU,
   min-max, half-pixel bilinear resize to the input's size and min-max again,
   as pytorch-grad-cam does, unless raw maps were asked for. Of several layers
   the maps are handed over one a run and fused before the last min-max. */
CXAI_API cxai_status cxai_heatmap_set_map(const cxai_heatmap_call *call, int i,
                                          const cxai_real *map, int64_t height,
                                          int64_t width, cxai_error *error);

/* Hands over the attribution of target i, dense, shaped as the input. */
CXAI_API cxai_status cxai_heatmap_set_attribution(const cxai_heatmap_call *call,
                                                  int i,
                                                  const cxai_real *attribution,
                                                  cxai_error *error);

/* Hands over the attribution of target i to call->layer, dense, of the layer's
   shape for one picture. */
CXAI_API cxai_status cxai_heatmap_set_layer(const cxai_heatmap_call *call,
                                            int i, const cxai_real *attribution,
                                            cxai_error *error);

/* Activations A of a layer and the gradient dy/dA, both dense
   (channels,height,width). */
typedef struct cxai_cam_layer {
    int64_t channels, height, width;
    const cxai_real *activations, *gradients;
} cxai_cam_layer;

/* Weighs the activations of a layer, dense (channels,height,width): what each
   channel says at each position. All of weighed is to be written. It lies where
   the gradients lie, to save memory: a channel's gradients are gone once it is
   written. */
typedef void cxai_cam_function(const cxai_cam_layer *layer, cxai_real *weighed);

/* A method of the CAM family, whole: one forward, one backward a target; the
   map is the sum over channels of what the function writes, or, with
   eigen_smooth, its first principal component; cxai_heatmap_set_map. */
CXAI_API cxai_status cxai_heatmap_cam(const cxai_heatmap_call *call,
                                      cxai_cam_function *function,
                                      cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
