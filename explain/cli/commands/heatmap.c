/* cxai heatmap: where in a picture a decision comes from. */
#include "../heat.h"
#include "../progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    common_settings common;
    const char *method, *target, *layer, *out, *colormap, *sign;
    int list, raw, side_by_side, colorbar;
    double alpha, noise;
    long long steps, samples, seed, batch;
} settings;

typedef struct heater {
    const workbench *bench;
    const settings *settings;
    const cxai_heatmap_method *method;
    cxai_heatmap_options options;
    heat_style style;
    stack numbers;
    cJSON *results;
} heater;

static const char *const state_texts[] = {
    "",
    "; empty: nothing speaks for the target",
    "; flat: no place stands out",
    "; not finite",
};

static const char *const state_names[] = { "ok", "empty", "flat",
                                           "not finite" };

static int list_methods(void)
{
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        const cxai_heatmap_method *m = cxai_heatmap_table[i];
        printf("%-22s %-9s %s\n%-32s %s; %s\n", m->name, m->family, m->summary,
               "", m->cost, m->paper);
    }
    return EXIT_DONE;
}

/* The label of a class target, else the text it was asked for by. */
static const char *target_name(const heater *h, const cxai_target *target)
{
    const char *name = NULL;
    if (target->value == cxai_model_logits(h->bench->model))
        name = class_name(h->bench, target->channel);
    return name != NULL ? name : target->text;
}

static void report(heater *h, const input *in, int64_t row,
                   const cxai_heatmap *map, const char *file, double seconds)
{
    const cxai_model *model = h->bench->model;
    const char *name = target_name(h, &map->target);
    if (!h->settings->common.json) {
        printf("%s: %s (%lld), score %.4f", in->path, name,
               (long long)map->target.channel, map->score);
        if (!isnan(map->probability))
            printf(", probability %.4f", map->probability);
        if (!isnan(map->delta))
            printf(", completeness error %.2g", map->delta);
        printf("%s%s%s\n", state_texts[map->state], *file ? " -> " : "", file);
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "image", in->path);
    cJSON_AddNumberToObject(json, "row", (double)row);
    cJSON_AddStringToObject(json, "method", h->method->name);
    if (map->layer >= 0)
        cJSON_AddStringToObject(json, "layer",
                                cxai_model_value_name(model, map->layer));
    cJSON_AddStringToObject(json, "target", map->target.text);
    cJSON_AddStringToObject(json, "value",
                            cxai_model_value_name(model, map->target.value));
    cJSON_AddNumberToObject(json, "class", (double)map->target.channel);
    cJSON_AddStringToObject(json, "label", name);
    cJSON_AddNumberToObject(json, "score", map->score);
    cJSON_AddNumberToObject(json, "probability", map->probability);
    cJSON_AddNumberToObject(json, "completeness_error", map->delta);
    cJSON_AddStringToObject(json, "state", state_names[map->state]);
    if (*file)
        cJSON_AddStringToObject(json, "file", file);
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddItemToArray(h->results, json);
}

/* Where a picture of one or of all targets goes. */
static int picture_path(const heater *h, const input *in, int64_t row,
                        const char *label, char *path, size_t size)
{
    char stem[256], safe[96], suffix[256];
    stem_of(in->path, stem, sizeof stem - 24);
    if (in->shape.dim[0] > 1)
        snprintf(stem + strlen(stem), 24, ".%lld", (long long)row);
    safe_name(label, safe, sizeof safe);
    snprintf(suffix, sizeof suffix, "%s.%s.png", h->method->name, safe);
    return output_path(h->settings->out, stem, suffix, path, size);
}

static cxai_status save_one(const heater *h, const cxai_image *photo,
                            const cxai_geometry *geometry,
                            const cxai_heatmap *map, const char *path,
                            cxai_error *error)
{
    cxai_image picture;
    cxai_status status =
        heat_draw(&picture, photo, geometry, map, &h->style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&picture, path, error);
    cxai_image_free(&picture);
    return status;
}

/* All targets in one picture, each under its name. */
static cxai_status save_together(const heater *h, const cxai_image *photo,
                                 const cxai_geometry *geometry,
                                 const cxai_heatmap *maps, int count,
                                 const char *path, cxai_error *error)
{
    cxai_image grid = { 0 };
    cxai_image *pictures = calloc((size_t)count, sizeof *pictures);
    const char **names = calloc((size_t)count, sizeof *names);
    cxai_status status = CXAI_OK;
    if (pictures == NULL || names == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    for (int i = 0; status == CXAI_OK && i < count; i++) {
        names[i] = target_name(h, &maps[i].target);
        status = heat_draw(&pictures[i], photo, geometry, &maps[i], &h->style,
                           error);
    }
    cxai_tiles style = { .labels = names };
    if (status == CXAI_OK)
        status = cxai_tiles_images(&grid, pictures, count, &style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&grid, path, error);
    cxai_image_free(&grid);
    for (int i = 0; pictures != NULL && i < count; i++)
        cxai_image_free(&pictures[i]);
    free(pictures);
    free(names);
    return status;
}

/* Draws, stacks and reports the heatmaps of one row. */
static int deliver(heater *h, const input *in, int64_t row,
                   const cxai_heatmap *maps, int count, double seconds)
{
    cxai_error error;
    cxai_image photo;
    cxai_geometry geometry;
    char path[4096] = "";
    int together =
        count > 1 && h->settings->out != NULL && !is_folder(h->settings->out);
    int failed = EXIT_DONE;
    cxai_status status =
        heat_photo(&photo, &geometry, in, h->bench, row, &error);
    if (status == CXAI_OK && together && !h->settings->raw) {
        failed = picture_path(h, in, row, "targets", path, sizeof path);
        if (!failed)
            status =
                save_together(h, &photo, &geometry, maps, count, path, &error);
    }
    for (int i = 0; !failed && status == CXAI_OK && i < count; i++) {
        if (!together && !h->settings->raw) {
            failed = picture_path(h, in, row, target_name(h, &maps[i].target),
                                  path, sizeof path);
            if (!failed)
                status = save_one(h, &photo, &geometry, &maps[i], path, &error);
        }
        if (!failed && status == CXAI_OK)
            failed = stack_add(&h->numbers, maps[i].data, &maps[i].shape, 1);
        if (!failed && status == CXAI_OK)
            report(h, in, row, &maps[i], path, seconds);
    }
    cxai_image_free(&photo);
    return status != CXAI_OK ? complain("%s: %s", in->path, error.message)
                             : failed;
}

static int explain_row(heater *h, const input *in, int64_t row)
{
    cxai_error error;
    cxai_target *targets = NULL;
    cxai_heatmap *maps = NULL;
    int count = 0, failed = EXIT_FAILED;
    const workbench *bench = h->bench;
    const cxai_real *tensor =
        in->tensor + row * cxai_shape_count(&bench->input_shape);
    cxai_status status =
        cxai_target_parse_list(&targets, &count, bench->model, bench->shapes,
                               bench->labels, h->settings->target, &error);
    if (status == CXAI_OK) {
        maps = calloc((size_t)count, sizeof *maps);
        if (maps == NULL)
            status = cxai_fail(&error, CXAI_NO_MEMORY, "out of memory");
    }
    double start = seconds_now();
    if (status == CXAI_OK)
        status = cxai_heatmap_compute(maps, h->method, bench->model,
                                      &bench->input_shape, tensor, targets,
                                      count, &h->options, &error);
    progress_end();
    if (status == CXAI_OK)
        failed = deliver(h, in, row, maps, count, seconds_now() - start);
    else
        complain("%s: %s", in->path, error.message);
    for (int i = 0; maps != NULL && i < count; i++)
        cxai_heatmap_clear(&maps[i]);
    free(maps);
    free(targets);
    return failed;
}

static int explain(heater *h, const char *path)
{
    input in;
    int status = input_open(&in, h->bench, path);
    for (int64_t row = 0; status == EXIT_DONE && row < in.shape.dim[0]; row++)
        status = explain_row(h, &in, row);
    input_close(&in);
    return status;
}

static cxai_status find_style(heater *h, cxai_error *error)
{
    const settings *s = h->settings;
    static const char *const signs[] = { "all", "positive", "absolute" };
    cxai_status status = cxai_heatmap_find(&h->method, s->method, error);
    if (status != CXAI_OK)
        return status;
    h->style = (heat_style){ .alpha = s->alpha,
                             .side_by_side = s->side_by_side,
                             .colorbar = s->colorbar };
    int sign = 0;
    while (sign < 3 && strcmp(signs[sign], s->sign) != 0)
        sign++;
    if (sign == 3)
        return cxai_fail(error, CXAI_INVALID,
                         "--sign takes all, positive or absolute, not \"%s\"",
                         s->sign);
    h->style.sign = (cxai_heatmap_sign)sign;
    int is_signed = h->method->kind == CXAI_HEATMAP_ATTRIBUTION && sign == 0;
    h->style.colormap = is_signed ? CXAI_DIVERGING : CXAI_TURBO;
    if (s->alpha < 0) /* single pixels need more than soft blobs to be seen */
        h->style.alpha = h->method->kind == CXAI_HEATMAP_MAP ? 0.5 : 0.8;
    if (s->colormap != NULL)
        status = cxai_colormap_find(s->colormap, &h->style.colormap, error);
    return status;
}

/* The layer that was asked for. One without positions would make a map without
   places: it is a mistake, not a wish. */
static int choose_layer(heater *h)
{
    int failed = find_layer(h->bench, h->settings->layer, &h->options.layer);
    if (failed)
        return failed;
    const cxai_shape *shape = &h->bench->shapes[h->options.layer];
    if (h->method->needs & CXAI_NEEDS_LAYER && shape->rank == 4 &&
        shape->dim[2] * shape->dim[3] == 1)
        return complain("layer \"%s\" has no positions left: take a layer "
                        "before the pooling",
                        h->settings->layer);
    return EXIT_DONE;
}

static int find_options(heater *h)
{
    const settings *s = h->settings;
    h->options = cxai_heatmap_defaults();
    h->options.raw = s->raw;
    h->options.channels_last = h->bench->preprocess.layout == CXAI_NHWC;
    h->options.steps = (int)s->steps;
    h->options.samples = (int)s->samples;
    h->options.noise = s->noise;
    h->options.seed = (uint64_t)s->seed;
    h->options.batch = (int)s->batch;
    h->options.threads = (int)s->common.threads;
    h->options.progress = progress_function(s->common.quiet);
    return s->layer != NULL ? choose_layer(h) : EXIT_DONE;
}

static int run_all(heater *h, const char *const *operands, int count)
{
    const settings *s = h->settings;
    int status = EXIT_DONE;
    for (int i = 0; i < count; i++) {
        int one = explain(h, operands[i]);
        status = one != EXIT_DONE ? one : status;
    }
    int saved = stack_save(&h->numbers, s->common.npy);
    status = saved != EXIT_DONE ? saved : status;
    if (!s->common.json)
        return status;
    cJSON *json = report_begin("heatmap", h->bench);
    cJSON_AddNumberToObject(json, "seed", (double)s->seed);
    cJSON_AddItemToObject(json, "results", h->results);
    h->results = NULL;
    int reported = report_end(json);
    return reported != EXIT_DONE ? reported : status;
}

static int run(const void *given, const char *const *operands, int count)
{
    const settings *s = given;
    if (s->list)
        return list_methods();
    if (count == 0) {
        complain("heatmap needs an IMAGE; see cxai help heatmap");
        return EXIT_USAGE;
    }
    if (count > 1 && s->out != NULL && !is_folder(s->out)) {
        complain("several images need a folder for -o: %s/", s->out);
        return EXIT_USAGE;
    }
    if (s->raw && s->common.npy == NULL) {
        complain("--raw gives numbers only: say where with --npy FILE");
        return EXIT_USAGE;
    }
    cxai_error error;
    workbench bench;
    heater h = { .bench = &bench, .settings = s };
    if (find_style(&h, &error) != CXAI_OK)
        return complain_error(&error);
    h.results = cJSON_CreateArray();
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE)
        status = find_options(&h);
    if (status == EXIT_DONE)
        status = run_all(&h, operands, count);
    cJSON_Delete(h.results);
    workbench_close(&bench);
    return status;
}

static void defaults(void *given)
{
    settings *s = given;
    s->method = "gradcam";
    s->target = "top1";
    s->sign = "all";
    s->alpha = -1;
    s->noise = -1;
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 't', "target", "TARGET", OPTION_TEXT, AT(target), 0, 0,
      "class index, label or a unique part of one, topK,\n"
      "topA..topB, LAYER[CHANNEL]; several joined by commas (top1)" },
    { 0, "method", "NAME", OPTION_TEXT, AT(method), 0, 0,
      "one of --list (gradcam)" },
    { 0, "list", NULL, OPTION_FLAG, AT(list), 0, 0,
      "list the methods with their papers and costs" },
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(layer), 0, 0,
      "layer for CAM methods; default: marked by cxai summary" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(out), 0, 0,
      "a .png file (several targets share it), or a folder/;\n"
      "default: IMAGE.METHOD.LABEL.png here" },
    { 0, "alpha", "A", OPTION_NUMBER, AT(alpha), 0, 1,
      "0 shows the photo, 1 the colours alone\n(0.5; gradient methods 0.8)" },
    { 0, "colormap", "NAME", OPTION_TEXT, AT(colormap), 0, 0,
      "viridis, inferno, magma, plasma, cividis, turbo, jet, grey,\n"
      "diverging (turbo; for signed maps diverging)" },
    { 0, "side-by-side", NULL, OPTION_FLAG, AT(side_by_side), 0, 0,
      "the photo beside the overlay" },
    { 0, "colorbar", NULL, OPTION_FLAG, AT(colorbar), 0, 0,
      "a bar of colours with their values" },
    { 0, "sign", "SIGN", OPTION_TEXT, AT(sign), 0, 0,
      "of gradient methods' pictures: all, positive, absolute (all)" },
    { 0, "raw", NULL, OPTION_FLAG, AT(raw), 0, 0,
      "CAM maps before ReLU, scaling and resizing; with --npy" },
    { 0, "steps", "N", OPTION_INTEGER, AT(steps), 1, 100000,
      "points of path methods" },
    { 0, "samples", "N", OPTION_INTEGER, AT(samples), 1, 100000,
      "copies of sampling methods" },
    { 0, "noise", "SIGMA", OPTION_NUMBER, AT(noise), 0, 1e6,
      "of sampling methods, in units of the network's input" },
    { 0, "seed", "N", OPTION_INTEGER, AT(seed), 0, 9007199254740991.0,
      "of sampling methods (0)" },
    { 0, "batch", "N", OPTION_INTEGER, AT(batch), 1, 4096,
      "pictures in one pass of path and sampling methods" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_heatmap = {
    .name = "heatmap",
    .operands = "IMAGE...",
    .most_operands = -1,
    .summary = "show where in a picture a decision comes from",
    .description =
        "Computes a heatmap for each target and lays it over the picture at "
        "the\n"
        "picture's own size. Targets are explained from their logits.\n"
        "--npy holds CAM maps (N,H,W) in 0..1 at the network's input size, or\n"
        "signed attributions (N,C,H,W).",
    .examples =
        "  cxai heatmap data/dog.jpg -o dog.png\n"
        "  cxai heatmap data/band.jpg -t \"electric guitar,drum\" -o band.png\n"
        "  cxai heatmap data/bee.jpg --method integrated_gradients -o bee.png\n"
        "  cxai heatmap data/dog.jpg data/cat.jpg -t top1..top3 -o maps/\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
