/* cxai activations: what a layer sees in a picture. */
#include "../batch.h"
#include "../channels.h"
#include "../finite.h"
#include "../layers.h"
#include "../tiles.h"

#include <stdio.h>
#include <stdlib.h>

#include "cxai/activations.h"

typedef struct settings {
    common_settings common;
    tile_settings tiles;
    const char *layer, *channels;
    int all, statistics, by_maximum;
    long long top;
} settings;

typedef struct observer {
    const settings *settings;
    layer_list layers;
    cxai_tiles style;
    cxai_strength order;
} observer;

/* What a layer answered to a picture. */
typedef struct observation {
    const input *in;
    int64_t row;
    const char *layer;
    cxai_activations activations; /* of this row, borrowed */
    int channels;
    cxai_channel_statistics *statistics; /* of every channel */
    channel_list shown;                  /* those to draw */
} observation;

static void print_statistics(const observation *seen)
{
    say("%9s %11s %11s %11s %11s %6s\n", "channel", "mean", "minimum",
        "maximum", "deviation", "zeros");
    for (int i = 0; i < seen->shown.count; i++) {
        int channel = seen->shown.channels[i];
        const cxai_channel_statistics *s = &seen->statistics[channel];
        say("%9d %11.5g %11.5g %11.5g %11.5g %5.1f%%\n", channel,
            shown(s->mean), shown(s->minimum), shown(s->maximum),
            shown(s->deviation), 100 * s->zeros);
    }
}

static void report_channel(json *report, int channel,
                           const cxai_channel_statistics *statistics)
{
    json_object(report, NULL);
    json_number(report, "channel", channel);
    json_number(report, "mean", statistics->mean);
    json_number(report, "minimum", statistics->minimum);
    json_number(report, "maximum", statistics->maximum);
    json_number(report, "deviation", statistics->deviation);
    json_number(report, "zeros", statistics->zeros);
    json_truth(report, "dead", statistics->dead);
    json_end(report);
}

static void report(const observer *o, batch *b, const observation *seen,
                   const char *file)
{
    char shape[128];
    int dead = 0;
    for (int c = 0; c < seen->channels; c++)
        dead += seen->statistics[c].dead;
    cxai_shape_text(&seen->activations.shape, shape, sizeof shape);
    if (!b->settings->json)
        say("%s%s: %s %s, %d of %d channels dead -> %s\n", seen->in->path,
            seen->in->note, seen->layer, shape, dead, seen->channels, file);
    if (!b->settings->json && o->settings->statistics)
        print_statistics(seen);
    json_object(&b->report, NULL);
    json_text(&b->report, "image", seen->in->path);
    json_number(&b->report, "row", (double)seen->row);
    input_report(&b->report, seen->in, seen->row);
    json_text(&b->report, "layer", seen->layer);
    json_text(&b->report, "shape", shape);
    json_number(&b->report, "dead_channels", dead);
    json_text(&b->report, "file", file);
    json_array(&b->report, "channels");
    for (int i = 0; i < seen->shown.count; i++) {
        int channel = seen->shown.channels[i];
        report_channel(&b->report, channel, &seen->statistics[channel]);
    }
    json_end(&b->report);
    json_end(&b->report);
}

/* Statistics of all channels, and the channels to draw: a list, the strongest,
   or all. */
static cxai_status examine(const observer *o, observation *seen,
                           cxai_error *error)
{
    seen->channels = (int)seen->activations.shape.dim[1];
    seen->statistics =
        calloc((size_t)seen->channels + 1, sizeof *seen->statistics);
    if (seen->statistics == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for statistics");
    cxai_activations_statistics(&seen->activations, seen->statistics);
    cxai_status status = channels_parse(&seen->shown, o->settings->channels,
                                        seen->channels, error);
    if (status == CXAI_OK && o->settings->top > 0)
        seen->shown.count =
            cxai_activations_top(seen->statistics, seen->channels, o->order,
                                 (int)o->settings->top, seen->shown.channels);
    return status;
}

static cxai_status draw(const observer *o, batch *b, const observation *seen,
                        const char *name, cxai_error *error)
{
    char title[600];
    cxai_image picture;
    cxai_tiles style = o->style;
    cxai_selection select = { seen->shown.channels, seen->shown.count };
    snprintf(title, sizeof title, "%s of %s", seen->layer, seen->in->stem);
    style.title = title;
    cxai_status status = outputs_next(&b->outputs, name, ".png", error);
    if (status != CXAI_OK)
        return status;
    status = cxai_activations_draw(&picture, &seen->activations, 0, &select,
                                   &style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&picture, b->outputs.path, error);
    cxai_image_free(&picture);
    return status;
}

/* Draws, stacks and reports. */
static cxai_status deliver(const observer *o, batch *b, const observation *seen,
                           cxai_error *error)
{
    char name[NAME_WHOLE], stem[INPUT_STEM];
    output_subject subject = { .image = seen->in->path,
                               .row = input_row_number(seen->in, seen->row),
                               .layer = seen->layer };
    cxai_shape item = seen->activations.shape;
    item.rank--;
    for (int d = 0; d < item.rank; d++)
        item.dim[d] = seen->activations.shape.dim[d + 1];
    input_row_stem(seen->in, seen->row, stem);
    join_name(name, stem, "activations", seen->layer);
    cxai_status status = draw(o, b, seen, name, error);
    if (status != CXAI_OK)
        return status;
    outputs_note(&b->outputs, &subject);
    status = numbers_add(&b->numbers, seen->activations.data, &item, 1, name,
                         &subject, error);
    if (status == CXAI_OK)
        report(o, b, seen, b->outputs.path);
    return status;
}

/* One layer's answer, picture by picture. */
static cxai_status show(const observer *o, batch *b, const input *in, int layer,
                        const cxai_activations *activations, cxai_error *error)
{
    int64_t rows = in->shape.dim[0];
    int64_t count = cxai_shape_count(&activations->shape);
    cxai_status status = CXAI_OK;
    if (activations->shape.dim[0] != rows)
        rows = 1; /* the network mixes the pictures of a batch */
    for (int64_t row = 0; status == CXAI_OK && row < rows; row++) {
        observation seen = {
            .in = in,
            .row = row,
            .layer = cxai_model_value_name(b->bench.model, layer),
            .activations = { activations->shape,
                             activations->data + row * (count / rows) },
        };
        seen.activations.shape.dim[0] /= rows;
        status = examine(o, &seen, error);
        if (status == CXAI_OK)
            status = deliver(o, b, &seen, error);
        channels_free(&seen.shown);
        free(seen.statistics);
    }
    if (status == CXAI_OK && !all_finite(activations->data, count) &&
        !is_masked(b, in, layer, activations->data, count))
        not_finite(b, in, in->tensor, &in->shape, layer);
    return status;
}

static cxai_status observe(batch *b, const input *in, void *payload,
                           cxai_error *error)
{
    const observer *o = payload;
    int count = o->layers.count;
    cxai_activations *activations = calloc((size_t)count, sizeof *activations);
    if (activations == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d layers",
                         count);
    cxai_status status = cxai_activations_compute_layers(
        activations, b->bench.model, o->layers.values, count, in->tensor,
        &in->shape, (int)b->settings->threads, 0, error);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        status = show(o, b, in, o->layers.values[i], &activations[i], error);
    for (int i = 0; i < count; i++)
        cxai_activations_free(&activations[i]);
    free(activations);
    return status;
}

static int prepare(observer *o, batch *b)
{
    const settings *s = o->settings;
    cxai_error error;
    cxai_status status = tile_style(&o->style, &s->tiles, CXAI_VIRIDIS, &error);
    if (status == CXAI_OK)
        status = s->all ? layers_all(&o->layers, &b->bench, &error)
                        : layers_find(&o->layers, &b->bench, s->layer, &error);
    if (status != CXAI_OK)
        return complain_error(&error);
    if (o->layers.count > 1 && s->common.out != NULL && !b->outputs.is_folder) {
        complain("several layers need a folder for -o: %s/", s->common.out);
        return EXIT_USAGE;
    }
    if (o->layers.count > 1 && s->common.npy != NULL &&
        !b->numbers.files.is_folder) {
        complain("several layers need a folder for --npy: %s/", s->common.npy);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int run(const void *given, const char *const *operands, int count)
{
    const settings *s = given;
    observer o = { .settings = s,
                   .order = s->by_maximum ? CXAI_BY_MAXIMUM : CXAI_BY_MEAN };
    batch b;
    int status = batch_open(&b, "activations", &s->common, operands, count);
    if (status == EXIT_DONE)
        status = prepare(&o, &b);
    if (status == EXIT_DONE)
        status = batch_run(&b, observe, &o);
    layers_free(&o.layers);
    batch_close(&b);
    return status;
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(layer), 0, 0,
      "as cxai summary names it, several joined by commas;\n"
      "default: the CAM layer" },
    { 0, "all", NULL, OPTION_FLAG, AT(all), 0, 0,
      "every layer that has channels" },
    { 'c', "channels", "LIST", OPTION_TEXT, AT(channels), 0, 0,
      "draw these: 3,17,40..47; default: all" },
    { 'k', "top", "K", OPTION_INTEGER, AT(top), 1, 1000000,
      "draw the K strongest channels, strongest first" },
    { 0, "by-max", NULL, OPTION_FLAG, AT(by_maximum), 0, 0,
      "strongest by maximum instead of mean" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(common.out), 0, 0,
      "a .png file, or a folder/; default:\n"
      "IMAGE.activations.LAYER.png here" },
    { 0, "statistics", NULL, OPTION_FLAG, AT(statistics), 0, 0,
      "print mean, minimum, maximum, deviation and share of zeros" },
};

static const option_list own_options = OPTION_LIST(specs);
static const option_list tile_options = { tile_specs, TILE_OPTIONS, AT(tiles) };

const command command_activations = {
    .name = "activations",
    .operands = "IMAGE...",
    .most_operands = -1,
    .summary = "draw what a layer sees in a picture",
    .description =
        "Draws a layer's feature maps as tiles, with statistics of every\n"
        "channel in --json or with --statistics. --npy holds the numbers\n"
        "(N,C,H,W); where it is a folder/, a file for each picture and layer.",
    .examples =
        "  cxai activations data/dog.jpg -l stem -o stem.png\n"
        "  cxai activations data/dog.jpg -l head --top 16 --statistics\n"
        "  cxai activations data/dog.jpg --all -o layers/ --npy layers/\n",
    .options = { &own_options, &tile_options, &image_options, &model_options,
                 &preprocess_options },
    .settings_size = sizeof(settings),
    .run = run,
};
