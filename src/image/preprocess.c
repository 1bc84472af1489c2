/* Preprocessing: defaults, and what others ask about it. */
#include "image/preprocess_keys.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const cx_resize_rules[] = { "short side", "stretch", "letterbox",
                                        NULL };
const char *const cx_filters[] = { "bilinear", "bicubic", "nearest", "linear",
                                   NULL };
const char *const cx_channel_orders[] = { "RGB", "BGR", "grey", NULL };
const char *const cx_layouts[] = { "NCHW", "NHWC", NULL };

int cx_short_side_length(const cxai_preprocess *p)
{
    if (p->length > 0)
        return p->length;
    int side = p->width > p->height ? p->width : p->height;
    return p->crop > 0 ? (int)(side / p->crop)
                       : (int)lround(side * 256 / 224.0);
}

void cx_add_source(cxai_preprocess *p, const char *format, ...)
{
    size_t used = strlen(p->source);
    if (used > 0 && used + 3 < sizeof p->source) {
        memcpy(p->source + used, ", ", 3);
        used += 2;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->source + used, sizeof p->source - used, format, arguments);
    va_end(arguments);
}

int cxai_preprocess_channel_count(const cxai_preprocess *p)
{
    return p->channels == CXAI_GREY ? 1 : 3;
}

static int to_side(int64_t dimension)
{
    return dimension > 0 && dimension <= CX_MAX_SIDE ? (int)dimension : 224;
}

/* Which dimension holds the channels, 1 or 3; 0 for no picture. Free channels
   are taken for 3 colours, and before height and width, unless the last
   dimension is fixed as channels are. */
static int channel_dimension(const cxai_shape *shape)
{
    const int64_t *d = shape->dim;
    if (shape->rank != 4)
        return 0;
    for (int i = 1; i <= 3; i += 2)
        if (d[i] == 1 || d[i] == 3)
            return i;
    return d[1] == 0 ? 1 : d[3] == 0 ? 3 : 0;
}

cxai_status cxai_preprocess_defaults(cxai_preprocess *out,
                                     const cxai_shape *input_shape,
                                     cxai_error *error)
{
    static const cxai_shape usual = { 4, { 1, 3, 224, 224 } };
    const cxai_shape *shape = input_shape != NULL ? input_shape : &usual;
    const int64_t *d = shape->dim;
    int at = channel_dimension(shape);
    char text[128];
    memset(out, 0, sizeof *out);
    if (at == 0)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "the model's input %s is not a picture of 1 or 3 "
                         "channels; feed it a .npy array",
                         cxai_shape_text(shape, text, sizeof text));
    out->layout = at == 1 ? CXAI_NCHW : CXAI_NHWC;
    out->height = to_side(d[at == 1 ? 2 : 1]);
    out->width = to_side(d[at == 1 ? 3 : 2]);
    int grey = d[at] == 1;
    if (grey)
        out->channels = CXAI_GREY;
    cx_apply_recipe(out, grey ? "unit" : "torchvision");
    out->guessed = 1;
    cx_add_source(out, "defaults");
    return CXAI_OK;
}

cxai_shape cxai_preprocess_shape(const cxai_preprocess *p, int64_t batch)
{
    int channels = cxai_preprocess_channel_count(p);
    if (p->layout == CXAI_NHWC)
        return (cxai_shape){ 4, { batch, p->height, p->width, channels } };
    return (cxai_shape){ 4, { batch, channels, p->height, p->width } };
}

cxai_status cxai_preprocess_check(const cxai_preprocess *p,
                                  const cxai_model *model, cxai_error *error)
{
    if (cxai_model_input_count(model) < 1)
        return cxai_fail(error, CXAI_UNSUPPORTED, "the model has no input");
    cxai_shape wanted = cxai_model_input_shape(model, 0);
    cxai_shape given = cxai_preprocess_shape(p, wanted.dim[0]);
    int at = p->layout == CXAI_NHWC ? 3 : 1;
    if (wanted.rank == given.rank &&
        (wanted.dim[at] == 0 || wanted.dim[at] == given.dim[at]))
        return CXAI_OK;
    char wanted_text[128], given_text[128];
    return cxai_fail(
        error, CXAI_INVALID,
        "the preprocessing (%s) makes pictures of %s (%s), but the model's "
        "input is %s, 0 being free; correct its channels or layout",
        p->source, cxai_shape_text(&given, given_text, sizeof given_text),
        cx_layouts[p->layout],
        cxai_shape_text(&wanted, wanted_text, sizeof wanted_text));
}

void cxai_preprocess_affine(const cxai_preprocess *p, int channel, double *gain,
                            double *bias, int *rgb_channel)
{
    *gain = p->scale / p->std[channel];
    *bias = -p->mean[channel] / p->std[channel];
    if (rgb_channel == NULL)
        return;
    switch (p->channels) {
    case CXAI_RGB: *rgb_channel = channel; break;
    case CXAI_BGR: *rgb_channel = 2 - channel; break;
    case CXAI_GREY: *rgb_channel = -1; break;
    }
}

/* The multiple of `multiple` that is nearest to a side, at least one. */
static int nearest_multiple(int side, int multiple)
{
    int count = (side + multiple / 2) / multiple;
    return (count > 0 ? count : 1) * multiple;
}

cxai_status cxai_preprocess_fit(cxai_preprocess *p, const cxai_image *photo,
                                int multiple, cxai_error *error)
{
    if (!p->photo_size)
        return CXAI_OK;
    if (photo->width > CX_MAX_SIDE || photo->height > CX_MAX_SIDE ||
        multiple < 1 || multiple > CX_MAX_SIDE)
        return cxai_fail(error, CXAI_LIMIT,
                         "a photo of %d x %d pixels is too large to be fed at "
                         "its own size; give a size of at most %dx%d",
                         photo->width, photo->height, (int)CX_MAX_SIDE,
                         (int)CX_MAX_SIDE);
    p->width = nearest_multiple(photo->width, multiple);
    p->height = nearest_multiple(photo->height, multiple);
    p->rule = CXAI_STRETCH;
    return CXAI_OK;
}

/* ---- as text ---- */

static void resize_text(const cxai_preprocess *p, char *text, size_t size)
{
    const char *filter = cx_filters[p->filter];
    if (p->photo_size) {
        snprintf(text, size, "at the photo's own size");
        return;
    }
    switch (p->rule) {
    case CXAI_SHORT_SIDE:
        snprintf(text, size, "short side to %d (%s), centre crop %dx%d",
                 cx_short_side_length(p), filter, p->width, p->height);
        break;
    case CXAI_STRETCH:
        snprintf(text, size, "stretched to %dx%d (%s)", p->width, p->height,
                 filter);
        break;
    case CXAI_LETTERBOX:
        snprintf(text, size, "fitted into %dx%d (%s), bars %.9g", p->width,
                 p->height, filter, p->fill);
        break;
    }
}

/* "127", or "(1, 2, 3)" where the channels differ. */
static char *channel_text(const cxai_preprocess *p, const double value[3],
                          char text[96])
{
    if (p->channels == CXAI_GREY ||
        (value[0] == value[1] && value[1] == value[2]))
        snprintf(text, 96, "%.9g", value[0]);
    else
        snprintf(text, 96, "(%.9g, %.9g, %.9g)", value[0], value[1], value[2]);
    return text;
}

static void scale_text(double scale, char *text, size_t size)
{
    double divisor = 1 / scale;
    if (scale == 1)
        snprintf(text, size, "p");
    else if (fabs(divisor - nearbyint(divisor * 2) / 2) < 1e-9 * divisor)
        snprintf(text, size, "p/%.9g", divisor);
    else
        snprintf(text, size, "p*%.9g", scale);
}

char *cxai_preprocess_text(const cxai_preprocess *p, char *text, size_t size)
{
    char resize[160], scale[48], mean[96], std[96];
    resize_text(p, resize, sizeof resize);
    scale_text(p->scale, scale, sizeof scale);
    snprintf(text, size, "%s, %s, (%s - %s) / %s, %s",
             cx_channel_orders[p->channels], resize, scale,
             channel_text(p, p->mean, mean), channel_text(p, p->std, std),
             cx_layouts[p->layout]);
    return text;
}
