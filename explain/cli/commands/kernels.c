/* cxai kernels: what a convolution has learned. */
#include "../channels.h"
#include "../common.h"
#include "../output.h"
#include "../tiles.h"

#include <stdio.h>

#include "cxai/activations.h"

typedef struct settings {
    common_settings common;
    tile_settings tiles;
    const char *layer, *filters;
    long long input_channel;
} settings;

static cxai_status draw(const workbench *bench, const settings *s,
                        const cxai_kernels *kernels, const char *path,
                        cxai_error *error)
{
    cxai_image picture = { 0 };
    cxai_tiles style;
    channel_list list;
    cxai_status status = channels_parse(
        &list, s->filters, (int)kernels->weights.shape.dim[0], error);
    cxai_selection select = { list.channels, list.count };
    if (status == CXAI_OK)
        status = tile_style(&style, &s->tiles, CXAI_DIVERGING, error);
    style.title = cxai_model_value_name(bench->model, kernels->value);
    if (status == CXAI_OK)
        status = cxai_kernels_draw(&picture, kernels, (int)s->input_channel,
                                   &select, &style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&picture, path, error);
    cxai_image_free(&picture);
    channels_free(&list);
    return status;
}

static cxai_status report(workbench *bench, const settings *s,
                          const cxai_kernels *kernels, const char *layer,
                          const char *path, cxai_error *error)
{
    char shape[128];
    json j = { 0 };
    const char *weights = cxai_model_value_name(bench->model, kernels->value);
    cxai_shape_text(&kernels->weights.shape, shape, sizeof shape);
    if (!s->common.json)
        say("%s: weights %s %s -> %s\n", layer, weights, shape, path);
    report_begin(&j, "kernels", bench, s->common.json);
    json_text(&j, "layer", layer);
    json_text(&j, "weights", weights);
    json_text(&j, "shape", shape);
    json_text(&j, "file", path);
    return report_end(&j, bench, s->common.json, error);
}

static cxai_status deliver(workbench *bench, const settings *s,
                           const cxai_kernels *kernels, outputs *files,
                           cxai_error *error)
{
    char stem[NAME_PART], name[NAME_WHOLE];
    cxai_node node = cxai_model_node(bench->model, kernels->node);
    const char *layer = cxai_model_value_name(bench->model, node.outputs[0]);
    output_subject subject = { .row = -1, .layer = layer };
    safe_name(layer, stem, sizeof stem);
    snprintf(name, sizeof name, "%s.kernels", stem);
    cxai_status status = outputs_next(files, name, ".png", error);
    if (status == CXAI_OK)
        status = draw(bench, s, kernels, files->path, error);
    if (status != CXAI_OK)
        return status;
    outputs_note(files, &subject);
    status = numbers_write(s->common.npy, kernels->weights.data,
                           &kernels->weights.shape, name, &subject, error);
    if (status == CXAI_OK)
        status = outputs_finish(files, error);
    return status == CXAI_OK
               ? report(bench, s, kernels, layer, files->path, error)
               : status;
}

static cxai_status show(workbench *bench, const settings *s, cxai_error *error)
{
    int layer;
    outputs files;
    cxai_kernels kernels;
    cxai_status status = find_layer(bench, s->layer, &layer, error);
    if (status == CXAI_OK)
        status = cxai_kernels_find(&kernels, bench->model, layer, error);
    if (status != CXAI_OK)
        return status;
    status = outputs_open(&files, s->common.out, error);
    if (status == CXAI_OK)
        status = deliver(bench, s, &kernels, &files, error);
    outputs_free(&files);
    return status;
}

static int run(const void *given, const char *const *operands, int count)
{
    (void)operands;
    (void)count;
    const settings *s = given;
    workbench bench;
    cxai_error error;
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE && show(&bench, s, &error) != CXAI_OK)
        status = complain_error(&error);
    workbench_close(&bench);
    return status;
}

static void defaults(void *given)
{
    ((settings *)given)->input_channel = CXAI_KERNELS_MEAN;
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(layer), 0, 0,
      "a convolution, or a layer made by one; default: the CAM layer" },
    { 'c', "filters", "LIST", OPTION_TEXT, AT(filters), 0, 0,
      "draw these: 3,17,40..47; default: all" },
    { 0, "input-channel", "N", OPTION_INTEGER, AT(input_channel), 0, 1000000,
      "of filters over other than 3 channels; default: their mean" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(common.out), 0, 0,
      "a .png file, or a folder/; default: LAYER.kernels.png here" },
};

static const option_list own_options = OPTION_LIST(specs);
static const option_list tile_options = { tile_specs, TILE_OPTIONS, AT(tiles) };

const command command_kernels = {
    .name = "kernels",
    .operands = "",
    .summary = "draw a convolution's weights",
    .description =
        "Draws each filter as a tile: in colour where it looks at 3 channels,\n"
        "else on a signed scale. --npy holds the weights as stored.",
    .examples = "  cxai kernels -l stem -o stem.png\n"
                "  cxai kernels -l b01.dw --no-labels -o b01.png\n",
    .options = { &own_options, &tile_options, &model_options,
                 &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
