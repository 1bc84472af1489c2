/*
 * Preprocessing: from a picture to what a network takes, and back.
 *
 * A network was trained on pictures prepared in one way; prepared otherwise,
 * it answers something else without saying so. How to prepare them therefore
 * belongs to the model. It is read from the model's metadata or from a JSON
 * file beside it:
 *
 *     {
 *       "recipe": "timm",             everything below but size and layout, as
 *                                     a library does it: cxai_recipe_info;
 *                                     other keys then change details
 *       "size": 224,                  what the network takes: pixels,
 *                                     "WIDTHxHEIGHT", or "photo": each photo
 *                                     at its own size
 *       "resize": {
 *         "rule": "short side",       "short side", "stretch", "letterbox",
 *                                     "none" (the same as size "photo")
 *         "length": 256,              of the short side, before the crop; or
 *         "crop": 0.875,              the share of it that is cut out
 *         "filter": "bicubic"         "bilinear", "bicubic", "nearest",
 *                                     "linear"
 *       },
 *       "fill": 0,                    0..255, where there is no picture
 *       "channels": "RGB",            "RGB", "BGR", "grey"
 *       "scale": 1,                   a number, or a fraction "1/255"
 *       "mean": [127, 127, 127],      one number, or one a channel, in the
 *       "std": [128, 128, 128],       network's channel order
 *       "layout": "NCHW",             "NCHW", "NHWC"
 *       "labels": "labels.txt"        beside the JSON file
 *     }
 *
 * Every key may be left out. A sample p (0..255) becomes
 *
 *     (p * scale - mean) / std
 *
 * All functions may be called from any thread.
 */
#ifndef CXAI_PREPROCESS_H
#define CXAI_PREPROCESS_H

#include "cxai/image.h"
#include "cxai/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cxai_resize_rule {
    CXAI_SHORT_SIDE, /* the short side becomes `length`, the other keeps the
                        proportion (rounded down); then the centre is cut out.
                        As torchvision's Resize and CenterCrop. */
    CXAI_STRETCH,    /* the whole picture becomes width x height */
    CXAI_LETTERBOX,  /* the whole picture fits inside, keeps its proportion,
                        is centred and gets bars of `fill` */
} cxai_resize_rule;

typedef enum cxai_channel_order {
    CXAI_RGB,
    CXAI_BGR,
    CXAI_GREY, /* ITU-R BT.601 luma, one channel */
} cxai_channel_order;

typedef enum cxai_layout {
    CXAI_NCHW,
    CXAI_NHWC,
} cxai_layout;

/* Owns nothing: may be copied and changed freely. */
typedef struct cxai_preprocess {
    int width; /* of the network's input */
    int height;
    int photo_size; /* 1: width and height are to be set for each photo, by
                       cxai_preprocess_fit */
    cxai_resize_rule rule;
    int length;  /* CXAI_SHORT_SIDE only; 0: as `crop` says */
    double crop; /* network's longer side / length, cut off to a whole length;
                    0: 224/256, rounded */
    cxai_filter filter;
    double fill; /* 0..255 */
    cxai_channel_order channels;
    cxai_layout layout;
    double scale;
    double mean[3]; /* in the network's channel order; grey uses the first */
    double std[3];
    int guessed; /* 1: nothing has said how pixels become values (scale, mean,
                    std, recipe): these are torchvision's, which may be wrong */
    char labels[1024]; /* path of the label file, "" when there is none */
    char source[256];  /* where this came from, later overriding earlier:
                          "defaults, metadata, model.json, given size" */
} cxai_preprocess;

/* How a library prepares pictures, by name. */
typedef struct cxai_recipe {
    const char *name;       /* "keras-tf"; NULL beyond the last one */
    const char *other_name; /* that is understood as well: "tf"; or NULL */
    const char *origin;     /* whose recipe it is */
} cxai_recipe;

/* Recipe number index, from 0. cxai_preprocess_set applies one by the key
   "recipe". For a network of one channel only those serve that treat all
   channels alike. */
CXAI_API cxai_recipe cxai_recipe_info(int index);

/* What most networks trained by torchvision take: RGB, short side to 256/224
   of the network's size, bilinear, centre crop; scale 1/255, mean (.485, .456,
   .406), std (.229, .224, .225). Layout, size and number of channels (1: grey,
   scale 1/255, mean 0, std 1) follow input_shape, free sides being 224 and
   free channels 3; input_shape may be NULL. CXAI_UNSUPPORTED when it is not
   the shape of a picture (rank 4, 1 or 3 channels). */
CXAI_API cxai_status cxai_preprocess_defaults(cxai_preprocess *out,
                                              const cxai_shape *input_shape,
                                              cxai_error *error);

/*
 * The preprocessing of a model: the defaults, then the model's metadata, then
 * the JSON file beside it (MODEL.json for MODEL.onnx) if there is one, each
 * overriding the one before. model_path may be NULL: then there is no file.
 *
 * Metadata: "input.KEY", KEY and value as for cxai_preprocess_set (where
 * "input.mean" stands without "input.scale", the scale is 1), and those of the
 * ONNX standard's MetadataProps.md: "Image.BitmapPixelFormat" (Gray8, Rgb8,
 * Bgr8) and "Image.NominalPixelRange" (NominalRange_0_255, Normalized_0_1,
 * Normalized_1_1).
 *
 * CXAI_MALFORMED names the file and the key that is wrong; an unknown key is
 * wrong too. The result is checked as cxai_preprocess_check does.
 */
CXAI_API cxai_status cxai_preprocess_for_model(cxai_preprocess *out,
                                               const cxai_model *model,
                                               const char *model_path,
                                               cxai_error *error);

/* Overrides *preprocess by a JSON object as above. name is for messages and
   for `source`; folder is where `labels` lies (NULL: the working directory).
   On failure *preprocess is as it was. */
CXAI_API cxai_status cxai_preprocess_parse(cxai_preprocess *preprocess,
                                           const char *json, size_t size,
                                           const char *name, const char *folder,
                                           cxai_error *error);

/* Overrides one key by a text, for command-line flags: "size" "320x240",
   "rule" "stretch", "length" "256", "filter" "nearest", "mean" "104,117,123",
   "scale" "1/255", ... */
CXAI_API cxai_status cxai_preprocess_set(cxai_preprocess *preprocess,
                                         const char *key, const char *text,
                                         cxai_error *error);

/* Does it fit the model's first input: layout and number of channels. Another
   size than the one that a model fixes is let through: whether the graph allows
   it, as one of convolutions alone does, is for cxai_model_shapes to say. */
CXAI_API cxai_status cxai_preprocess_check(const cxai_preprocess *preprocess,
                                           const cxai_model *model,
                                           cxai_error *error);

/* Where photo_size is set: makes width and height those of a photo, each
   rounded to a multiple of `multiple` pixels (at least one multiple), to which
   the photo is stretched; 1 leaves it as it is. CXAI_LIMIT above 16384. */
CXAI_API cxai_status cxai_preprocess_fit(cxai_preprocess *preprocess,
                                         const cxai_image *photo, int multiple,
                                         cxai_error *error);

/* One line for people: "RGB, short side to 256 (bicubic), centre crop 224x224,
   (p - 127) / 128, NCHW". Cut to size bytes with a final 0; returns text. */
CXAI_API char *cxai_preprocess_text(const cxai_preprocess *preprocess,
                                    char *text, size_t size);

/* 3, or 1 for grey. */
CXAI_API int cxai_preprocess_channel_count(const cxai_preprocess *preprocess);

/* The network's input shape for a batch: (batch, C, H, W) or
   (batch, H, W, C). */
CXAI_API cxai_shape cxai_preprocess_shape(const cxai_preprocess *preprocess,
                                          int64_t batch);

/* The affine map of one channel of the network: value = gain * p + bias for a
   sample p in 0..255. *rgb_channel (may be NULL) is the picture's channel that
   it takes: 0 red, 1 green, 2 blue; -1 for grey. */
CXAI_API void cxai_preprocess_affine(const cxai_preprocess *preprocess,
                                     int channel, double *gain, double *bias,
                                     int *rgb_channel);

/* A flat picture, each sample p (0..255) of it: channels * height * width
   values as cxai_preprocess_apply writes them. Black is p = 0. */
CXAI_API void cxai_preprocess_flat(const cxai_preprocess *preprocess, double p,
                                   cxai_real *tensor);

/*
 * Where the network's pixels lie in the photo. Coordinates are continuous:
 * pixel i covers [i, i + 1) and its centre is i + 0.5. "The photo" is the
 * picture as loaded, EXIF orientation applied.
 *
 *     photo_x = offset_x + scale_x * network_x, the same for y
 */
typedef struct cxai_geometry {
    int photo_width;
    int photo_height;
    int network_width;
    int network_height;
    double scale_x; /* photo pixels per network pixel */
    double scale_y;
    double offset_x;  /* where the network's left and top edge lie in the */
    double offset_y;  /* photo; negative where there are bars */
    double seen_left; /* the part of the photo that the network saw */
    double seen_top;
    double seen_right; /* exclusive */
    double seen_bottom;
} cxai_geometry;

/*
 * Prepares a picture: tensor receives channels * height * width values, dense,
 * in the preprocessing's layout (one picture of the batch). geometry may be
 * NULL. A fourth channel of the photo is ignored. CXAI_LIMIT when the resized
 * picture would be absurdly long (a side over 16 million).
 */
CXAI_API cxai_status cxai_preprocess_apply(const cxai_preprocess *preprocess,
                                           const cxai_image *photo,
                                           cxai_real *tensor,
                                           cxai_geometry *geometry,
                                           cxai_error *error);

/* The inverse, for showing what a network is fed: one picture of the batch,
   values mapped back to 0..255, rounded and cut off there. */
CXAI_API cxai_status cxai_preprocess_invert(const cxai_preprocess *preprocess,
                                            const cxai_real *tensor,
                                            cxai_image *out, cxai_error *error);

/*
 * Resizes a map of height x width values (dense) to out_height x out_width,
 * bilinear, half-pixel centres, edges clamped, no antialiasing: what
 * OpenCV's resize does with INTER_LINEAR on floats, and what the CAM methods
 * are defined with. All sizes must be at least 1; out may not overlap map.
 */
CXAI_API void cxai_map_resize(const cxai_real *map, int height, int width,
                              cxai_real *out, int out_height, int out_width);

/*
 * Brings a map over the network's input (network_height x network_width,
 * dense) to the photo: out receives photo_height x photo_width values,
 * bilinear, half-pixel centres, edges clamped. Photo pixels whose centre the
 * network did not see become NaN, which the functions of draw.h leave out.
 */
CXAI_API void cxai_geometry_project(const cxai_geometry *geometry,
                                    const cxai_real *map, cxai_real *out);

#ifdef __cplusplus
}
#endif
#endif
