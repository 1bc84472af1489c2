/* cxai kernels: what a convolution has learned. */
#include "../channels.h"
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/activations.h"
#include "cxai/file.h"

typedef struct settings {
    common_settings common;
    const char *layer, *out, *filters, *colormap;
    int shared_scale, no_labels;
    long long input_channel, columns, upscale;
} settings;

static int save_numbers(const cxai_kernels *kernels, const char *path)
{
    cxai_error error;
    if (path == NULL ||
        cxai_npy_save(path, kernels->weights.data, &kernels->weights.shape,
                      &error) == CXAI_OK)
        return EXIT_DONE;
    return complain_error(&error);
}

static int draw(const workbench *bench, const settings *s,
                const cxai_kernels *kernels, const char *path)
{
    cxai_error error;
    cxai_image picture = { 0 };
    cxai_colormap colormap = CXAI_DIVERGING;
    channel_list list;
    int failed =
        channels_parse(&list, s->filters, (int)kernels->weights.shape.dim[0]);
    cxai_tiles style = { .title = cxai_model_value_name(bench->model,
                                                        kernels->value),
                         .hide_labels = s->no_labels,
                         .columns = (int)s->columns,
                         .upscale = (int)s->upscale,
                         .shared_range = s->shared_scale };
    cxai_selection select = { list.channels, list.count };
    cxai_status status = CXAI_OK;
    if (!failed && s->colormap != NULL)
        status = cxai_colormap_find(s->colormap, &colormap, &error);
    style.colormap = colormap;
    if (!failed && status == CXAI_OK)
        status = cxai_kernels_draw(&picture, kernels, (int)s->input_channel,
                                   &select, &style, &error);
    if (!failed && status == CXAI_OK)
        status = cxai_image_save(&picture, path, &error);
    cxai_image_free(&picture);
    channels_free(&list);
    return status == CXAI_OK ? failed : complain_error(&error);
}

static int report(const workbench *bench, const settings *s,
                  const cxai_kernels *kernels, const char *path)
{
    char shape[128];
    const char *weights = cxai_model_value_name(bench->model, kernels->value);
    cxai_node node = cxai_model_node(bench->model, kernels->node);
    const char *layer = cxai_model_value_name(bench->model, node.outputs[0]);
    cxai_shape_text(&kernels->weights.shape, shape, sizeof shape);
    if (!s->common.json) {
        printf("%s: weights %s %s -> %s\n", layer, weights, shape, path);
        return EXIT_DONE;
    }
    cJSON *json = report_begin("kernels", bench);
    cJSON_AddStringToObject(json, "layer", layer);
    cJSON_AddStringToObject(json, "weights", weights);
    cJSON_AddStringToObject(json, "shape", shape);
    cJSON_AddStringToObject(json, "file", path);
    return report_end(json);
}

static int show(const workbench *bench, const settings *s)
{
    cxai_error error;
    int layer;
    char stem[256], path[4096];
    cxai_kernels kernels;
    int failed = find_layer(bench, s->layer, &layer);
    if (failed)
        return failed;
    if (cxai_kernels_find(&kernels, bench->model, layer, &error) != CXAI_OK)
        return complain_error(&error);
    safe_name(cxai_model_value_name(bench->model, layer), stem, sizeof stem);
    failed = output_path(s->out, stem, "kernels.png", path, sizeof path);
    if (!failed)
        failed = draw(bench, s, &kernels, path);
    if (!failed)
        failed = save_numbers(&kernels, s->common.npy);
    return failed ? failed : report(bench, s, &kernels, path);
}

static int run(const void *given, const char *const *operands, int count)
{
    (void)operands;
    (void)count;
    const settings *s = given;
    workbench bench;
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE)
        status = show(&bench, s);
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
    { 'o', "out", "OUT", OPTION_TEXT, AT(out), 0, 0,
      "a .png file, or a folder/; default: LAYER.kernels.png here" },
    { 0, "shared-scale", NULL, OPTION_FLAG, AT(shared_scale), 0, 0,
      "one scale for all filters" },
    { 0, "no-labels", NULL, OPTION_FLAG, AT(no_labels), 0, 0,
      "no filter numbers on the tiles" },
    { 0, "colormap", "NAME", OPTION_TEXT, AT(colormap), 0, 0,
      "see cxai help heatmap (diverging)" },
    { 0, "columns", "N", OPTION_INTEGER, AT(columns), 1, 10000,
      "tiles in a row" },
    { 0, "upscale", "N", OPTION_INTEGER, AT(upscale), 1, 64,
      "pixels for each weight" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_kernels = {
    .name = "kernels",
    .operands = "",
    .summary = "draw a convolution's weights",
    .description =
        "Draws each filter as a tile: in colour where it looks at 3 channels,\n"
        "else on a signed scale. --npy holds the weights as stored.",
    .examples = "  cxai kernels -l stem -o stem.png\n"
                "  cxai kernels -l b01.dw --no-labels -o b01.png\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
