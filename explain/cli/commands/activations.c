/* cxai activations: what a layer sees in a picture. */
#include "../channels.h"
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>

#include "cxai/activations.h"

typedef struct settings {
    common_settings common;
    const char *layer, *out, *channels, *colormap;
    int shared_scale, no_labels, statistics, by_maximum;
    long long top, columns, upscale;
} settings;

typedef struct observer {
    const workbench *bench;
    const settings *settings;
    int layer;
    cxai_colormap colormap;
    cxai_strength order;
    stack numbers;
    cJSON *results;
} observer;

static cJSON *channel_report(int channel,
                             const cxai_channel_statistics *statistics)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "channel", channel);
    cJSON_AddNumberToObject(json, "mean", statistics->mean);
    cJSON_AddNumberToObject(json, "minimum", statistics->minimum);
    cJSON_AddNumberToObject(json, "maximum", statistics->maximum);
    cJSON_AddNumberToObject(json, "deviation", statistics->deviation);
    cJSON_AddNumberToObject(json, "zeros", statistics->zeros);
    cJSON_AddBoolToObject(json, "dead", statistics->dead);
    return json;
}

static void report(observer *o, const input *in, const char *file,
                   const cxai_activations *activations,
                   const cxai_channel_statistics *statistics,
                   const channel_list *shown)
{
    char shape[128];
    int channels = (int)activations->shape.dim[1], dead = 0;
    for (int c = 0; c < channels; c++)
        dead += statistics[c].dead;
    const char *layer = cxai_model_value_name(o->bench->model, o->layer);
    cxai_shape_text(&activations->shape, shape, sizeof shape);
    if (!o->settings->common.json) {
        printf("%s: %s %s, %d of %d channels dead -> %s\n", in->path, layer,
               shape, dead, channels, file);
        if (o->settings->statistics)
            printf("%9s %11s %11s %11s %11s %6s\n", "channel", "mean",
                   "minimum", "maximum", "deviation", "zeros");
        for (int i = 0; o->settings->statistics && i < shown->count; i++) {
            const cxai_channel_statistics *s = &statistics[shown->channels[i]];
            printf("%9d %11.5g %11.5g %11.5g %11.5g %5.1f%%\n",
                   shown->channels[i], s->mean, s->minimum, s->maximum,
                   s->deviation, 100 * s->zeros);
        }
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "image", in->path);
    cJSON_AddStringToObject(json, "layer", layer);
    cJSON_AddStringToObject(json, "shape", shape);
    cJSON_AddNumberToObject(json, "dead_channels", dead);
    cJSON_AddStringToObject(json, "file", file);
    cJSON *list = cJSON_AddArrayToObject(json, "channels");
    for (int i = 0; i < shown->count; i++)
        cJSON_AddItemToArray(list,
                             channel_report(shown->channels[i],
                                            &statistics[shown->channels[i]]));
    cJSON_AddItemToArray(o->results, json);
}

/* The channels to draw: a list, the strongest, or all. */
static int choose(const observer *o, const cxai_channel_statistics *statistics,
                  int channels, channel_list *list)
{
    int failed = channels_parse(list, o->settings->channels, channels);
    if (failed || o->settings->top == 0)
        return failed;
    list->count = cxai_activations_top(statistics, channels, o->order,
                                       (int)o->settings->top, list->channels);
    return EXIT_DONE;
}

static int draw(const observer *o, const input *in,
                const cxai_activations *activations, const channel_list *list,
                char *path, size_t size)
{
    const settings *s = o->settings;
    char stem[256], layer[128], suffix[256], title[600];
    const char *name = cxai_model_value_name(o->bench->model, o->layer);
    stem_of(in->path, stem, sizeof stem);
    safe_name(name, layer, sizeof layer);
    snprintf(suffix, sizeof suffix, "activations.%s.png", layer);
    snprintf(title, sizeof title, "%s of %s", name, stem);
    int failed = output_path(s->out, stem, suffix, path, size);
    if (failed)
        return failed;
    cxai_error error;
    cxai_image picture;
    cxai_tiles style = { .title = title,
                         .hide_labels = s->no_labels,
                         .columns = (int)s->columns,
                         .upscale = (int)s->upscale,
                         .colormap = o->colormap,
                         .shared_range = s->shared_scale };
    cxai_selection select = { list->channels, list->count };
    cxai_status status = cxai_activations_draw(&picture, activations, 0,
                                               &select, &style, &error);
    if (status == CXAI_OK)
        status = cxai_image_save(&picture, path, &error);
    cxai_image_free(&picture);
    return status == CXAI_OK ? EXIT_DONE : complain_error(&error);
}

static int show(observer *o, const input *in,
                const cxai_activations *activations)
{
    int channels = (int)activations->shape.dim[1];
    char path[4096];
    channel_list list = { 0 };
    cxai_channel_statistics *statistics =
        calloc((size_t)channels + 1, sizeof *statistics);
    if (statistics == NULL)
        return complain("out of memory");
    cxai_activations_statistics(activations, statistics);
    int failed = choose(o, statistics, channels, &list);
    if (!failed)
        failed = draw(o, in, activations, &list, path, sizeof path);
    if (!failed)
        report(o, in, path, activations, statistics, &list);
    channels_free(&list);
    free(statistics);
    return failed;
}

static int observe(observer *o, const char *path)
{
    cxai_error error;
    input in;
    cxai_activations activations = { 0 };
    int failed = input_open(&in, o->bench, path);
    if (failed)
        return failed;
    cxai_status status = cxai_activations_compute(
        &activations, o->bench->model, o->layer, in.tensor, &in.shape,
        (int)o->settings->common.threads, 0, &error);
    if (status != CXAI_OK)
        failed = complain("%s: %s", path, error.message);
    else
        failed = show(o, &in, &activations);
    if (!failed) {
        cxai_shape item = activations.shape;
        item.rank--;
        for (int d = 0; d < item.rank; d++)
            item.dim[d] = activations.shape.dim[d + 1];
        failed = stack_add(&o->numbers, activations.data, &item,
                           activations.shape.dim[0]);
    }
    cxai_activations_free(&activations);
    input_close(&in);
    return failed;
}

static int prepare(observer *o)
{
    const settings *s = o->settings;
    cxai_error error;
    if (s->colormap != NULL &&
        cxai_colormap_find(s->colormap, &o->colormap, &error) != CXAI_OK)
        return complain_error(&error);
    return find_layer(o->bench, s->layer, &o->layer);
}

static int run_all(observer *o, const char *const *operands, int count)
{
    int status = EXIT_DONE;
    for (int i = 0; i < count; i++) {
        int one = observe(o, operands[i]);
        status = one != EXIT_DONE ? one : status;
    }
    int saved = stack_save(&o->numbers, o->settings->common.npy);
    status = saved != EXIT_DONE ? saved : status;
    if (!o->settings->common.json)
        return status;
    cJSON *json = report_begin("activations", o->bench);
    cJSON_AddItemToObject(json, "results", o->results);
    o->results = NULL;
    int reported = report_end(json);
    return reported != EXIT_DONE ? reported : status;
}

static int run(const void *given, const char *const *operands, int count)
{
    const settings *s = given;
    if (count > 1 && s->out != NULL && !is_folder(s->out)) {
        complain("several images need a folder for -o: %s/", s->out);
        return EXIT_USAGE;
    }
    workbench bench;
    observer o = { .bench = &bench,
                   .settings = s,
                   .colormap = CXAI_VIRIDIS,
                   .order = s->by_maximum ? CXAI_BY_MAXIMUM : CXAI_BY_MEAN };
    o.results = cJSON_CreateArray();
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE)
        status = prepare(&o);
    if (status == EXIT_DONE)
        status = run_all(&o, operands, count);
    cJSON_Delete(o.results);
    workbench_close(&bench);
    return status;
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(layer), 0, 0,
      "as cxai summary names it; default: the CAM layer" },
    { 'c', "channels", "LIST", OPTION_TEXT, AT(channels), 0, 0,
      "draw these: 3,17,40..47; default: all" },
    { 'k', "top", "K", OPTION_INTEGER, AT(top), 1, 1000000,
      "draw the K strongest channels, strongest first" },
    { 0, "by-max", NULL, OPTION_FLAG, AT(by_maximum), 0, 0,
      "strongest by maximum instead of mean" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(out), 0, 0,
      "a .png file, or a folder/; default:\n"
      "IMAGE.activations.LAYER.png here" },
    { 0, "shared-scale", NULL, OPTION_FLAG, AT(shared_scale), 0, 0,
      "one scale for all tiles, with a colour bar" },
    { 0, "no-labels", NULL, OPTION_FLAG, AT(no_labels), 0, 0,
      "no channel numbers on the tiles" },
    { 0, "colormap", "NAME", OPTION_TEXT, AT(colormap), 0, 0,
      "viridis and others, see cxai help heatmap (viridis)" },
    { 0, "columns", "N", OPTION_INTEGER, AT(columns), 1, 10000,
      "tiles in a row" },
    { 0, "upscale", "N", OPTION_INTEGER, AT(upscale), 1, 64,
      "pixels for each element" },
    { 0, "statistics", NULL, OPTION_FLAG, AT(statistics), 0, 0,
      "print mean, minimum, maximum, deviation and share of zeros" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_activations = {
    .name = "activations",
    .operands = "IMAGE...",
    .least_operands = 1,
    .most_operands = -1,
    .summary = "draw what a layer sees in a picture",
    .description =
        "Draws a layer's feature maps as tiles, with statistics of every\n"
        "channel in --json or with --statistics. --npy holds the numbers\n"
        "(N,C,H,W).",
    .examples =
        "  cxai activations data/dog.jpg -l stem -o stem.png\n"
        "  cxai activations data/dog.jpg -l head --top 16 --statistics\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .run = run,
};
