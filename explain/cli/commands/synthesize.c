/* cxai synthesize: pictures that excite a part of a network most. */
#include "../common.h"
#include "../explained.h"
#include "../notes.h"
#include "../output.h"
#include "../progress.h"
#include "../wishes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/draw.h"
#include "cxai/synthesis.h"

typedef struct settings {
    common_settings common;
    wish_settings wish;
    int plain, no_labels;
    long long side, steps, seed, jitter, batch, columns;
    double rate, scale_range, rotation, decay, variation, l2;
} settings;

static const char *const status_texts[] = {
    "",
    "; it never fired: there is no picture of it",
    "; not finite: there is no picture of it",
};

static const char *const status_names[] = { "ok", "stuck", "not finite" };

static cxai_synthesis_options find_options(const settings *s, progress *shown)
{
    cxai_synthesis_options o = cxai_synthesis_defaults();
    o.height = o.width = (int)s->side;
    o.steps = s->steps > 0 ? (int)s->steps : o.steps;
    o.learning_rate = s->rate > 0 ? s->rate : o.learning_rate;
    o.seed = (uint64_t)s->seed;
    o.jitter = s->jitter >= 0 ? (int)s->jitter : o.jitter;
    o.scale = s->scale_range >= 0 ? s->scale_range : o.scale;
    o.rotation = s->rotation >= 0 ? s->rotation : o.rotation;
    o.decay_power = s->decay >= 0 ? s->decay : o.decay_power;
    o.total_variation = s->variation >= 0 ? s->variation : o.total_variation;
    o.l2 = s->l2 >= 0 ? s->l2 : o.l2;
    o.plain_pixels = s->plain;
    o.threads = (int)s->common.threads;
    o.batch = (int)s->batch;
    o.progress = progress_with_objective;
    o.payload = shown;
    return o;
}

/* Picture n of a result as 8-bit RGB. */
static cxai_status to_image(cxai_image *out, const cxai_synthesis *made,
                            int64_t n, cxai_error *error)
{
    int64_t channels = made->shape.dim[1];
    int64_t area = made->shape.dim[2] * made->shape.dim[3];
    const cxai_real *p = made->pictures + n * channels * area;
    cxai_status status = cxai_image_create(out, (int)made->shape.dim[3],
                                           (int)made->shape.dim[2], 3, error);
    for (int64_t i = 0; status == CXAI_OK && i < area * 3; i++) {
        int64_t channel = channels == 3 ? i % 3 : 0;
        double v = (double)p[channel * area + i / 3] * 255 + 0.5;
        out->pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return status;
}

/* Pictures that mean something. */
static int count_pictures(const cxai_synthesis *made, const wishes *w)
{
    int count = 0;
    for (int i = 0; i < w->count; i++)
        count += made->outcomes[i].status == CXAI_SYNTHESIS_OK;
    return count;
}

/* One picture as it is; several as a grid with their channels. Those that mean
   nothing are left out. */
static cxai_status save_pictures(const workbench *bench, const settings *s,
                                 const cxai_synthesis *made, const wishes *w,
                                 const char *path, cxai_error *error)
{
    int count = 0;
    cxai_image grid = { 0 };
    cxai_image *images = calloc((size_t)w->count, sizeof *images);
    const char **names = calloc((size_t)w->count, sizeof *names);
    cxai_status status = CXAI_OK;
    if (images == NULL || names == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    for (int i = 0; status == CXAI_OK && i < w->count; i++)
        if (made->outcomes[i].status == CXAI_SYNTHESIS_OK) {
            names[count] = w->targets[i].text;
            status = to_image(&images[count++], made, i, error);
        }
    cxai_tiles style = {
        .title = cxai_model_value_name(bench->model, w->targets[0].value),
        .labels = names,
        .hide_labels = s->no_labels,
        .columns = (int)s->columns,
    };
    if (status == CXAI_OK && count > 1)
        status = cxai_tiles_images(&grid, images, count, &style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(count > 1 ? &grid : images, path, error);
    cxai_image_free(&grid);
    for (int i = 0; images != NULL && i < w->count; i++)
        cxai_image_free(&images[i]);
    free(images);
    free(names);
    return status;
}

static void report_picture(json *report, const workbench *bench,
                           const cxai_target *target,
                           const cxai_synthesis_outcome *outcome)
{
    json_object(report, NULL);
    target_report(bench, target, report);
    json_text(report, "state", status_names[outcome->status]);
    json_number(report, "activation_before", outcome->activation_before);
    json_number(report, "activation_after", outcome->activation_after);
    json_number(report, "objective", outcome->objective);
    json_end(report);
}

static cxai_status report(workbench *bench, const settings *s,
                          const cxai_synthesis *made, const wishes *w,
                          const char *path, cxai_error *error)
{
    json j = { 0 };
    int pictures = count_pictures(made, w);
    warn_of_guess(bench);
    report_begin(&j, "synthesize", bench, s->common.json);
    notes_report_gradient(&j, bench);
    json_number(&j, "seed", (double)s->seed);
    json_number(&j, "seconds", made->seconds);
    if (*path)
        json_text(&j, "file", path);
    json_array(&j, "results");
    for (int i = 0; i < w->count; i++) {
        const cxai_synthesis_outcome *o = &made->outcomes[i];
        if (!s->common.json)
            say("%s: activation %.4g, at first %.4g%s\n", w->targets[i].text,
                shown(o->activation_after), shown(o->activation_before),
                status_texts[o->status]);
        report_picture(&j, bench, &w->targets[i], o);
    }
    json_end(&j);
    if (!s->common.json)
        say("%d picture%s in %.1f s%s%s\n", pictures, pictures == 1 ? "" : "s",
            made->seconds, *path ? " -> " : "", path);
    return report_end(&j, bench, s->common.json, error);
}

/* What files of a result are called by. */
static void name_result(const workbench *bench, const wishes *w,
                        char name[NAME_WHOLE])
{
    char safe[NAME_PART];
    safe_name(w->count == 1
                  ? w->targets[0].text
                  : cxai_model_value_name(bench->model, w->targets[0].value),
              safe, sizeof safe);
    snprintf(name, NAME_WHOLE, "%s.synthesis", safe);
}

/* What an activation hides: the value that it is made from, or NULL. */
static const char *before_activation(const workbench *bench, int value)
{
    static const char *const types[] = { "Relu", "Clip", "ThresholdedRelu",
                                         "HardSigmoid", "HardSwish" };
    int producer = cxai_model_producer(bench->model, value);
    if (producer < 0)
        return NULL;
    cxai_node node = cxai_model_node(bench->model, producer);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(node.operator_type, types[i]) == 0 && node.inputs[0] >= 0)
            return cxai_model_value_name(bench->model, node.inputs[0]);
    return NULL;
}

/* Says which pictures mean nothing, and makes numbers of theirs that cannot be
   taken for a picture. */
static void warn_of_failures(workbench *bench, cxai_synthesis *made,
                             const wishes *w)
{
    int64_t size = cxai_shape_count(&made->shape) / made->shape.dim[0];
    for (int i = 0; i < w->count; i++) {
        const char *before = before_activation(bench, w->targets[i].value);
        if (made->outcomes[i].status == CXAI_SYNTHESIS_OK)
            continue;
        if (made->outcomes[i].status == CXAI_SYNTHESIS_NOT_FINITE)
            warn(bench, "no picture of '%s': it is not finite",
                 w->targets[i].text);
        else if (before != NULL)
            warn(bench,
                 "no picture of '%s': it never fired; '%s' before the "
                 "activation can be climbed",
                 w->targets[i].text, before);
        else
            warn(bench, "no picture of '%s': it never fired",
                 w->targets[i].text);
        for (int64_t p = 0; p < size; p++)
            made->pictures[i * size + p] = (cxai_real)NAN;
    }
}

/* Saves what there is; a run without any picture writes no file. */
static cxai_status save_all(workbench *bench, const settings *s,
                            const cxai_synthesis *made, const wishes *w,
                            outputs *files, cxai_error *error)
{
    output_subject subject = {
        .row = -1,
        .layer = cxai_model_value_name(bench->model, w->targets[0].value),
        .target = w->count == 1 ? w->targets[0].text : NULL,
    };
    char name[NAME_WHOLE];
    cxai_status status = save_pictures(bench, s, made, w, files->path, error);
    if (status != CXAI_OK)
        return status;
    outputs_note(files, &subject);
    name_result(bench, w, name);
    status = numbers_write(s->common.npy, made->pictures, &made->shape, name,
                           &subject, error);
    return status == CXAI_OK ? outputs_finish(files, error) : status;
}

static cxai_status deliver(workbench *bench, const settings *s,
                           cxai_synthesis *made, const wishes *w,
                           outputs *files, cxai_error *error)
{
    cxai_status status = CXAI_OK;
    warn_of_failures(bench, made, w);
    if (count_pictures(made, w) > 0)
        status = save_all(bench, s, made, w, files, error);
    else
        files->path[0] = '\0';
    return status == CXAI_OK ? report(bench, s, made, w, files->path, error)
                             : status;
}

/* *failed: there is a target without a picture. */
static cxai_status synthesize(workbench *bench, const settings *s, int *failed,
                              cxai_error *error)
{
    cxai_synthesis made = { 0 };
    char name[NAME_WHOLE];
    outputs files;
    wishes w = { 0 };
    progress shown = progress_begin(s->common.quiet, 1);
    cxai_synthesis_options options = find_options(s, &shown);
    cxai_status status = need_pictures(bench, error);
    if (status != CXAI_OK)
        return status;
    status = outputs_open(&files, s->common.out, error);
    if (status == CXAI_OK)
        status = wishes_make(&w, bench, &s->wish, &options, error);
    if (status == CXAI_OK) {
        name_result(bench, &w, name);
        status = outputs_next(&files, name, ".png", error);
    }
    if (status == CXAI_OK)
        status = cxai_synthesize(&made, bench->model, &bench->preprocess,
                                 w.objectives, w.count, &options, error);
    progress_end();
    if (status == CXAI_OK)
        status = deliver(bench, s, &made, &w, &files, error);
    *failed = status != CXAI_OK || count_pictures(&made, &w) < w.count;
    cxai_synthesis_free(&made);
    wishes_free(&w);
    outputs_free(&files);
    return status;
}

static int run(const void *given, const char *const *operands, int count)
{
    (void)operands;
    (void)count;
    const settings *s = given;
    cxai_error error;
    if (s->wish.target == NULL && s->wish.channels == NULL && !s->wish.all) {
        complain("say what to synthesize: -l LAYER -c CHANNELS, "
                 "-l LAYER --all, or -t CLASS");
        return EXIT_USAGE;
    }
    workbench bench;
    int failed = 0, status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE && synthesize(&bench, s, &failed, &error))
        complain_error(&error);
    status = failed ? EXIT_FAILED : status;
    workbench_close(&bench);
    return status;
}

static void defaults(void *given)
{
    settings *s = given;
    s->jitter = -1;
    s->scale_range = s->rotation = s->decay = s->variation = s->l2 = -1;
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(wish.layer), 0, 0,
      "as cxai summary names it; default: the CAM layer" },
    { 'c', "channels", "LIST", OPTION_TEXT, AT(wish.channels), 0, 0,
      "a picture for each: 3,17,40..47" },
    { 0, "all", NULL, OPTION_FLAG, AT(wish.all), 0, 0,
      "a picture for every channel" },
    { 0, "neuron", NULL, OPTION_FLAG, AT(wish.neuron), 0, 0,
      "the channel's centre alone instead of its mean" },
    { 't', "target", "TARGET", OPTION_TEXT, AT(wish.target), 0, 0,
      "classes, differences of them, or numbers of a layer, as\n"
      "cxai help heatmap says" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(common.out), 0, 0,
      "a .png file, or a folder/; default: NAME.synthesis.png here" },
    { 0, "side", "N", OPTION_INTEGER, AT(side), 1, 2048,
      "pixels of the picture's sides; default: the network's" },
    { 0, "steps", "N", OPTION_INTEGER, AT(steps), 1, 1000000,
      "of gradient ascent (256)" },
    { 0, "rate", "R", OPTION_NUMBER, AT(rate), 1e-9, 1e3,
      "learning rate of Adam (0.03)" },
    { 0, "seed", "N", OPTION_INTEGER, AT(seed), 0, 9007199254740991.0,
      "the same seed gives the same picture (0)" },
    { 0, "jitter", "N", OPTION_INTEGER, AT(jitter), 0, 1024, "pixels" },
    { 0, "zoom", "S", OPTION_NUMBER, AT(scale_range), 0, 0.9,
      "views are scaled by 1-S..1+S" },
    { 0, "rotation", "DEGREES", OPTION_NUMBER, AT(rotation), 0, 180,
      "views are turned by up to this much" },
    { 0, "decay", "P", OPTION_NUMBER, AT(decay), 0, 4,
      "spectrum falls as 1/frequency^P" },
    { 0, "plain", NULL, OPTION_FLAG, AT(plain), 0, 0,
      "climb on pixels, not on a spectrum: reaches extremes, shows\n"
      "fine grain" },
    { 0, "tv", "W", OPTION_NUMBER, AT(variation), 0, 1e6,
      "weight of total variation" },
    { 0, "l2", "W", OPTION_NUMBER, AT(l2), 0, 1e6,
      "weight of the distance from grey" },
    { 0, "batch", "N", OPTION_INTEGER, AT(batch), 1, 4096,
      "pictures worked on at once" },
    { 0, "columns", "N", OPTION_INTEGER, AT(columns), 1, 10000,
      "pictures in a row of a grid" },
    { 0, "no-labels", NULL, OPTION_FLAG, AT(no_labels), 0, 0,
      "no names on a grid's pictures" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_synthesize = {
    .name = "synthesize",
    .operands = "",
    .summary = "make the picture that excites a filter or class most",
    .description =
        "Climbs the gradient of a channel, neuron or class logit on the "
        "picture\n"
        "itself. Several channels or classes make a grid. --npy holds the\n"
        "pictures (N,C,H,W) in 0..1. What never fires, however the picture is\n"
        "changed, gets no picture (NaN in --npy) and the exit code 1.",
    .examples = "  cxai synthesize -l b07.expand -c 3 -o filter.png\n"
                "  cxai synthesize -l b04.add -c 0..8 --steps 128 -o grid.png\n"
                "  cxai synthesize -t macaw -o macaw.png\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
