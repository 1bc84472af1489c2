/*
 * Times one model, a run a line, so that a script can take turns with other
 * programs:
 *
 *     bench MODEL
 *
 * Each line of standard input asks for one run, WORK BATCH THREADS [LAYER],
 * and is answered with one JSON object: the question, the milliseconds that
 * the run took, and the largest resident set of the process so far in MiB.
 *
 *     forward       logits
 *     gradcam       logits, and the gradient of the largest at the last spatial
 *                   layer (what Grad-CAM costs besides its map)
 *     gradient      logits, and the gradient of the largest at the input
 *     synthesis     128 steps for channel 5 of LAYER, batch pictures at once
 *     ascent        the same on plain pixels, which are shown as they are
 *     METHOD        any method of cxai_heatmap_table, whole, with its sessions
 *
 * The first three are prepared once and run a first time, outside the clock;
 * LAYER is the default layer unless given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cxai/heatmap.h"
#include "cxai/random.h"
#include "cxai/synthesis.h"

typedef struct question {
    char work[64], layer[192];
    int batch, threads;
} question;

/* A prepared session with its question; they form a list. */
typedef struct prepared {
    question asked;
    cxai_session *session;
    cxai_real *seed; /* of the logits' shape */
    int64_t classes;
    struct prepared *next;
} prepared;

typedef struct bench {
    const char *path;
    cxai_model *model;
    prepared *sessions;
} bench;

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
}

static cxai_shape input_shape(const bench *b, int batch)
{
    cxai_shape shape = cxai_model_input_shape(b->model, 0);
    shape.dim[0] = batch;
    return shape;
}

/* Normal noise, or NULL without memory; the caller frees it. */
static cxai_real *pictures(const cxai_shape *shape)
{
    int64_t count = cxai_shape_count(shape);
    cxai_real *x = malloc((size_t)count * sizeof *x);
    for (int64_t i = 0; x != NULL && i < count; i++)
        x[i] = (cxai_real)cxai_random_normal(1, 0, (uint64_t)i);
    return x;
}

static cxai_status find_layer(const bench *b, const question *q,
                              const cxai_shape *shape, int *layer,
                              cxai_error *error)
{
    if (q->layer[0] != '\0')
        return cxai_model_find(b->model, q->layer, layer, error);
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(b->model), sizeof *shapes);
    if (shapes == NULL)
        return no_memory(error);
    cxai_status status = cxai_model_shapes(b->model, shape, shapes, error);
    if (status == CXAI_OK)
        status = cxai_model_cam_layer(b->model, shapes, layer, error);
    free(shapes);
    return status;
}

/* ---- prepared sessions --------------------------------------------------- */

static int is_prepared(const question *q)
{
    return strcmp(q->work, "forward") == 0 || strcmp(q->work, "gradcam") == 0 ||
           strcmp(q->work, "gradient") == 0;
}

static cxai_status fill_session(const bench *b, prepared *p,
                                const cxai_shape *shape, cxai_error *error)
{
    cxai_shape logits;
    int value = cxai_model_logits(b->model);
    cxai_status status = cxai_session_shape(p->session, value, &logits, error);
    if (status != CXAI_OK)
        return status;
    p->classes = cxai_shape_count(&logits) / p->asked.batch;
    p->seed = calloc((size_t)cxai_shape_count(&logits) + 1, sizeof *p->seed);
    cxai_real *x = pictures(shape);
    if (x == NULL || p->seed == NULL)
        status = no_memory(error);
    else
        status = cxai_session_set(p->session, cxai_model_input(b->model, 0), x,
                                  error);
    free(x);
    return status;
}

static cxai_status prepare(bench *b, const question *q, cxai_error *error)
{
    cxai_shape shape = input_shape(b, q->batch);
    int logits = cxai_model_logits(b->model), wrt;
    cxai_request request = {
        .input_shape = shape,
        .threads = q->threads,
        .watch = &logits,
        .watch_count = 1,
        .target = logits,
        .wrt = &wrt,
        .wrt_count = strcmp(q->work, "forward") != 0,
    };
    cxai_status status = CXAI_OK;
    if (strcmp(q->work, "gradient") == 0)
        wrt = cxai_model_input(b->model, 0);
    else
        status = find_layer(b, q, &shape, &wrt, error);
    if (status != CXAI_OK)
        return status;
    prepared *p = calloc(1, sizeof *p);
    if (p == NULL)
        return no_memory(error);
    *p = (prepared){ .asked = *q, .next = b->sessions };
    b->sessions = p;
    status = cxai_session_create(&p->session, b->model, &request, error);
    return status == CXAI_OK ? fill_session(b, p, &shape, error) : status;
}

static void free_sessions(bench *b)
{
    while (b->sessions != NULL) {
        prepared *p = b->sessions;
        b->sessions = p->next;
        cxai_session_free(&p->session);
        free(p->seed);
        free(p);
    }
}

/* The session of a question, which is made when it is new. */
static cxai_status open_session(bench *b, const question *q, prepared **out,
                                cxai_error *error)
{
    for (*out = b->sessions; *out != NULL; *out = (*out)->next) {
        const question *a = &(*out)->asked;
        if (strcmp(a->work, q->work) == 0 && a->batch == q->batch &&
            a->threads == q->threads && strcmp(a->layer, q->layer) == 0)
            return CXAI_OK;
    }
    cxai_status status = prepare(b, q, error);
    *out = b->sessions;
    return status;
}

/* Forward and, unless that is all, the gradient of each picture's largest
   logit. */
static cxai_status run_session(prepared *p, cxai_error *error)
{
    cxai_tensor logits;
    int value = cxai_model_logits(cxai_session_model(p->session));
    cxai_status status = cxai_session_forward(p->session, error);
    if (status != CXAI_OK || strcmp(p->asked.work, "forward") == 0)
        return status;
    status = cxai_session_value(p->session, value, &logits, error);
    if (status != CXAI_OK)
        return status;
    cxai_tensor_read(&logits, p->seed);
    for (int n = 0; n < p->asked.batch; n++) {
        cxai_real *seed = p->seed + n * p->classes;
        int64_t best = 0;
        for (int64_t i = 0; i < p->classes; i++)
            best = seed[i] > seed[best] ? i : best;
        memset(seed, 0, (size_t)p->classes * sizeof *seed);
        seed[best] = 1;
    }
    return cxai_session_backward(p->session, p->seed, error);
}

/* ---- whole methods ------------------------------------------------------- */

static cxai_status run_synthesis(const bench *b, const question *q,
                                 cxai_error *error)
{
    enum { STEPS = 128, CHANNEL = 5, MOST = 64 };
    cxai_shape shape = input_shape(b, 1);
    cxai_target target[MOST];
    cxai_objective objective[MOST];
    cxai_synthesis_options options = cxai_synthesis_defaults();
    cxai_synthesis made = { 0 };
    int layer, count = q->batch < MOST ? q->batch : MOST;
    cxai_status status = find_layer(b, q, &shape, &layer, error);
    for (int i = 0; i < count && status == CXAI_OK; i++) {
        target[i] = cxai_target_channel(layer, CHANNEL + i);
        objective[i] = (cxai_objective){ &target[i], 1 };
    }
    options.steps = STEPS;
    options.threads = q->threads;
    if (strcmp(q->work, "ascent") == 0) {
        options.plain_pixels = options.plain_colour = 1;
        options.jitter = 0;
        options.scale = options.rotation = 0;
    }
    if (status == CXAI_OK)
        status = cxai_synthesize(&made, b->model, NULL, objective, count,
                                 &options, error);
    cxai_synthesis_free(&made);
    return status;
}

static cxai_status run_method(const bench *b, const question *q,
                              cxai_error *error)
{
    const cxai_heatmap_method *method;
    cxai_shape shape = input_shape(b, 1);
    cxai_target target = cxai_target_channel(cxai_model_logits(b->model), 0);
    cxai_heatmap_options options = cxai_heatmap_defaults();
    cxai_heatmap map = { 0 };
    options.threads = q->threads;
    options.batch = q->batch;
    options.keep = 1;
    cxai_status status = cxai_heatmap_find(&method, q->work, error);
    if (status == CXAI_OK && q->layer[0] != '\0')
        status = cxai_model_find(b->model, q->layer, &options.layer, error);
    if (status != CXAI_OK)
        return status;
    cxai_real *x = pictures(&shape);
    if (x == NULL)
        return no_memory(error);
    status = cxai_heatmap_compute(&map, method, b->model, &shape, x, &target, 1,
                                  &options, error);
    cxai_heatmap_clear(&map);
    free(x);
    return status;
}

/* ---- questions and answers ----------------------------------------------- */

static cxai_status run(bench *b, const question *q, double *took,
                       cxai_error *error)
{
    prepared *p = NULL;
    cxai_status status =
        is_prepared(q) ? open_session(b, q, &p, error) : CXAI_OK;
    if (status != CXAI_OK)
        return status;
    if (p != NULL)
        status = run_session(p, error); /* wakes the threads */
    double start = milliseconds();
    if (status != CXAI_OK)
        return status;
    if (p != NULL)
        status = run_session(p, error);
    else if (strcmp(q->work, "synthesis") == 0 ||
             strcmp(q->work, "ascent") == 0)
        status = run_synthesis(b, q, error);
    else
        status = run_method(b, q, error);
    *took = milliseconds() - start;
    return status;
}

static void answer(const bench *b, const question *q, double took)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"model\": \"%s\", \"work\": \"%s\", \"batch\": %d, "
           "\"threads\": %d, \"ms\": %.3f, \"peak_mib\": %.1f}\n",
           b->path, q->work, q->batch, q->threads, took,
           (double)usage.ru_maxrss / 1024);
    fflush(stdout);
}

static cxai_status answer_all(bench *b, cxai_error *error)
{
    char line[320];
    cxai_status status = CXAI_OK;
    while (status == CXAI_OK && fgets(line, sizeof line, stdin) != NULL) {
        question q = { .batch = 1 };
        double took = 0;
        if (sscanf(line, "%63s %d %d %191s", q.work, &q.batch, &q.threads,
                   q.layer) < 3 ||
            q.batch < 1 || q.threads < 1)
            return cxai_fail(error, CXAI_INVALID,
                             "expected WORK BATCH THREADS [LAYER]");
        status = run(b, &q, &took, error);
        if (status == CXAI_OK)
            answer(b, &q, took);
    }
    return status;
}

int main(int argc, char **argv)
{
    cxai_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: bench MODEL\n");
        return 2;
    }
    bench b = { .path = argv[1] };
    cxai_status status = cxai_model_load(&b.model, argv[1], NULL, &error);
    if (status == CXAI_OK)
        status = answer_all(&b, &error);
    if (status != CXAI_OK)
        fprintf(stderr, "bench: %s\n", error.message);
    free_sessions(&b);
    cxai_model_free(&b.model);
    return status != CXAI_OK;
}
