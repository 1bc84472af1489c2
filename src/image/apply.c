/* From a picture to the network's input, and back. */
#include "base/alloc.h"
#include "image/preprocess.h"
#include "image/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RESIZED_SIDE = 1 << 24 };

/* ---- where the picture goes ---- */

/* One axis: the picture of `photo` samples is resized to `full` samples, of
   which the network's input, `network` samples, begins at `start` (negative:
   there are bars first). */
typedef struct placing {
    int photo;
    int network;
    int64_t full;
    int64_t start;
} placing;

/* torchvision's CenterCrop: rounds half to even; pads what is too small, the
   smaller half first. */
static int64_t centre(int64_t full, int network)
{
    if (full >= network)
        return (int64_t)nearbyint((double)(full - network) / 2);
    return -((network - full) / 2);
}

/* The rule for both axes at once. */
static void place(const cxai_preprocess *p, placing *x, placing *y)
{
    int64_t photo_width = x->photo, photo_height = y->photo;
    if (p->rule == CXAI_STRETCH) {
        x->full = x->network;
        y->full = y->network;
        return;
    }
    if (p->rule == CXAI_SHORT_SIDE) {
        /* the long side is cut off to a whole number, as torchvision does */
        int length = cx_short_side_length(p);
        int wide = photo_width > photo_height;
        x->full = wide ? length * photo_width / photo_height : length;
        y->full = wide ? length : length * photo_height / photo_width;
    } else {
        double scale =
            fmin((double)x->network / x->photo, (double)y->network / y->photo);
        x->full = (int64_t)fmax(1, nearbyint(x->photo * scale));
        y->full = (int64_t)fmax(1, nearbyint(y->photo * scale));
    }
    x->start = centre(x->full, x->network);
    y->start = centre(y->full, y->network);
}

/* The part of the resized picture that the network's input holds: from its
   own sample *from on, *count samples, which stand at *to in the input. */
static void visible(const placing *a, int64_t *from, int *to, int *count)
{
    *from = a->start > 0 ? a->start : 0;
    *to = a->start < 0 ? (int)-a->start : 0;
    int64_t end = a->start + a->network;
    *count = (int)((end < a->full ? end : a->full) - *from);
}

static cxai_geometry describe(const placing *x, const placing *y)
{
    cxai_geometry g = {
        .photo_width = x->photo,
        .photo_height = y->photo,
        .network_width = x->network,
        .network_height = y->network,
        .scale_x = (double)x->photo / (double)x->full,
        .scale_y = (double)y->photo / (double)y->full,
    };
    g.offset_x = (double)x->start * g.scale_x;
    g.offset_y = (double)y->start * g.scale_y;
    g.seen_left = fmax(0, g.offset_x);
    g.seen_top = fmax(0, g.offset_y);
    g.seen_right = fmin(x->photo, g.offset_x + x->network * g.scale_x);
    g.seen_bottom = fmin(y->photo, g.offset_y + y->network * g.scale_y);
    return g;
}

/* ---- pixels ---- */

/* ITU-R BT.601 luma in 16 bits of fraction, as Pillow's convert("L"). */
static uint8_t luma(const uint8_t *rgb)
{
    uint32_t sum = rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u;
    return (uint8_t)((sum + 0x8000) >> 16);
}

/* The photo's samples as they are resized: RGB as they lie, or one grey
   channel in new memory (NULL: there is none). */
static uint8_t *grey_samples(const cxai_image *photo)
{
    size_t count = (size_t)photo->width * (size_t)photo->height;
    uint8_t *grey = cx_alloc(count, 1);
    for (size_t i = 0; grey != NULL && i < count; i++)
        grey[i] = luma(photo->pixels + i * (size_t)photo->channels);
    return grey;
}

/* A window of resized samples, channels of them a pixel, with its place in the
   network's input. */
typedef struct window {
    uint8_t *samples;
    int channels;
    int left, top, width, height;
} window;

/* The documented formula: what channel c of the network gets for a sample. */
static cxai_real value_of(const cxai_preprocess *p, int c, double sample)
{
    return (cxai_real)((sample * p->scale - p->mean[c]) / p->std[c]);
}

static void write_tensor(const cxai_preprocess *p, const window *w,
                         cxai_real *tensor)
{
    int count = cxai_preprocess_channel_count(p);
    for (int c = 0; c < count; c++) {
        double gain, bias;
        int source;
        cxai_preprocess_affine(p, c, &gain, &bias, &source);
        if (source < 0)
            source = 0;
        cxai_real value[256]; /* of each sample */
        for (int i = 0; i < 256; i++)
            value[i] = value_of(p, c, i);
        cxai_real fill = value_of(p, c, p->fill);
        for (int y = 0; y < p->height; y++)
            for (int x = 0; x < p->width; x++) {
                int u = x - w->left, v = y - w->top;
                int inside = u >= 0 && u < w->width && v >= 0 && v < w->height;
                size_t at = ((size_t)v * (size_t)w->width + (size_t)u) *
                                (size_t)w->channels +
                            (size_t)source;
                size_t row = (size_t)y * (size_t)p->width + (size_t)x;
                size_t plane = (size_t)p->width * (size_t)p->height;
                size_t to = p->layout == CXAI_NHWC
                                ? row * (size_t)count + (size_t)c
                                : (size_t)c * plane + row;
                tensor[to] = inside ? value[w->samples[at]] : fill;
            }
    }
}

static cxai_status resize_and_write(const cxai_preprocess *p,
                                    const cxai_image *photo, const placing *x,
                                    const placing *y, cxai_real *tensor,
                                    cxai_error *error)
{
    int grey = p->channels == CXAI_GREY;
    window w = { .channels = grey ? 1 : photo->channels };
    cx_resample plan = { .full_width = x->full,
                         .full_height = y->full,
                         .filter = p->filter };
    visible(x, &plan.left, &w.left, &w.width);
    visible(y, &plan.top, &w.top, &w.height);
    plan.width = w.width;
    plan.height = w.height;

    uint8_t *made = grey ? grey_samples(photo) : NULL;
    const uint8_t *samples = grey ? made : photo->pixels;
    w.samples =
        cx_alloc((size_t)w.width * (size_t)w.height, (size_t)w.channels);
    int failed = samples == NULL || w.samples == NULL ||
                 cx_resample_apply(&plan, samples, photo->width, photo->height,
                                   w.channels, w.samples) != 0;
    if (!failed)
        write_tensor(p, &w, tensor);
    free(made);
    free(w.samples);
    if (failed)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory to prepare a picture of %d x %d pixels",
                         photo->width, photo->height);
    return CXAI_OK;
}

cxai_status cxai_preprocess_apply(const cxai_preprocess *p,
                                  const cxai_image *photo, cxai_real *tensor,
                                  cxai_geometry *geometry, cxai_error *error)
{
    placing x = { .photo = photo->width, .network = p->width };
    placing y = { .photo = photo->height, .network = p->height };
    place(p, &x, &y);
    if (x.full > MAX_RESIZED_SIDE || y.full > MAX_RESIZED_SIDE)
        return cxai_fail(error, CXAI_LIMIT,
                         "the picture of %d x %d pixels is too long to be "
                         "resized by its short side; use the resize rule "
                         "\"stretch\" or \"letterbox\"",
                         photo->width, photo->height);
    if (geometry != NULL)
        *geometry = describe(&x, &y);
    return resize_and_write(p, photo, &x, &y, tensor, error);
}

void cxai_preprocess_flat(const cxai_preprocess *p, double sample,
                          cxai_real *tensor)
{
    size_t count = (size_t)cxai_preprocess_channel_count(p);
    size_t plane = (size_t)p->width * (size_t)p->height;
    for (size_t i = 0; i < count * plane; i++) {
        size_t c = p->layout == CXAI_NHWC ? i % count : i / plane;
        tensor[i] = value_of(p, (int)c, sample);
    }
}

/* ---- and back ---- */

static uint8_t to_sample(double value)
{
    if (!(value > 0)) /* not a number: black */
        return 0;
    return value >= 255 ? 255 : (uint8_t)lrint(value);
}

cxai_status cxai_preprocess_invert(const cxai_preprocess *p,
                                   const cxai_real *tensor, cxai_image *out,
                                   cxai_error *error)
{
    cxai_status status = cxai_image_create(out, p->width, p->height, 3, error);
    if (status != CXAI_OK)
        return status;
    size_t count = (size_t)cxai_preprocess_channel_count(p);
    size_t plane = (size_t)p->width * (size_t)p->height;
    for (size_t c = 0; c < count; c++) {
        double gain, bias;
        int target;
        cxai_preprocess_affine(p, (int)c, &gain, &bias, &target);
        for (size_t i = 0; i < plane; i++) {
            size_t from =
                p->layout == CXAI_NHWC ? i * count + c : c * plane + i;
            uint8_t sample = to_sample(((double)tensor[from] - bias) / gain);
            uint8_t *pixel = out->pixels + 3 * i;
            if (target < 0)
                memset(pixel, sample, 3);
            else
                pixel[target] = sample;
        }
    }
    return CXAI_OK;
}
