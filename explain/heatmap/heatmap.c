/* Finding a method, and running it for one picture and several targets. */
#include "runs.h"
#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weights serve several pictures, but what these leave behind must stay in the
   caches. Up to ten serve where their weights are packed for many pictures
   (cxai_request.many), fewer where the rest of the last batch would be empty
   (cx_pass_open_batched). */
enum { default_batch = 10 };
static const uint64_t default_bytes = (uint64_t)2 << 30;

cxai_heatmap_options cxai_heatmap_defaults(void)
{
    cxai_heatmap_options options = { .layer = -1, .noise = -1 };
    return options;
}

cxai_status cxai_heatmap_find(const cxai_heatmap_method **out, const char *name,
                              cxai_error *error)
{
    char list[800] = "";
    size_t used = 0;

    *out = NULL;
    for (int i = 0; cxai_heatmap_table[i]; i++) {
        const char *known = cxai_heatmap_table[i]->name;
        if (strcmp(known, name) == 0) {
            *out = cxai_heatmap_table[i];
            return CXAI_OK;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     used ? ", " : "", known);
    }
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "there is no heatmap method '%s'; there are %s", name,
                     list);
}

void cxai_heatmap_clear(cxai_heatmap *heatmap)
{
    free(heatmap->data);
    free(heatmap->mask);
    memset(heatmap, 0, sizeof *heatmap);
}

static cxai_status check_target(const cxai_heatmap_call *call,
                                const cxai_target *target, cxai_error *error)
{
    static const cxai_shape none = { .rank = -1 };
    int known = target->value >= 0 &&
                target->value < cxai_model_value_count(call->model);

    return cxai_target_check(target, call->model,
                             known ? &call->shapes[target->value] : &none,
                             error);
}

/* Attributions to a layer need no positions. */
static int needs_grid(const cxai_heatmap_call *call, int layer)
{
    return call->method->kind != CXAI_HEATMAP_LAYER || layer < 0 ||
           layer >= cxai_model_value_count(call->model) ||
           call->shapes[layer].rank < 1;
}

static cxai_status check_layer(const cxai_heatmap_call *call, int layer,
                               cxai_error *error)
{
    cxai_grid grid;
    char text[64];
    cxai_status status = CXAI_OK;

    if (needs_grid(call, layer))
        status = cxai_model_grid(call->model, call->shapes, layer,
                                 call->options->layer_layout, &grid, error);
    if (status == CXAI_OK && call->shapes[layer].dim[0] != 1)
        status = cxai_fail(
            error, CXAI_INVALID,
            "%s needs a layer of one picture, and '%s' is %s",
            call->method->title, cxai_model_value_name(call->model, layer),
            cxai_shape_text(&call->shapes[layer], text, sizeof text));
    return status;
}

/* The layer or layers that the method looks at, once for all its targets. */
static cxai_status choose_layers(cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    cxai_status status = CXAI_OK;

    call->layer = -1;
    if (!(call->method->needs & CXAI_NEEDS_LAYER))
        return CXAI_OK;
    for (int k = 1; status == CXAI_OK && k < options->layer_count; k++)
        status = check_layer(call, options->layers[k], error);
    int layer = options->layer_count > 0 ? options->layers[0] : options->layer;
    if (status == CXAI_OK && layer < 0)
        status = cxai_model_cam_layer(call->model, call->shapes, &layer, error);
    if (status == CXAI_OK)
        status = check_layer(call, layer, error);
    call->layer = layer;
    return status;
}

static void start_result(cxai_heatmap *result, const cxai_target *target,
                         const cxai_heatmap_call *call)
{
    memset(result, 0, sizeof *result);
    result->target = *target;
    result->kind = call->method->kind;
    result->layer = call->layer;
    result->raw = call->options->raw && call->method->kind == CXAI_HEATMAP_MAP;
    result->score = result->probability = result->delta = (double)NAN;
    result->low = result->high = (double)NAN;
}

/* Runs the method for all targets of one value; next[] says which. */
static cxai_status run_group(cxai_heatmap_call *call, cxai_heatmap *results,
                             const cxai_target *targets, const int *members,
                             int count, cxai_error *error)
{
    cxai_heatmap *group = calloc((size_t)count, sizeof *group);
    if (!group)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d heatmaps",
                         count);
    for (int i = 0; i < count; i++)
        start_result(&group[i], &targets[members[i]], call);
    call->value = targets[members[0]].value;
    call->results = group;
    call->target_count = count;
    cxai_status status = cx_run_method(call, error);
    for (int i = 0; i < count; i++)
        results[members[i]] = group[i];
    free(group);
    return status;
}

/* Targets of one value share a session, so the targets are taken value by
   value. */
static cxai_status run_groups(cxai_heatmap_call *call, cxai_heatmap *results,
                              const cxai_target *targets, int count,
                              cxai_error *error)
{
    cxai_status status = CXAI_OK;
    int *members = malloc((size_t)count * sizeof *members);
    char *done = calloc((size_t)count, 1);

    if (!members || !done)
        status =
            cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d targets", count);
    for (int first = 0; status == CXAI_OK && first < count; first++) {
        int size = 0;
        for (int i = first; i < count; i++)
            if (!done[i] && targets[i].value == targets[first].value) {
                members[size++] = i;
                done[i] = 1;
            }
        if (size > 0)
            status = run_group(call, results, targets, members, size, error);
    }
    free(members);
    free(done);
    return status;
}

static cxai_status check_call(cxai_heatmap_call *call,
                              const cxai_target *targets, int count,
                              cxai_error *error)
{
    cxai_status status = CXAI_OK;

    if (cxai_model_input_count(call->model) < 1)
        return cxai_fail(error, CXAI_UNSUPPORTED, "the model has no input");
    if (call->input_shape.rank != 4 || call->input_shape.dim[0] != 1 ||
        cxai_shape_count(&call->input_shape) < 1) {
        char text[64];
        return cxai_fail(
            error, CXAI_INVALID,
            "a heatmap explains one picture, 1xCxHxW, "
            "not %s",
            cxai_shape_text(&call->input_shape, text, sizeof text));
    }
    const int64_t *dim = call->input_shape.dim;
    int last = call->options->channels_last != 0;
    call->channels = last ? dim[3] : dim[1];
    call->height = last ? dim[1] : dim[2];
    call->width = last ? dim[2] : dim[3];
    call->input_value = cxai_model_input(call->model, 0);
    if (count < 1)
        return cxai_fail(error, CXAI_INVALID, "there is no target to explain");
    if (call->options->baseline_count > 1 &&
        (call->method->needs & CXAI_NEEDS_BASELINE) &&
        !(call->method->needs & CXAI_NEEDS_SAMPLES))
        return cxai_fail(error, CXAI_INVALID,
                         "%s compares with one baseline, not %d; gradient_shap "
                         "draws among several",
                         call->method->name, call->options->baseline_count);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        status = check_target(call, &targets[i], error);
    if (status == CXAI_OK)
        status = cx_check_runs(call, error);
    return status == CXAI_OK ? choose_layers(call, error) : status;
}

cxai_status
cxai_heatmap_compute(cxai_heatmap *results, const cxai_heatmap_method *method,
                     const cxai_model *model, const cxai_shape *input_shape,
                     const cxai_real *input, const cxai_target *targets,
                     int target_count, const cxai_heatmap_options *given,
                     cxai_error *error)
{
    cxai_heatmap_options options = given ? *given : cxai_heatmap_defaults();
    cxai_heatmap_call call = { .method = method,
                               .model = model,
                               .input_shape = *input_shape,
                               .input = input,
                               .options = &options };

    for (int i = 0; i < target_count; i++)
        memset(&results[i], 0, sizeof results[i]);
    if (options.batch <= 0)
        options.batch = default_batch;
    if (options.threads <= 0)
        options.threads = cxai_processors();
    if (options.max_bytes == 0)
        options.max_bytes = default_bytes;

    double settings[cx_most_settings];
    cxai_status status = cx_settings_read(settings, method, options.set, error);
    if (status != CXAI_OK)
        return status;
    call.settings = settings;
    size_t values = (size_t)cxai_model_value_count(model);
    cxai_shape *shapes = calloc(values ? values : 1, sizeof *shapes);
    if (!shapes)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %zu shapes",
                         values);
    call.shapes = shapes;
    status = cxai_model_shapes(model, input_shape, shapes, error);
    if (status == CXAI_OK)
        status = check_call(&call, targets, target_count, error);
    if (status == CXAI_OK)
        status = run_groups(&call, results, targets, target_count, error);
    free(shapes);
    if (status != CXAI_OK)
        for (int i = 0; i < target_count; i++)
            cxai_heatmap_clear(&results[i]);
    return status;
}
