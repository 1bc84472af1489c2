#include "common.h"

#include "builtin.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(common_settings, field)

static const option_spec model_specs[] = {
    { 'm', "model", "FILE", OPTION_TEXT, AT(model), 0, 0,
      "an ONNX model; default: the built-in one" },
    { 0, "labels", "FILE", OPTION_TEXT, AT(labels), 0, 0,
      "class names, one a line, or JSON" },
    { 0, "npy", "FILE", OPTION_TEXT, AT(npy), 0, 0,
      "write the raw numbers as a .npy array; in a folder/, one for\n"
      "each picture" },
    { 0, "json", NULL, OPTION_FLAG, AT(json), 0, 0,
      "say what was done as JSON on standard output" },
    { 0, "threads", "N", OPTION_INTEGER, AT(threads), 1, 256,
      "default: as many as there are processors" },
    { 0, "limit", "KEY=SIZE", OPTION_TEXTS, AT(limits), 0, 0,
      "refuse what is larger; KEY: file, tensor, memory (bytes),\n"
      "pixels, nodes, nesting; SIZE: 500M, 2G" },
    { 'q', "quiet", NULL, OPTION_FLAG, AT(quiet), 0, 0,
      "no progress, no warnings" },
};

/* The keys of cxai_preprocess_set, in the order of settings.preprocess. */
static const char *const preprocess_keys[] = {
    "recipe", "size",     "rule",  "length", "crop", "filter",
    "fill",   "channels", "scale", "mean",   "std",  "layout",
};

static const option_spec preprocess_specs[] = {
    { 0, "recipe", "NAME", OPTION_TEXT, AT(preprocess[0]), 0, 0,
      "prepare pictures as a library does: torchvision, timm,\n"
      "timm-inception, keras-caffe, keras-tf, keras-torch, paddle,\n"
      "darknet, yolo, raw, unit; see cxai summary --recipes" },
    { 0, "size", "WxH", OPTION_TEXT, AT(preprocess[1]), 0, 0,
      "pixels that the network takes; photo: each photo's own size" },
    { 0, "resize", "RULE", OPTION_TEXT, AT(preprocess[2]), 0, 0,
      "\"short side\", stretch, letterbox or none (--size photo)" },
    { 0, "length", "N", OPTION_TEXT, AT(preprocess[3]), 0, 0,
      "length of the short side before the crop" },
    { 0, "crop", "C", OPTION_TEXT, AT(preprocess[4]), 0, 0,
      "or the share of it that is cut out; \"0.875\"" },
    { 0, "filter", "NAME", OPTION_TEXT, AT(preprocess[5]), 0, 0,
      "bilinear, bicubic, nearest or linear (not antialiased)" },
    { 0, "fill", "N", OPTION_TEXT, AT(preprocess[6]), 0, 0,
      "0..255, where there is no picture" },
    { 0, "channel-order", "ORDER", OPTION_TEXT, AT(preprocess[7]), 0, 0,
      "RGB, BGR or grey" },
    { 0, "scale", "S", OPTION_TEXT, AT(preprocess[8]), 0, 0,
      "value = (pixel * S - mean) / std; \"1/255\"" },
    { 0, "mean", "M", OPTION_TEXT, AT(preprocess[9]), 0, 0,
      "one number, or three joined by commas" },
    { 0, "std", "D", OPTION_TEXT, AT(preprocess[10]), 0, 0, "the same" },
    { 0, "layout", "NAME", OPTION_TEXT, AT(preprocess[11]), 0, 0,
      "NCHW or NHWC" },
    { 0, "keep-orientation", NULL, OPTION_FLAG, AT(keep_orientation), 0, 0,
      "take pixels as stored, whatever EXIF says of the camera" },
};

static const option_spec image_specs[] = {
    { 0, "files-from", "FILE", OPTION_TEXT, AT(files_from), 0, 0,
      "read the paths of more images, one a line, from FILE; -: from\n"
      "standard input" },
    { 'r', "recursive", NULL, OPTION_FLAG, AT(recursive), 0, 0,
      "take the folders inside a folder too" },
};

const option_list model_options = OPTION_LIST(model_specs);
const option_list preprocess_options = OPTION_LIST(preprocess_specs);
const option_list image_options = OPTION_LIST(image_specs);

/* ---- the model ------------------------------------------------------------
 */

static size_t size_of(const char *start, const char *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)start);
}

/* Preprocessing of the model, or the reason why there is none. */
static cxai_status find_preprocess(workbench *bench, const char *path,
                                   cxai_error *error)
{
    cxai_status status = cxai_preprocess_for_model(&bench->preprocess,
                                                   bench->model, path, error);
    if (status != CXAI_UNSUPPORTED)
        return status;
    bench->no_pictures = *error;
    return CXAI_OK;
}

static cxai_status load_builtin(workbench *bench, cxai_error *error)
{
    bench->name = "built-in " BUILTIN_NAME;
    cxai_status status = cxai_model_load_memory(
        &bench->model, builtin_model, size_of(builtin_model, builtin_model_end),
        NULL, &bench->limits.model, error);
    if (status == CXAI_OK)
        status = find_preprocess(bench, NULL, error);
    if (status == CXAI_OK)
        status = cxai_preprocess_parse(
            &bench->preprocess, builtin_preprocess,
            size_of(builtin_preprocess, builtin_preprocess_end),
            BUILTIN_NAME ".json", NULL, error);
    return status;
}

/* A network that takes no pictures can still be fed arrays. */
static cxai_status load_file(workbench *bench, const char *path,
                             cxai_error *error)
{
    bench->name = path;
    cxai_status status =
        cxai_model_load(&bench->model, path, &bench->limits.model, error);
    if (status == CXAI_OK)
        status = find_preprocess(bench, path, error);
    return status;
}

/* 1 when some node reads a value. */
static int is_read(const cxai_model *model, int value)
{
    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        for (int i = 0; i < node.input_count; i++)
            if (node.inputs[i] == value)
                return 1;
    }
    return 0;
}

/* There is one picture to feed. */
static cxai_status check_inputs(const workbench *bench, cxai_error *error)
{
    char list[400] = "", shape[128];
    size_t used = 0;
    int count = 0;
    for (int i = 0; i < cxai_model_input_count(bench->model); i++) {
        int v = cxai_model_input(bench->model, i);
        const cxai_shape declared = cxai_model_input_shape(bench->model, i);
        if (!is_read(bench->model, v))
            continue;
        if (used < sizeof list)
            used += (size_t)snprintf(
                list + used, sizeof list - used, "%s\"%.64s\" %s",
                count > 0 ? ", " : "", cxai_model_value_name(bench->model, v),
                cxai_shape_text(&declared, shape, sizeof shape));
        count++;
    }
    if (count <= 1)
        return CXAI_OK;
    return cxai_fail(error, CXAI_UNSUPPORTED,
                     "%s takes %d inputs (%s), but there is one picture to "
                     "feed: export it with one input and the others as "
                     "constants",
                     bench->name, count, list);
}

static cxai_status load_labels(workbench *bench,
                               const common_settings *settings,
                               cxai_error *error)
{
    if (settings->labels != NULL)
        return cxai_labels_load(&bench->labels, settings->labels, error);
    if (settings->model == NULL)
        return cxai_labels_parse(&bench->labels, builtin_labels,
                                 size_of(builtin_labels, builtin_labels_end),
                                 "built-in labels", error);
    if (bench->preprocess.labels[0] != '\0')
        return cxai_labels_load(&bench->labels, bench->preprocess.labels,
                                error);
    return CXAI_OK;
}

static cxai_status override(workbench *bench, const common_settings *settings,
                            cxai_error *error)
{
    cxai_status status = CXAI_OK;
    if (bench->no_pictures.status != CXAI_OK)
        return CXAI_OK;
    for (size_t i = 0; status == CXAI_OK &&
                       i < sizeof preprocess_keys / sizeof *preprocess_keys;
         i++)
        if (settings->preprocess[i] != NULL)
            status = cxai_preprocess_set(&bench->preprocess, preprocess_keys[i],
                                         settings->preprocess[i], error);
    if (status == CXAI_OK && bench->no_pictures.status == CXAI_OK)
        status = cxai_preprocess_check(&bench->preprocess, bench->model, error);
    return status;
}

/* Labels that do not fit the classes would name things wrongly, and nobody can
   know by how much they are shifted. */
static void check_labels(workbench *bench)
{
    cxai_classes classes = cxai_model_classes(bench->model, bench->shapes);
    int count = cxai_labels_count(bench->labels);
    /* two labels may name the two sides of a single number */
    if (count == 0 || classes.count == 0 || classes.count == count ||
        (classes.count == 1 && count == 2))
        return;
    warn(bench,
         "there are %d labels, but the model has %lld classes: classes are "
         "numbers until --labels gives the right file",
         count, (long long)classes.count);
    cxai_labels_free(&bench->labels);
}

int workbench_open(workbench *bench, const common_settings *settings)
{
    cxai_error error;
    *bench = (workbench){ .quiet = settings->quiet };
    json_array(&bench->warnings, NULL);
    if (limits_read(&bench->limits, &settings->limits) != EXIT_DONE)
        return EXIT_USAGE;
    bench->pictures = (cxai_image_options){
        .max_pixels = bench->limits.pixels,
        .max_bytes = bench->limits.model.file_bytes,
        .keep_orientation = settings->keep_orientation,
    };
    double start = seconds_now();
    cxai_status status = settings->model == NULL
                             ? load_builtin(bench, &error)
                             : load_file(bench, settings->model, &error);
    bench->load_seconds = seconds_now() - start;
    if (status == CXAI_OK)
        status = check_inputs(bench, &error);
    if (status == CXAI_OK)
        status = override(bench, settings, &error);
    if (status == CXAI_OK)
        status = load_labels(bench, settings, &error);
    if (status == CXAI_OK)
        status = workbench_find_shapes(bench, &error);
    if (status != CXAI_OK)
        return complain_error(&error);
    check_labels(bench);
    return EXIT_DONE;
}

cxai_status need_pictures(const workbench *bench, cxai_error *error)
{
    if (bench->no_pictures.status == CXAI_OK)
        return CXAI_OK;
    return cxai_fail(error, CXAI_UNSUPPORTED, "%s: %s", bench->name,
                     bench->no_pictures.message);
}

void warn_of_guess(workbench *bench)
{
    if (bench->no_pictures.status == CXAI_OK && bench->preprocess.guessed &&
        !bench->told_guess)
        warn(bench,
             "nothing says how %s wants its pictures, so the usual recipe of "
             "torchvision is taken, which may be wrong; give --recipe, or "
             "--mean, --std and --scale, or a JSON file beside it",
             bench->name);
    bench->told_guess = 1;
}

void workbench_close(workbench *bench)
{
    cxai_labels_free(&bench->labels);
    cxai_model_free(&bench->model);
    free(bench->shapes);
    json_free(&bench->warnings);
    *bench = (workbench){ 0 };
}

const char *class_name(const workbench *bench, int64_t index)
{
    return cxai_labels_name(bench->labels, (int)index);
}

/* Says when the layer is more than its name tells. */
static cxai_status find_named(workbench *bench, const char *name, int *value,
                              cxai_error *error)
{
    cxai_status status = cxai_model_find(bench->model, name, value, error);
    const char *merged =
        status == CXAI_OK ? cxai_model_merged_module(bench->model, name, *value)
                          : NULL;
    if (merged != NULL)
        warn(bench,
             "the exporter merged \"%.200s\" and \"%.200s\" into one layer: "
             "this is what comes out of both",
             name, merged);
    return status;
}

cxai_status find_layer(workbench *bench, const char *name, int *value,
                       cxai_error *error)
{
    if (name != NULL)
        return find_named(bench, name, value, error);
    cxai_error reason;
    cxai_status status =
        cxai_model_cam_layer(bench->model, bench->shapes, value, &reason);
    if (status != CXAI_OK)
        cxai_fail(error, status, "%s: %s with -l", bench->name, reason.message);
    return status;
}

const char *preprocess_text(const workbench *bench, char *text, size_t size)
{
    if (bench->no_pictures.status != CXAI_OK)
        return "none: the network takes .npy arrays";
    return cxai_preprocess_text(&bench->preprocess, text, size);
}

/* ---- reports --------------------------------------------------------------
 */

void report_begin(json *report, const char *name, const workbench *bench,
                  int wanted)
{
    char text[512];
    json_object(report, NULL);
    json_text(report, "cxai", CXAI_VERSION);
    json_text(report, "command", name);
    json_object(report, "model");
    json_text(report, "file", bench->name);
    if (wanted) /* a tenth of a second for 100 MB */
        json_text(report, "sha256", cxai_model_sha256(bench->model));
    json_number(report, "load_seconds", bench->load_seconds);
    json_end(report);
    json_text(report, "preprocessing",
              preprocess_text(bench, text, sizeof text));
    if (bench->no_pictures.status == CXAI_OK)
        json_text(report, "preprocessing_source", bench->preprocess.source);
}

cxai_status report_end(json *report, workbench *bench, int wanted,
                       cxai_error *error)
{
    cxai_status status = CXAI_OK;
    json_end(&bench->warnings);
    if (bench->warnings.failed)
        report->failed = 1;
    else
        json_insert(report, "warnings", bench->warnings.text);
    json_end_all(report);
    if (report->failed)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for the report");
    else if (wanted)
        say("%s", report->text);
    json_free(report);
    return status;
}
