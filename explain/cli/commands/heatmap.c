/* cxai heatmap: where in a picture a decision comes from. */
#include "../explained.h"
#include "../heater.h"
#include "../interrupt.h"
#include "../notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    common_settings common;
    heat_settings heat;
    const char *method, *target, *layer, *layer_layout, *baseline, *set, *fuse;
    int aug_smooth, eigen_smooth;
    int list, raw, against;
    double noise;
    long long steps, samples, seed, batch;
} settings;

/* ---- what there is ------------------------------------------------------- */

static int print_method(const char *name)
{
    cxai_error error;
    method_list list;
    if (methods_choose(&list, name, NULL, &error) != CXAI_OK)
        return complain_error(&error);
    for (int i = 0; i < list.count; i++)
        methods_print(list.chosen[i].method);
    return EXIT_DONE;
}

/* All methods, or those that are named. */
static int list_methods(const char *const *names, int count)
{
    int status = EXIT_DONE;
    if (count == 0)
        methods_print_all();
    for (int i = 0; i < count && status == EXIT_DONE; i++)
        status = print_method(names[i]);
    return status;
}

/* ---- before the pictures ------------------------------------------------- */

static cxai_status find_wish(heater *h, cxai_error *error)
{
    const settings *s = h->settings;
    h->wish =
        (heat_wish){ .options = &h->options,
                     .raw = s->raw,
                     .baseline = s->baseline != NULL ? s->baseline : "zero" };
    cxai_status status =
        methods_choose(&h->wish.methods, s->method, s->set, error);
    if (status == CXAI_OK && s->baseline != NULL &&
        !(methods_need(&h->wish.methods) & CXAI_NEEDS_BASELINE))
        status = cxai_fail(error, CXAI_INVALID,
                           "--baseline is for methods that compare, such as "
                           "integrated_gradients, not for %s",
                           s->method);
    return status == CXAI_OK ? heat_style_find(&h->wish.style, &s->heat, error)
                             : status;
}

/* A layer without positions would make a map without places: it is a mistake,
   not a wish, but for numbers alone. */
static cxai_status check_layer(const heater *h, const workbench *bench,
                               int layer, cxai_error *error)
{
    cxai_grid grid = { 0 };
    cxai_status status = CXAI_OK;
    if (h->wish.raw && methods_are_all(&h->wish.methods, CXAI_HEATMAP_LAYER))
        return CXAI_OK;
    if (methods_need(&h->wish.methods) & CXAI_NEEDS_LAYER)
        status = cxai_model_grid(bench->model, bench->shapes, layer,
                                 h->options.layer_layout, &grid, error);
    if (status == CXAI_OK && grid.height * grid.width == 1)
        status = cxai_fail(error, CXAI_INVALID,
                           "layer \"%s\" has no positions left: take a layer "
                           "before the pooling",
                           cxai_model_value_name(bench->model, layer));
    return status;
}

/* The layers that were asked for. */
static cxai_status choose_layers(heater *h, batch *b, cxai_error *error)
{
    cxai_status status =
        layers_find(&h->layers, &b->bench, h->settings->layer, error);
    for (int i = 0; status == CXAI_OK && i < h->layers.count; i++)
        status = check_layer(h, &b->bench, h->layers.values[i], error);
    if (status != CXAI_OK)
        return status;
    h->options.layers = h->layers.values;
    h->options.layer_count = h->layers.count;
    h->options.layer = h->layers.values[0];
    if (h->layers.count == 1)
        return CXAI_OK;
    json_array(&b->report, "fused_layers");
    for (int i = 0; i < h->layers.count; i++)
        json_text(&b->report, NULL,
                  cxai_model_value_name(b->bench.model, h->layers.values[i]));
    json_end(&b->report);
    json_text(&b->report, "fusion", h->settings->fuse);
    return CXAI_OK;
}

static int find_layout(heater *h)
{
    static const char *const names[] = { "auto", "NCHW", "NHWC", "NTC", "NCT" };
    const char *wanted = h->settings->layer_layout;
    for (int i = 0; i < 5; i++)
        if (strcmp(names[i], wanted) == 0) {
            h->options.layer_layout = (cxai_layer_layout)i;
            return EXIT_DONE;
        }
    complain("--layer-layout takes auto, NCHW, NHWC, NTC or NCT, not \"%s\"",
             wanted);
    return EXIT_USAGE;
}

/* What cannot be found for one picture cannot be for any: it is said once.
   Other mistakes, as a box outside of the photo, are the picture's own. */
static cxai_status look_for_target(const heater *h, const workbench *bench,
                                   cxai_error *error)
{
    cxai_target *targets = NULL;
    int count;
    cxai_target_context context = target_context(bench, NULL);
    cxai_status status = cxai_target_parse_list(&targets, &count, &context,
                                                h->settings->target, error);
    free(targets);
    return status == CXAI_NOT_FOUND || status == CXAI_NO_MEMORY ? status
                                                                : CXAI_OK;
}

static int find_smoothing(heater *h)
{
    const settings *s = h->settings;
    h->options.aug_smooth = s->aug_smooth;
    h->options.eigen_smooth = s->eigen_smooth;
    if (strcmp(s->fuse, "max") == 0)
        h->options.fusion = CXAI_FUSE_MAX;
    else if (strcmp(s->fuse, "mean") != 0) {
        complain("--fuse takes mean or max, not \"%s\"", s->fuse);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int find_options(heater *h, batch *b)
{
    const settings *s = h->settings;
    cxai_error error;
    h->options = cxai_heatmap_defaults();
    int failed = find_layout(h);
    if (failed == EXIT_DONE)
        failed = find_smoothing(h);
    if (failed)
        return failed;
    h->options.raw = s->raw;
    h->options.channels_last = b->bench.preprocess.layout == CXAI_NHWC;
    if (b->bench.no_pictures.status == CXAI_OK)
        h->options.preprocess = &b->bench.preprocess;
    h->options.steps = (int)s->steps;
    h->options.samples = (int)s->samples;
    h->options.noise = s->noise;
    h->options.seed = (uint64_t)s->seed;
    h->options.anytime = 1;
    h->options.batch = (int)s->batch;
    h->options.keep = 1;
    h->options.threads = (int)s->common.threads;
    h->options.progress = progress_show;
    h->options.payload = &b->progress;
    if (methods_need(&h->wish.methods) & CXAI_NEEDS_GRADIENT)
        notes_report_gradient(&b->report, &b->bench);
    json_number(&b->report, "seed", (double)s->seed);
    if (s->aug_smooth)
        json_truth(&b->report, "aug_smooth", 1);
    if (s->eigen_smooth)
        json_truth(&b->report, "eigen_smooth", 1);
    cxai_status status = look_for_target(h, &b->bench, &error);
    if (status == CXAI_OK &&
        (s->layer != NULL || methods_need(&h->wish.methods) & CXAI_NEEDS_LAYER))
        status = choose_layers(h, b, &error);
    return status == CXAI_OK ? EXIT_DONE : complain_error(&error);
}

static int run(const void *given, const char *const *operands, int count)
{
    const settings *s = given;
    if (s->list)
        return list_methods(operands, count);
    if (s->raw && s->common.npy == NULL) {
        complain("--raw gives numbers only: say where with --npy FILE");
        return EXIT_USAGE;
    }
    cxai_error error;
    heater h = { .settings = s, .target = s->target, .against = s->against };
    if (find_wish(&h, &error) != CXAI_OK)
        return complain_error(&error);
    interrupt_listen();
    batch b;
    int status = batch_open(&b, "heatmap", &s->common, operands, count);
    if (status == EXIT_DONE)
        status = find_options(&h, &b);
    if (status == EXIT_DONE)
        status = batch_run(&b, heater_explain, &h);
    layers_free(&h.layers);
    batch_close(&b);
    return status;
}

static void defaults(void *given)
{
    settings *s = given;
    s->method = "gradcam";
    s->target = "top1";
    s->layer_layout = "auto";
    s->fuse = "mean";
    s->noise = -1;
    heat_defaults(&s->heat);
}

#define AT(field) offsetof(settings, field)

static const option_spec specs[] = {
    { 't', "target", "TARGET", OPTION_TEXT, AT(target), 0, 0,
      "what to explain; several joined by commas (top1):\n"
      "  281, tabby cat, top2, top1..top5   classes\n"
      "  yes, no            sides of a single sigmoid output\n"
      "  -cat               what speaks against a class\n"
      "  cat - dog          this and not that\n"
      "  cat@10,20,90,80    a class of a map, in pixels of the photo\n"
      "  cat@wins           a class of a map, where it wins\n"
      "  LAYER[7], LAYER[7,3,5], LAYER[0:4,-1], LAYER[4,top1]" },
    { 0, "against", NULL, OPTION_FLAG, AT(against), 0, 0,
      "explain what speaks against the targets" },
    { 0, "method", "NAME", OPTION_TEXT, AT(method), 0, 0,
      "one of --list (gradcam), or several joined by commas: a grid\n"
      "of methods and targets in one picture, or in a folder/ a file\n"
      "for each" },
    { 0, "list", NULL, OPTION_FLAG, AT(list), 0, 0,
      "list the methods with papers, costs and settings; --list NAME:\n"
      "all about one, as cxai help heatmap NAME" },
    { 'l', "layer", "LAYER", OPTION_TEXT, AT(layer), 0, 0,
      "layer for CAM and layer methods; default: marked by cxai summary;\n"
      "several joined by commas: their maps are fused" },
    { 0, "fuse", "HOW", OPTION_TEXT, AT(fuse), 0, 0,
      "maps of several layers by their mean or max (mean)" },
    { 0, "aug-smooth", NULL, OPTION_FLAG, AT(aug_smooth), 0, 0,
      "mean map of the picture and its mirror image, each at strength\n"
      "0.9, 1 and 1.1: six times the work" },
    { 0, "eigen-smooth", NULL, OPTION_FLAG, AT(eigen_smooth), 0, 0,
      "of CAM methods that sum channels: their first principal component" },
    { 0, "layer-layout", "AXES", OPTION_TEXT, AT(layer_layout), 0, 0,
      "what the layer's axes are: NCHW, NHWC, NTC (tokens), NCT\n"
      "(auto: as the graph tells)" },
    { 'o', "out", "OUT", OPTION_TEXT, AT(common.out), 0, 0,
      "a .png file (several maps share it), or a folder/;\n"
      "default: IMAGE.METHOD.LABEL.png here" },
    { 0, "raw", NULL, OPTION_FLAG, AT(raw), 0, 0,
      "numbers alone, with --npy: CAM maps before ReLU, scaling and\n"
      "resizing; of layer methods also layers without positions" },
    { 0, "baseline", "NAME", OPTION_TEXT, AT(baseline), 0, 0,
      "what the picture is compared with: black, grey or white pixels,\n"
      "blurred, a picture, for gradient_shap also a folder of them, or\n"
      "zero, which is 0 after the preprocessing (zero)" },
    { 0, "set", "NAME=VALUE", OPTION_TEXT, AT(set), 0, 0,
      "what a method alone takes, as --list NAME tells; several joined\n"
      "by commas" },
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
static const option_list picture_options = { heat_specs, HEAT_OPTIONS,
                                             AT(heat) };

const command command_heatmap = {
    .name = "heatmap",
    .operands = "IMAGE...",
    .most_operands = -1,
    .summary = "show where in a picture a decision comes from",
    .description =
        "Computes a heatmap for each target and lays it over the picture at "
        "the\n"
        "picture's own size. Targets are explained from their logits, the "
        "numbers\n"
        "before a final softmax or sigmoid. LAYER[...] takes indices of the\n"
        "dimensions behind the batch, as in Python, and their mean. A map in\n"
        "which nothing speaks for the target is told to be empty, not drawn.\n"
        "IMAGE is a picture, a folder of them, or a .npy array, see cxai help\n"
        "classify. In a folder OUT/ each file is called after its picture, "
        "and\n"
        "OUT/index.json tells what it shows.\n"
        "--npy holds CAM maps (N,H,W) in 0..1 at the network's input size, or\n"
        "signed attributions (N,C,H,W), of layer methods at the layer's size.\n"
        "A target LAYER[7,3,5] explains a neuron: with gradient and\n"
        "integrated_gradients these are captum's neuron methods.",
    .examples =
        "  cxai heatmap data/dog.jpg -o dog.png\n"
        "  cxai heatmap data/band.jpg -t \"electric guitar,drum\" -o band.png\n"
        "  cxai heatmap data/bee.jpg --method integrated_gradients -o bee.png\n"
        "  cxai heatmap data/dog.jpg data/cat.jpg -t top1..top3 -o maps/\n",
    .options = { &own_options, &picture_options, &image_options, &model_options,
                 &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
    .help = print_method,
};
