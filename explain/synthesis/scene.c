#include "scene.h"

#define DEFAULT_SIDE 224
#define MAX_SIDE 2048
#define MAX_CHANNELS 64

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
    if (channels < 0 || channels > MAX_CHANNELS ||
        (preprocess && channels && channels != usual))
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: the model's input has %lld channels, "
                         "pictures have %d",
                         (long long)channels, usual);
    scene->channels = channels ? (int)channels : usual;
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

/* The frame of a view that lies as the network's input does. */
static cx_frame frame_of(const cx_scene *s, const cxai_tensor *input)
{
    cx_frame frame = s->frame;
    int row = s->interleaved ? 1 : 2;
    frame.line = input->stride[row];
    frame.step = input->stride[row + 1];
    return frame;
}

/* All channels of picture n of the network's input, or of gradients there:
   what each is made of. */
static void list_channels(const cx_scene *s, cxai_real *picture,
                          const cxai_tensor *input, int n, cx_channel *channels)
{
    size_t plane = (size_t)s->frame.height * (size_t)s->frame.width;
    int64_t apart = input->stride[s->interleaved ? 3 : 1];
    for (int k = 0; k < s->channels; k++) {
        double gain = 1, bias = 0;
        int rgb = k;
        if (s->preprocess) {
            cxai_preprocess_affine(s->preprocess, k, &gain, &bias, &rgb);
            gain *= 255;
            rgb = rgb < 0 ? 0 : rgb;
        }
        channels[k] = (cx_channel){
            .picture = picture + (size_t)rgb * plane,
            .view = input->data + n * input->stride[0] + k * apart,
            .gain = (cxai_real)gain,
            .bias = (cxai_real)bias,
        };
    }
}

static cx_rows rows_of(int height, int part, int parts)
{
    return (cx_rows){ (int)((int64_t)height * part / parts),
                      (int)((int64_t)height * (part + 1) / parts) };
}

void cx_scene_show(const cx_scene *s, const cx_transform *transform, int part,
                   int parts, cxai_real *picture, const cxai_tensor *input,
                   int n)
{
    cx_channel channels[MAX_CHANNELS];
    cx_frame frame = frame_of(s, input);
    list_channels(s, picture, input, n, channels);
    cx_transform_forward(transform, &frame,
                         rows_of(frame.view_height, part, parts), channels,
                         s->channels);
}

void cx_scene_show_adjoint(const cx_scene *s, const cx_transform *transform,
                           int part, int parts, const cxai_tensor *dinput,
                           int n, cxai_real *dpicture)
{
    cx_channel channels[MAX_CHANNELS];
    cx_frame frame = frame_of(s, dinput);
    list_channels(s, dpicture, dinput, n, channels);
    cx_transform_backward(transform, &frame, rows_of(frame.height, part, parts),
                          channels, s->channels);
}
