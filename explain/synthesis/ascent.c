#include "ascent.h"

#include "penalty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"

#define VIEW_STREAM 2
#define REDIRECT_STEPS 16 /* as lucid */
#define MANY 32           /* passes that are worth weights packed for speed */

static cxai_status open_session(cx_ascent *a, const cxai_model *model, int many,
                                cxai_error *error)
{
    cxai_request request = {
        .input_shape = cx_scene_input_shape(&a->scene, a->batch),
        .watch = &a->layer,
        .watch_count = 1,
        .target = a->layer,
        .wrt = &a->scene.input,
        .wrt_count = 1,
        .many = many,
        .threads = a->options->threads,
        .max_bytes = a->options->max_bytes,
    };
    cxai_status status =
        cxai_session_create(&a->session, model, &request, error);
    if (!status)
        status = cx_redirect_bound(a->session, a->layer, error);
    return status ? status
                  : cxai_session_shape(a->session, a->layer, &a->shape, error);
}

cxai_status cx_ascent_init(cx_ascent *a, const cxai_model *model,
                           const cx_scene *scene, int layer, int batch,
                           const cxai_synthesis_options *options,
                           cxai_error *error)
{
    size_t n = (size_t)batch;

    *a = (cx_ascent){
        .options = options, .scene = *scene, .layer = layer, .batch = batch
    };
    cxai_status status =
        open_session(a, model, options->steps * batch >= MANY, error);
    if (status == CXAI_LIMIT)
        status = open_session(a, model, 0, error);
    if (!status)
        status = cx_canvas_init(&a->canvas, scene, batch, options, error);
    if (status) {
        cx_ascent_free(a);
        return status;
    }
    a->seed = calloc((size_t)cxai_shape_count(&a->shape), sizeof(cxai_real));
    a->objectives = calloc(n, sizeof *a->objectives);
    a->outcomes = calloc(n, sizeof *a->outcomes);
    a->lowest = calloc(2 * n, sizeof *a->lowest);
    a->frozen = calloc(3, n);
    if (!a->seed || !a->objectives || !a->outcomes || !a->lowest ||
        !a->frozen) {
        cx_ascent_free(a);
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "synthesis: no memory for a batch of %d", batch);
    }
    a->highest = a->lowest + n;
    a->wanted = a->frozen + n;
    a->redirect.wanted = a->wanted;
    a->redirect.done = a->wanted + n;
    return CXAI_OK;
}

void cx_ascent_free(cx_ascent *a)
{
    cxai_session_free(&a->session);
    cx_canvas_free(&a->canvas);
    free(a->seed);
    free(a->objectives);
    free(a->outcomes);
    free(a->lowest);
    free(a->frozen);
    *a = (cx_ascent){ 0 };
}

/* A batch that is not full repeats its last objective. */
static void begin(cx_ascent *a, const cxai_objective *objectives, int count)
{
    memset(a->seed, 0, (size_t)cxai_shape_count(&a->shape) * sizeof(cxai_real));
    for (int n = 0; n < a->batch; n++) {
        a->objectives[n] = &objectives[n < count ? n : count - 1];
        a->outcomes[n] = (cxai_synthesis_outcome){ 0 };
        a->lowest[n] = HUGE_VAL;
        a->highest[n] = -HUGE_VAL;
        a->frozen[n] = a->wanted[n] = a->redirect.done[n] = 0;
        for (int i = 0; i < a->objectives[n]->target_count; i++)
            cxai_target_seed(&a->objectives[n]->targets[i], &a->shape, n,
                             a->seed);
    }
    cx_canvas_start(&a->canvas, a->options);
}

static double draw(const cx_ascent *a, int step, int which, double from,
                   double to)
{
    uint64_t index = (uint64_t)step * 4 + (uint64_t)which;
    return from + (to - from) *
                      cxai_random_uniform(a->options->seed, VIEW_STREAM, index);
}

static cx_change draw_change(const cx_ascent *a, int step)
{
    const cxai_synthesis_options *o = a->options;
    int half = o->jitter / 2;
    return (cx_change){
        .shift_x = floor(draw(a, step, 0, 0, o->jitter + 1)) - half,
        .shift_y = floor(draw(a, step, 1, 0, o->jitter + 1)) - half,
        .scale = draw(a, step, 2, -o->scale, o->scale),
        .rotation = draw(a, step, 3, -o->rotation, o->rotation),
    };
}

/* Shows the pictures to the network and runs it. */
static cxai_status look(cx_ascent *a, const cx_transform *transform,
                        cxai_error *error)
{
    int parts = a->options->threads;
    size_t picture = cx_scene_picture_size(&a->scene);
    cxai_tensor input;
    cxai_status status =
        cxai_session_fed(a->session, a->scene.input, &input, error);

    if (status)
        return status;
    cx_canvas_paint(&a->canvas);
#pragma omp parallel for num_threads(parts) schedule(static)
    for (int i = 0; i < a->batch * parts; i++)
        cx_scene_show(&a->scene, transform, i % parts, parts,
                      a->canvas.pictures + (size_t)(i / parts) * picture,
                      &input, i / parts);
    return cxai_session_forward(a->session, error);
}

static cxai_status score(const cx_ascent *a, int n, double *objective,
                         cxai_error *error)
{
    cxai_tensor view;
    cxai_status status = cxai_session_value(a->session, a->layer, &view, error);

    *objective = 0;
    for (int i = 0; !status && i < a->objectives[n]->target_count; i++)
        *objective +=
            cxai_target_score(&a->objectives[n]->targets[i], &view, n);
    return status;
}

static cxai_status look_back(cx_ascent *a, cxai_error *error)
{
    cxai_status status = cxai_session_backward(a->session, a->seed, error);

    return status ? status
                  : cxai_session_gradient(a->session, a->scene.input,
                                          &a->dinput, error);
}

enum { FLAT, SLOPING, BROKEN };

/* Of the gradient of picture n. */
static int kind_of(const cx_ascent *a, int n)
{
    const int64_t *size = a->dinput.shape.dim, *stride = a->dinput.stride;
    const cxai_real *first = a->dinput.data + n * stride[0];
    int sloping = 0, finite = 1, threads = a->options->threads;

#pragma omp parallel for num_threads(threads) collapse(2) \
    reduction(| : sloping) reduction(& : finite)
    for (int64_t i = 0; i < size[1]; i++)
        for (int64_t j = 0; j < size[2]; j++) {
            const cxai_real *row = first + i * stride[1] + j * stride[2];
            for (int64_t k = 0; k < size[3]; k++, row += stride[3]) {
                sloping |= *row != 0;
                finite &= *row - *row == 0;
            }
        }
    return !finite ? BROKEN : sloping ? SLOPING : FLAT;
}

/* Where a picture has no gradient in the first steps, asks for a redirected
   one; returns how many do. */
static int want_redirection(cx_ascent *a, int step)
{
    int wanted = 0;

    for (int n = 0; step <= REDIRECT_STEPS && n < a->batch; n++) {
        if (a->wanted[n] || a->frozen[n])
            continue;
        a->wanted[n] = kind_of(a, n) == FLAT;
        wanted += a->wanted[n];
    }
    return wanted;
}

static cxai_status find_gradient(cx_ascent *a, const cx_transform *transform,
                                 int step, cxai_error *error)
{
    cxai_status status = CXAI_OK;

    if (step > REDIRECT_STEPS)
        status = cx_redirect_remove(&a->redirect, a->session, error);
    if (!status)
        status = look(a, transform, error);
    if (!status)
        status = look_back(a, error);
    if (status || !want_redirection(a, step))
        return status;

    status = cx_redirect_add(&a->redirect, a->session, error);
    if (!status)
        status = look(a, transform, error);
    return status ? status : look_back(a, error);
}

/* Notes objectives and freezes what is not finite; *mean over the pictures. */
static cxai_status take_stock(cx_ascent *a, double *mean, cxai_error *error)
{
    *mean = 0;
    for (int n = 0; n < a->batch; n++) {
        double objective;
        cxai_status status = score(a, n, &objective, error);
        if (status)
            return status;
        if (kind_of(a, n) == BROKEN || !isfinite(objective)) {
            a->frozen[n] = 1;
            a->outcomes[n].status = CXAI_SYNTHESIS_NOT_FINITE;
        }
        a->lowest[n] = fmin(a->lowest[n], objective);
        a->highest[n] = fmax(a->highest[n], objective);
        a->outcomes[n].redirected_steps += a->redirect.done[n];
        a->redirect.done[n] = 0;
        *mean += objective / a->batch;
    }
    return CXAI_OK;
}

static cx_penalty penalty_of(const cx_ascent *a)
{
    return (cx_penalty){ .planes = a->scene.channels,
                         .height = a->scene.frame.height,
                         .width = a->scene.frame.width,
                         .total_variation = a->options->total_variation,
                         .l2 = a->options->l2 };
}

/* From the gradient at the input to one at the pictures. */
static void carry_back(cx_ascent *a, const cx_transform *transform)
{
    int parts = a->options->threads;
    size_t picture = cx_scene_picture_size(&a->scene);
    cx_penalty penalty = penalty_of(a);

#pragma omp parallel for num_threads(parts) schedule(static)
    for (int i = 0; i < a->batch * parts; i++)
        cx_scene_show_adjoint(
            &a->scene, transform, i % parts, parts, &a->dinput, i / parts,
            a->canvas.dpictures + (size_t)(i / parts) * picture);
#pragma omp parallel for num_threads(a->options->threads) schedule(static)
    for (int n = 0; n < a->batch; n++) {
        size_t from = (size_t)n * picture;
        cx_penalty_subtract(&penalty, a->canvas.pictures + from,
                            a->canvas.dpictures + from);
    }
}

static cxai_status step_once(cx_ascent *a, int step, double *mean,
                             cxai_error *error)
{
    cx_change change = draw_change(a, step);
    cx_transform transform = cx_transform_of(&a->scene.frame, &change);
    cxai_status status = find_gradient(a, &transform, step, error);

    if (!status)
        status = take_stock(a, mean, error);
    if (status)
        return status;
    carry_back(a, &transform);
    cx_canvas_climb(&a->canvas, step, a->options->learning_rate, a->frozen);
    return CXAI_OK;
}

/* The objectives of the pictures themselves, unchanged. */
static cxai_status evaluate(cx_ascent *a, int after, cxai_error *error)
{
    cx_change none = { 0 };
    cx_transform transform = cx_transform_of(&a->scene.frame, &none);
    cx_penalty penalty = penalty_of(a);
    size_t size = cx_scene_picture_size(&a->scene);
    cxai_status status = look(a, &transform, error);

    for (int n = 0; !status && n < a->batch; n++) {
        cxai_synthesis_outcome *o = &a->outcomes[n];
        double activation;
        status = score(a, n, &activation, error);
        *(after ? &o->activation_after : &o->activation_before) = activation;
        o->objective =
            activation -
            cx_penalty_value(&penalty, a->canvas.pictures + (size_t)n * size);
        a->lowest[n] = fmin(a->lowest[n], activation);
        a->highest[n] = fmax(a->highest[n], activation);
        if (after && !o->status && a->lowest[n] == a->highest[n])
            o->status = CXAI_SYNTHESIS_STUCK;
    }
    return status;
}

cxai_status cx_ascent_run(cx_ascent *a, const cxai_objective *objectives,
                          int count, int64_t done, int64_t total,
                          cxai_error *error)
{
    const cxai_synthesis_options *o = a->options;

    begin(a, objectives, count);
    cxai_status status = evaluate(a, 0, error);
    for (int step = 1; !status && step <= o->steps; step++) {
        double mean;
        status = step_once(a, step, &mean, error);
        if (!status && o->progress &&
            o->progress(done + step, total, mean, o->payload))
            status = cxai_fail(error, CXAI_STOPPED,
                               "synthesis: stopped at step %d of %d", step,
                               o->steps);
    }
    if (!status)
        status = cx_redirect_remove(&a->redirect, a->session, error);
    return status ? status : evaluate(a, 1, error);
}
