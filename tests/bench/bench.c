/*
 * Times a model, one run a line, so that a script can take turns with another
 * program:
 *
 *     bench MODEL THREADS
 *
 * Reads lines from standard input and prints the milliseconds of each:
 *
 *     forward    logits
 *     gradcam    logits, and the gradient of the largest at the last spatial
 *                layer (what Grad-CAM costs besides its map)
 *     gradient   logits, and the gradient of the largest at the input
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cxai/random.h"
#include "cxai/session.h"

typedef struct work {
    const char *name;
    cxai_session *session;
    int backward;
} work;

enum { FORWARD, GRADCAM, GRADIENT, WORKS };

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static cxai_status create(const cxai_model *model, const cxai_shape *shape,
                          int threads, work works[WORKS], cxai_error *error)
{
    int logits = cxai_model_logits(model), input = cxai_model_input(model, 0);
    int layer;
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    if (!shapes)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory");
    cxai_status status = cxai_model_shapes(model, shape, shapes, error);
    if (!status)
        status = cxai_model_cam_layer(model, shapes, &layer, error);
    free(shapes);
    if (status)
        return status;
    int64_t size = cxai_shape_count(shape);
    cxai_real *picture = malloc((size_t)size * sizeof *picture);
    if (!picture)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory");
    for (int64_t i = 0; i < size; i++)
        picture[i] = (cxai_real)cxai_random_normal(1, 0, (uint64_t)i);
    cxai_request requests[WORKS] = {
        [FORWARD] = { .watch = &logits, .watch_count = 1 },
        [GRADCAM] = { .watch = &layer,
                      .watch_count = 1,
                      .target = logits,
                      .wrt = &layer,
                      .wrt_count = 1 },
        [GRADIENT] = { .target = logits, .wrt = &input, .wrt_count = 1 },
    };
    for (int i = 0; !status && i < WORKS; i++) {
        requests[i].input_shape = *shape;
        requests[i].threads = threads;
        works[i].backward = requests[i].wrt_count > 0;
        status =
            cxai_session_create(&works[i].session, model, &requests[i], error);
        if (!status)
            status = cxai_session_set(works[i].session, input, picture, error);
    }
    free(picture);
    return status;
}

/* Seed of the largest logit, into a zeroed array. */
static cxai_status backward(const work *w, cxai_real *seed, int64_t count,
                            cxai_error *error)
{
    cxai_tensor logits;
    int64_t best = 0;
    int value = cxai_model_logits(cxai_session_model(w->session));
    cxai_status status = cxai_session_value(w->session, value, &logits, error);
    if (status)
        return status;
    cxai_tensor_read(&logits, seed);
    for (int64_t i = 0; i < count; i++)
        best = seed[i] > seed[best] ? i : best;
    memset(seed, 0, (size_t)count * sizeof *seed);
    seed[best] = 1;
    return cxai_session_backward(w->session, seed, error);
}

static cxai_status answer(const work *works, cxai_real *seed, int64_t count,
                          cxai_error *error)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        int i = 0;
        line[strcspn(line, "\n")] = 0;
        while (i < WORKS && strcmp(works[i].name, line) != 0)
            i++;
        if (i == WORKS)
            return cxai_fail(error, CXAI_INVALID, "unknown work %s", line);
        double start = milliseconds();
        cxai_status status = cxai_session_forward(works[i].session, error);
        if (!status && works[i].backward)
            status = backward(&works[i], seed, count, error);
        if (status)
            return status;
        printf("%.3f\n", milliseconds() - start);
        fflush(stdout);
    }
    return CXAI_OK;
}

int main(int argc, char **argv)
{
    work works[WORKS] = { { "forward", NULL, 0 },
                          { "gradcam", NULL, 0 },
                          { "gradient", NULL, 0 } };
    cxai_error error;
    cxai_model *model = NULL;
    cxai_real *seed = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: bench MODEL THREADS\n");
        return 2;
    }
    cxai_status status = cxai_model_load(&model, argv[1], NULL, &error);
    if (!status) {
        cxai_shape input = cxai_model_input_shape(model, 0), logits;
        input.dim[0] = 1;
        status = create(model, &input, atoi(argv[2]), works, &error);
        if (!status)
            status =
                cxai_session_shape(works[FORWARD].session,
                                   cxai_model_logits(model), &logits, &error);
        int64_t count = status ? 0 : cxai_shape_count(&logits);
        seed = calloc((size_t)count + 1, sizeof *seed);
        if (!status && seed)
            status = answer(works, seed, count, &error);
    }
    if (status)
        fprintf(stderr, "%s\n", error.message);
    for (int i = 0; i < WORKS; i++)
        cxai_session_free(&works[i].session);
    cxai_model_free(&model);
    free(seed);
    return status != CXAI_OK;
}
