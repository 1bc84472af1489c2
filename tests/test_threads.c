/*
 * Several threads at once, each with sessions of its own on one model: every
 * bit as from one thread alone. The thread sanitizer (make SANITIZE=thread)
 * sees what does not show in the bits.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "cxai/session.h"
#include "support/check.h"

enum { THREADS = 4, ROUNDS = 3 };

static const char *const files[] = {
    "tests/data/nets/mobile3.legacy.onnx",
    "tests/data/nets/google.dynamo.onnx",
    "tests/data/nets/shuffle.legacy.onnx",
    "tests/data/nets/int8.onnx",
};

/* One picture's way through a network and back. cmocka's assertions are for
   the main thread alone, so the outcome is a status. */
typedef struct job {
    const cxai_model *model;
    uint64_t seed;   /* of the picture */
    int threads;     /* of the session */
    cxai_real *out;  /* the logits, then the gradient at the input */
    size_t out_size; /* bytes */
    cxai_status status;
    cxai_error error;
} job;

static cxai_real *random_numbers(int64_t count, uint64_t seed)
{
    cxai_real *numbers = malloc((size_t)count * sizeof *numbers);
    for (int64_t i = 0; numbers != NULL && i < count; i++)
        numbers[i] = (cxai_real)cxai_random_normal(seed, 0, (uint64_t)i);
    return numbers;
}

/* Feeds, runs, goes back from all logits at once, and reads both. */
static cxai_status run_session(job *j, cxai_session *session, int input,
                               int logits)
{
    cxai_shape in, out;
    cxai_tensor value, gradient;
    cxai_status status = cxai_session_shape(session, input, &in, &j->error);
    if (status == CXAI_OK)
        status = cxai_session_shape(session, logits, &out, &j->error);
    if (status != CXAI_OK)
        return status;
    int64_t in_count = cxai_shape_count(&in);
    int64_t out_count = cxai_shape_count(&out);
    cxai_real *picture = random_numbers(in_count, j->seed);
    cxai_real *seed = random_numbers(out_count, j->seed + 1);
    j->out_size = (size_t)(in_count + out_count) * sizeof *j->out;
    free(j->out);
    j->out = malloc(j->out_size);
    if (picture == NULL || seed == NULL || j->out == NULL)
        status = cxai_fail(&j->error, CXAI_NO_MEMORY, "no memory");
    if (status == CXAI_OK)
        status = cxai_session_set(session, input, picture, &j->error);
    if (status == CXAI_OK)
        status = cxai_session_forward(session, &j->error);
    if (status == CXAI_OK)
        status = cxai_session_backward(session, seed, &j->error);
    if (status == CXAI_OK)
        status = cxai_session_value(session, logits, &value, &j->error);
    if (status == CXAI_OK)
        status = cxai_session_gradient(session, input, &gradient, &j->error);
    if (status == CXAI_OK) {
        cxai_tensor_read(&value, j->out);
        cxai_tensor_read(&gradient, j->out + out_count);
    }
    free(picture);
    free(seed);
    return status;
}

static void *run(void *argument)
{
    job *j = argument;
    int input = cxai_model_input(j->model, 0);
    int logits = cxai_model_logits(j->model);
    cxai_request request = {
        .watch = &logits,
        .watch_count = 1,
        .target = logits,
        .wrt = &input,
        .wrt_count = 1,
        .keep = j->seed % 2 == 0,
        .threads = j->threads,
    };
    for (int round = 0; round < ROUNDS && j->status == CXAI_OK; round++) {
        cxai_session *session;
        j->status =
            cxai_session_create(&session, j->model, &request, &j->error);
        if (j->status == CXAI_OK)
            j->status = run_session(j, session, input, logits);
        cxai_session_free(&session);
    }
    return NULL;
}

static void test_sessions_of_one_model(void **state)
{
    cxai_error error;
    cxai_model *model;
    job jobs[THREADS] = { { 0 } }, alone = { 0 };
    pthread_t threads[THREADS];
    check_ok(cxai_model_load(&model, *state, NULL, &error), &error);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ .model = model,
                         .seed = (uint64_t)i / 2,
                         .threads = 1 + i % 2 };
        assert_int_equal(pthread_create(&threads[i], NULL, run, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        check_ok(jobs[i].status, &jobs[i].error);
        alone.model = model;
        alone.seed = jobs[i].seed;
        alone.threads = 1;
        run(&alone);
        check_ok(alone.status, &alone.error);
        assert_int_equal(jobs[i].out_size, alone.out_size);
        assert_memory_equal(jobs[i].out, alone.out, alone.out_size);
        free(jobs[i].out);
    }
    /* different pictures give different bits, so that the above says
       something */
    jobs[0] = (job){ .model = model, .seed = 99, .threads = 1 };
    run(&jobs[0]);
    check_ok(jobs[0].status, &jobs[0].error);
    assert_memory_not_equal(jobs[0].out, alone.out, alone.out_size);
    free(jobs[0].out);
    free(alone.out);
    cxai_model_free(&model);
}

/* Loading shares nothing either. */
static void *load_and_run(void *argument)
{
    job *j = argument;
    cxai_model *model;
    j->status = cxai_model_load(&model, files[0], NULL, &j->error);
    if (j->status == CXAI_OK) {
        j->model = model;
        run(j);
    }
    cxai_model_free(&model);
    return NULL;
}

static void test_models_of_one_file(void **state)
{
    (void)state;
    job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ .seed = 7, .threads = 1 };
        assert_int_equal(
            pthread_create(&threads[i], NULL, load_and_run, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        check_ok(jobs[i].status, &jobs[i].error);
        assert_int_equal(jobs[i].out_size, jobs[0].out_size);
        assert_memory_equal(jobs[i].out, jobs[0].out, jobs[0].out_size);
    }
    for (int i = 0; i < THREADS; i++)
        free(jobs[i].out);
}

#define NETWORK(index)                                                         \
    {                                                                          \
        files[index], test_sessions_of_one_model, NULL, NULL,                  \
            (void *)(uintptr_t)files[index]                                    \
    }

/* Those that the process may run on, as coreutils' nproc says; without OpenMP,
   as the thread sanitizer has it, one. */
static void test_processors(void **state)
{
    (void)state;
    int count = 0;
    FILE *nproc =
        popen("env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc", "r");
    assert_non_null(nproc);
    assert_int_equal(fscanf(nproc, "%d", &count), 1);
    assert_int_equal(pclose(nproc), 0);
#ifndef _OPENMP
    count = 1;
#endif
    assert_int_equal(cxai_processors(), count > 256 ? 256 : count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_of_one_file), /* first: nothing is warm */
        NETWORK(0),
        NETWORK(1),
        NETWORK(2),
        NETWORK(3),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
