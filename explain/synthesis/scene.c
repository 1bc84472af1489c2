#include "scene.h"

#define DEFAULT_SIDE 224
#define MAX_SIDE 2048

/* Chooses a picture's and its view's length along one axis. */
static cxai_status choose_side(int64_t fixed, int asked, int usual,
                               int *picture, int *view, cxai_error *error)
{
    if (fixed > MAX_SIDE)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "synthesis: the network's input of %lld pixels is "
                         "larger than %d",
                         (long long)fixed, MAX_SIDE);
    if (fixed > 0 && asked > fixed)
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: the network takes %lld pixels, a picture "
                         "of %d is too large; ask for at most %lld",
                         (long long)fixed, asked, (long long)fixed);
    *picture = asked ? asked : fixed > 0 ? (int)fixed : usual;
    *view = fixed > 0 ? (int)fixed : *picture;
    return CXAI_OK;
}

static cxai_status choose_sides(cx_scene *scene, const int64_t *fixed,
                                const cxai_synthesis_options *options,
                                cxai_error *error)
{
    const cxai_preprocess *p = scene->preprocess;
    cx_frame *frame = &scene->frame;
    int height = options->height ? options->height : options->width;
    int width = options->width ? options->width : options->height;
    int usual_height = p && p->height > 0 ? p->height : DEFAULT_SIDE;
    int usual_width = p && p->width > 0 ? p->width : DEFAULT_SIDE;

    if (height < 0 || height > MAX_SIDE || width < 0 || width > MAX_SIDE)
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: a size of %dx%d is not in 1..%d", width,
                         height, MAX_SIDE);
    cxai_status status =
        choose_side(fixed[0], height, usual_height, &frame->height,
                    &frame->view_height, error);
    return status ? status
                  : choose_side(fixed[1], width, usual_width, &frame->width,
                                &frame->view_width, error);
}

cxai_status cx_scene_init(cx_scene *scene, const cxai_model *model,
                          const cxai_preprocess *preprocess,
                          const cxai_synthesis_options *options,
                          cxai_error *error)
{
    char text[64];

    *scene = (cx_scene){ .preprocess = preprocess };
    if (cxai_model_input_count(model) < 1)
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: the model has no input");
    scene->input = cxai_model_input(model, 0);
    cxai_shape shape = cxai_model_input_shape(model, 0);
    if (shape.rank != 4)
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: the model's input has shape %s, not that "
                         "of pictures (N,C,H,W)",
                         cxai_shape_text(&shape, text, sizeof text));

    scene->interleaved = preprocess && preprocess->layout == CXAI_NHWC;
    int64_t channels = shape.dim[scene->interleaved ? 3 : 1];
    int usual = preprocess ? cxai_preprocess_channel_count(preprocess) : 3;
    if (channels < 0 || channels > 64 ||
        (preprocess && channels && channels != usual))
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: the model's input has %lld channels, "
                         "pictures have %d",
                         (long long)channels, usual);
    scene->channels = channels ? (int)channels : usual;
    scene->frame.step = scene->interleaved ? (size_t)scene->channels : 1;
    if (shape.dim[0] > 0 && shape.dim[0] <= 4096)
        scene->fixed_batch = (int)shape.dim[0];
    return choose_sides(scene, &shape.dim[scene->interleaved ? 1 : 2], options,
                        error);
}

cxai_shape cx_scene_input_shape(const cx_scene *s, int batch)
{
    const cx_frame *f = &s->frame;
    if (s->interleaved)
        return (cxai_shape){
            4, { batch, f->view_height, f->view_width, s->channels }
        };
    return (
        cxai_shape){ 4, { batch, s->channels, f->view_height, f->view_width } };
}

size_t cx_scene_picture_size(const cx_scene *s)
{
    return (size_t)s->channels * (size_t)s->frame.height *
           (size_t)s->frame.width;
}

size_t cx_scene_input_size(const cx_scene *s)
{
    return (size_t)s->channels * (size_t)s->frame.view_height *
           (size_t)s->frame.view_width;
}

/* What a channel of the network is made of: gain * (channel `from` of the
   picture, 0..1) + bias, and where it begins in a batch item. */
typedef struct link {
    double gain, bias;
    size_t from, to;
} link;

static link link_of(const cx_scene *s, int channel)
{
    link l = { .gain = 1, .from = (size_t)channel };
    int rgb = channel;
    if (s->preprocess) {
        cxai_preprocess_affine(s->preprocess, channel, &l.gain, &l.bias, &rgb);
        l.gain *= 255;
        l.from = rgb < 0 ? 0 : (size_t)rgb;
    }
    l.from *= (size_t)s->frame.height * (size_t)s->frame.width;
    l.to = (size_t)channel;
    if (!s->interleaved)
        l.to *= (size_t)s->frame.view_height * (size_t)s->frame.view_width;
    return l;
}

static cx_rows rows_of(int height, int part, int parts)
{
    return (cx_rows){ (int)((int64_t)height * part / parts),
                      (int)((int64_t)height * (part + 1) / parts) };
}

void cx_scene_show(const cx_scene *s, const cx_transform *transform,
                   int channel, int part, int parts, const cxai_real *picture,
                   cxai_real *input)
{
    link l = link_of(s, channel);
    cx_transform_forward(transform, &s->frame,
                         rows_of(s->frame.view_height, part, parts),
                         picture + l.from, input + l.to, l.gain, l.bias);
}

void cx_scene_show_adjoint(const cx_scene *s, const cx_transform *transform,
                           int channel, int part, int parts,
                           const cxai_real *dinput, cxai_real *dpicture)
{
    link l = link_of(s, channel);
    cx_transform_backward(transform, &s->frame,
                          rows_of(s->frame.height, part, parts), dinput + l.to,
                          dpicture + l.from, l.gain);
}
