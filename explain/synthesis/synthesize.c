/*
 * Feature visualisation as a whole: checks, then round after round of as many
 * pictures as fit. Deviations from lucid: views are drawn from continuous
 * ranges and made by one sampling (transform.c), they are as large as the
 * network's input, and redirection begins only where the gradient at the
 * picture is 0.
 */
#include "ascent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USUAL_BATCH 2 /* larger ones leave the cache and are no faster */
#define USUAL_BYTES ((uint64_t)2 << 30)

/* Found by eye on the embedded network. Lucid takes a rate of .05, a decay of 1
   and a scale of .1: calmer colours, more fine grain. */
cxai_synthesis_options cxai_synthesis_defaults(void)
{
    return (cxai_synthesis_options){ .steps = 256,
                                     .learning_rate = .03,
                                     .deviation = .01,
                                     .decay_power = 1.1,
                                     .jitter = 16,
                                     .scale = .15,
                                     .rotation = 12 };
}

static int within(double value, double low, double high)
{
    return value >= low && value <= high; /* not for NaN */
}

static cxai_status check_options(const cxai_synthesis_options *o,
                                 cxai_error *error)
{
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        { "steps", o->steps, 1, 1e7 },
        { "learning rate", o->learning_rate, 1e-12, 1e6 },
        { "deviation", o->deviation, 0, 1e6 },
        { "decay power", o->decay_power, -8, 8 },
        { "jitter", o->jitter, 0, 4096 },
        { "scale", o->scale, 0, .9 },
        { "rotation", o->rotation, 0, 180 },
        { "total variation", o->total_variation, 0, 1e30 },
        { "l2", o->l2, 0, 1e30 },
        { "threads", o->threads, 0, 4096 },
        { "batch", o->batch, 0, 4096 },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!within(ranges[i].value, ranges[i].low, ranges[i].high))
            return cxai_fail(
                error, CXAI_INVALID, "synthesis: %s %g is not in %g..%g",
                ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high);
    return CXAI_OK;
}

/* Checks one target against the layer's shape. */
static cxai_status check_target(const cxai_model *model,
                                const cxai_target *target, int layer,
                                const cxai_shape *shape, cxai_error *error)
{
    if (target->value != layer)
        return cxai_fail(error, CXAI_INVALID,
                         "synthesis: targets of one call belong to one layer, "
                         "not to '%s' and another",
                         cxai_model_value_name(model, layer));
    cxai_status status = cxai_target_check(target, model, shape, error);
    if (status == CXAI_OK && cxai_target_is_open(target))
        status = cxai_fail(error, CXAI_INVALID,
                           "synthesis: target '%s' is that of a picture; name "
                           "a class or places",
                           target->text);
    return status;
}

static cxai_status check_layer(const cxai_model *model, int layer,
                               const cxai_shape *shape, cxai_error *error)
{
    char text[64];
    if (shape->rank >= 2 && cxai_shape_count(shape) > 0)
        return CXAI_OK;
    return cxai_fail(error, CXAI_INVALID,
                     "synthesis: layer '%s' of shape %s has no channels",
                     cxai_model_value_name(model, layer),
                     cxai_shape_text(shape, text, sizeof text));
}

static cxai_status check_objectives(const cxai_model *model,
                                    const cxai_objective *objectives, int count,
                                    const cxai_shape *shape, cxai_error *error)
{
    int layer = objectives[0].targets[0].value;
    cxai_status status = CXAI_OK;

    for (int n = 0; !status && n < count; n++) {
        if (objectives[n].target_count < 1)
            return cxai_fail(error, CXAI_INVALID,
                             "synthesis: objective %d has no target", n);
        for (int i = 0; !status && i < objectives[n].target_count; i++)
            status = check_target(model, &objectives[n].targets[i], layer,
                                  shape, error);
    }
    return status;
}

static cxai_status resolve(cxai_synthesis_options *resolved, cx_scene *scene,
                           const cxai_model *model,
                           const cxai_preprocess *preprocess,
                           const cxai_synthesis_options *options,
                           cxai_error *error)
{
    *resolved = options ? *options : cxai_synthesis_defaults();
    cxai_status status = check_options(resolved, error);
    if (!resolved->threads)
        resolved->threads = cxai_processors();
    if (!resolved->max_bytes)
        resolved->max_bytes = USUAL_BYTES;
    return status ? status
                  : cx_scene_init(scene, model, preprocess, resolved, error);
}

static cxai_status layer_shape(const cxai_model *model, const cx_scene *scene,
                               int layer, cxai_shape *shape, cxai_error *error)
{
    int values = cxai_model_value_count(model);
    cxai_shape input = cx_scene_input_shape(
        scene, scene->fixed_batch ? scene->fixed_batch : 1);

    if (layer < 0 || layer >= values)
        return cxai_fail(error, CXAI_INVALID, "synthesis: no value %d", layer);
    cxai_shape *shapes = calloc((size_t)values, sizeof *shapes);
    if (!shapes)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "synthesis: no memory for %d shapes", values);
    cxai_status status = cxai_model_shapes(model, &input, shapes, error);
    *shape = shapes[layer];
    free(shapes);
    return status;
}

cxai_status cxai_synthesis_shape(cxai_shape *shape, const cxai_model *model,
                                 const cxai_preprocess *preprocess, int layer,
                                 const cxai_synthesis_options *options,
                                 cxai_error *error)
{
    cxai_synthesis_options resolved;
    cx_scene scene;
    cxai_status status =
        resolve(&resolved, &scene, model, preprocess, options, error);

    if (!status)
        status = layer_shape(model, &scene, layer, shape, error);
    return status ? status : check_layer(model, layer, shape, error);
}

/* Opens a batch as large as is useful and as the memory allows, of rounds that
   are equally full. */
static cxai_status open_ascent(cx_ascent *ascent, const cxai_model *model,
                               const cx_scene *scene, int layer, int count,
                               const cxai_synthesis_options *options,
                               cxai_error *error)
{
    int batch = options->batch ? options->batch : USUAL_BATCH;

    if (scene->fixed_batch)
        return cx_ascent_init(ascent, model, scene, layer, scene->fixed_batch,
                              options, error);
    for (;; batch /= 2) {
        int rounds = (count + batch - 1) / batch;
        cxai_status status =
            cx_ascent_init(ascent, model, scene, layer,
                           (count + rounds - 1) / rounds, options, error);
        if (status != CXAI_LIMIT || batch == 1)
            return status;
    }
}

static cxai_status run_rounds(cxai_synthesis *out, cx_ascent *ascent,
                              const cxai_objective *objectives, int count,
                              cxai_error *error)
{
    int rounds = (count + ascent->batch - 1) / ascent->batch;
    int64_t steps = ascent->options->steps;
    size_t size = cx_scene_picture_size(&ascent->scene);

    for (int round = 0; round < rounds; round++) {
        int first = round * ascent->batch;
        int now = count - first < ascent->batch ? count - first : ascent->batch;
        cxai_status status =
            cx_ascent_run(ascent, objectives + first, now, round * steps,
                          rounds * steps, error);
        if (status)
            return status;
        memcpy(out->pictures + (size_t)first * size, ascent->canvas.pictures,
               (size_t)now * size * sizeof(cxai_real));
        memcpy(out->outcomes + first, ascent->outcomes,
               (size_t)now * sizeof *out->outcomes);
    }
    return CXAI_OK;
}

static cxai_status allocate(cxai_synthesis *out, const cx_scene *scene,
                            int count, cxai_error *error)
{
    out->shape = (cxai_shape){
        4, { count, scene->channels, scene->frame.height, scene->frame.width }
    };
    out->pictures =
        calloc((size_t)count, cx_scene_picture_size(scene) * sizeof(cxai_real));
    out->outcomes = calloc((size_t)count, sizeof *out->outcomes);
    if (out->pictures && out->outcomes)
        return CXAI_OK;
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "synthesis: no memory for %d pictures", count);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

cxai_status cxai_synthesize(cxai_synthesis *out, const cxai_model *model,
                            const cxai_preprocess *preprocess,
                            const cxai_objective *objectives, int count,
                            const cxai_synthesis_options *options,
                            cxai_error *error)
{
    double start = now();
    cxai_synthesis_options resolved;
    cx_scene scene;
    cx_ascent ascent = { 0 };
    cxai_shape shape;

    *out = (cxai_synthesis){ 0 };
    if (count < 1 || !objectives || objectives[0].target_count < 1)
        return cxai_fail(error, CXAI_INVALID, "synthesis: no objective");
    int layer = objectives[0].targets[0].value;
    cxai_status status =
        resolve(&resolved, &scene, model, preprocess, options, error);
    if (!status)
        status = layer_shape(model, &scene, layer, &shape, error);
    if (!status)
        status = check_objectives(model, objectives, count, &shape, error);
    if (!status)
        status = allocate(out, &scene, count, error);
    if (!status)
        status =
            open_ascent(&ascent, model, &scene, layer, count, &resolved, error);
    if (!status)
        status = run_rounds(out, &ascent, objectives, count, error);
    cx_ascent_free(&ascent);
    if (status)
        cxai_synthesis_free(out);
    else
        out->seconds = now() - start;
    return status;
}

void cxai_synthesis_free(cxai_synthesis *out)
{
    free(out->pictures);
    free(out->outcomes);
    *out = (cxai_synthesis){ 0 };
}
