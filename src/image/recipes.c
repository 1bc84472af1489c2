/*
 * How libraries prepare pictures, from their own sources:
 *
 * torchvision    transforms/_presets.py, ImageClassification
 * timm           data/constants.py, data/config.py (bicubic),
 *                data/transforms_factory.py, transforms_imagenet_eval
 * keras-...      applications/imagenet_utils.py, _preprocess_numpy_input;
 *                utils/image_utils.py, load_img with target_size
 * paddle         PaddleClas, ppcls/configs/ImageNet/ResNet/ResNet50.yaml and
 *                data/preprocess/ops/operators.py
 * darknet        src/image.c, letterbox_image
 * yolo           ultralytics, data/augment.py, LetterBox
 *
 * Sizes are the network's own: a recipe does not set them.
 */
#include "image/preprocess_keys.h"

#include <stdio.h>
#include <string.h>

typedef struct recipe {
    cxai_recipe names;
    cxai_resize_rule rule;
    double crop;
    cxai_filter filter;
    double fill;
    cxai_channel_order channels;
    double scale;
    double mean[3];
    double std[3];
} recipe;

/* clang-format off */
#define ONES { 1, 1, 1 }
#define ZEROS { 0, 0, 0 }
#define HALVES { .5, .5, .5 }
#define IMAGENET_MEAN { .485, .456, .406 }
#define IMAGENET_STD { .229, .224, .225 }
#define CAFFE_MEAN { 103.939, 116.779, 123.68 } /* blue, green, red */

static const recipe recipes[] = {
    { { "torchvision", NULL, "torchvision" },
      CXAI_SHORT_SIDE, 0, CXAI_BILINEAR, 0,
      CXAI_RGB, 1 / 255.0, IMAGENET_MEAN, IMAGENET_STD },
    { { "timm", NULL, "timm, mean and std of ImageNet" },
      CXAI_SHORT_SIDE, .875, CXAI_BICUBIC, 0,
      CXAI_RGB, 1 / 255.0, IMAGENET_MEAN, IMAGENET_STD },
    { { "timm-inception", "inception", "timm, mean and std of Inception" },
      CXAI_SHORT_SIDE, .875, CXAI_BICUBIC, 0,
      CXAI_RGB, 1 / 255.0, HALVES, HALVES },
    { { "keras-caffe", "caffe", "Keras, mode \"caffe\"" },
      CXAI_STRETCH, 0, CXAI_NEAREST, 0,
      CXAI_BGR, 1, CAFFE_MEAN, ONES },
    { { "keras-tf", "tf", "Keras, mode \"tf\"" },
      CXAI_STRETCH, 0, CXAI_NEAREST, 0,
      CXAI_RGB, 1 / 127.5, ONES, ONES },
    { { "keras-torch", NULL, "Keras, mode \"torch\"" },
      CXAI_STRETCH, 0, CXAI_NEAREST, 0,
      CXAI_RGB, 1 / 255.0, IMAGENET_MEAN, IMAGENET_STD },
    { { "paddle", NULL, "PaddleClas" },
      CXAI_SHORT_SIDE, 0, CXAI_LINEAR, 0,
      CXAI_RGB, 1 / 255.0, IMAGENET_MEAN, IMAGENET_STD },
    { { "darknet", NULL, "darknet" },
      CXAI_LETTERBOX, 0, CXAI_LINEAR, 127.5,
      CXAI_RGB, 1 / 255.0, ZEROS, ONES },
    { { "yolo", NULL, "ultralytics" },
      CXAI_LETTERBOX, 0, CXAI_LINEAR, 114,
      CXAI_RGB, 1 / 255.0, ZEROS, ONES },
    { { "raw", "0..255", "networks that take pixels as they are" },
      CXAI_SHORT_SIDE, 0, CXAI_BILINEAR, 0,
      CXAI_RGB, 1, ZEROS, ONES },
    { { "unit", "0..1", "networks that take pixels from 0 to 1" },
      CXAI_SHORT_SIDE, 0, CXAI_BILINEAR, 0,
      CXAI_RGB, 1 / 255.0, ZEROS, ONES },
};
/* clang-format on */

enum { COUNT = sizeof recipes / sizeof *recipes };

cxai_recipe cxai_recipe_info(int index)
{
    if (index < 0 || index >= COUNT)
        return (cxai_recipe){ 0 };
    return recipes[index].names;
}

static const recipe *find(const char *name)
{
    for (int i = 0; name != NULL && i < COUNT; i++) {
        const char *other = recipes[i].names.other_name;
        if (strcmp(recipes[i].names.name, name) == 0 ||
            (other != NULL && strcmp(other, name) == 0))
            return &recipes[i];
    }
    return NULL;
}

/* One grey channel has one mean. */
static int treats_channels_alike(const recipe *r)
{
    for (int c = 1; c < 3; c++)
        if (r->mean[c] != r->mean[0] || r->std[c] != r->std[0])
            return 0;
    return 1;
}

int cx_apply_recipe(cxai_preprocess *p, const char *name)
{
    const recipe *r = find(name);
    if (r == NULL)
        return -1;
    int grey = p->channels == CXAI_GREY;
    if (grey && !treats_channels_alike(r))
        return -1;
    p->rule = r->rule;
    p->length = 0;
    p->crop = r->crop;
    p->filter = r->filter;
    p->fill = r->fill;
    p->channels = grey ? CXAI_GREY : r->channels;
    p->scale = r->scale;
    memcpy(p->mean, r->mean, sizeof p->mean);
    memcpy(p->std, r->std, sizeof p->std);
    return 0;
}

cxai_status cx_refuse_recipe(const char *where, cxai_error *error)
{
    char names[512] = "";
    size_t used = 0;
    for (int i = 0; i < COUNT && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 i > 0 ? ", " : "", recipes[i].names.name);
    return cxai_fail(error, CXAI_MALFORMED,
                     "%s: \"recipe\" must be one of %s; for a network of one "
                     "channel, one with the same mean for all channels",
                     where, names);
}
