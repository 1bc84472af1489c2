/*
 * Whole networks, forwards and backwards, against torch.
 *
 * tests/data/nets/index.json lists small networks as both of PyTorch's
 * exporters write them, with torch's numbers, computed in double
 * (tests/reference/README.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/golden.h"

#define FOLDER "tests/data/nets"
#define IMAGES 3

/* Relative to the largest magnitude of each array. What float32 rounds was
   measured at 6e-7 and less for these networks; the rest is room for another
   machine's order of summation. */
#define TOLERANCE 1e-5

static golden open_network(void **state)
{
    golden g;
    cxai_error error;
    check_ok(golden_open(&g, FOLDER, *state, &error), &error);
    assert_true(g.check_count >= 5);
    assert_int_equal(g.input_shape.dim[0], IMAGES);
    return g;
}

/* Runs `batch` images, beginning with image `first`. */
static void run(const golden *g, cxai_session *session, int64_t first,
                int64_t batch)
{
    cxai_error error;
    check_ok(golden_feed(g, session, first, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(golden_backward(g, session, batch, &error), &error);
}

static cxai_session *open_session(const golden *g, const golden_check *checks,
                                  int count, int64_t batch, int threads)
{
    cxai_error error;
    cxai_session *session;
    check_ok(golden_session(&session, g, checks, count, batch, threads, &error),
             &error);
    return session;
}

static cxai_real *copy(const cxai_session *session, const golden_check *check,
                       int gradient, int64_t *count)
{
    cxai_error error;
    cxai_real *dense =
        golden_copy(session, check->value, gradient, count, &error);
    if (!dense)
        fail_msg("%s", error.message);
    return dense;
}

static const cxai_real *expected(const golden_check *check, int gradient)
{
    return gradient ? check->gradient : check->activation;
}

static void compare(const golden *g, const golden_check *check, int gradient,
                    const cxai_session *session)
{
    int64_t count;
    cxai_real *actual = copy(session, check, gradient, &count);
    assert_int_equal(count, cxai_shape_count(&check->shape));
    double distance = relative_error(actual, expected(check, gradient), count);
    free(actual);
    if (distance > TOLERANCE)
        fail_msg("%s: %s of %s is %.2g of its largest magnitude from torch's",
                 g->file, gradient ? "gradient" : "activation", check->name,
                 distance);
}

static void compare_all(const golden *g, const golden_check *checks, int count)
{
    cxai_session *session = open_session(g, checks, count, 1, 1);
    run(g, session, 0, 1);
    for (int i = 0; i < count; i++)
        for (int gradient = 0; gradient < 2; gradient++)
            if (expected(&checks[i], gradient))
                compare(g, &checks[i], gradient, session);
    cxai_session_free(&session);
}

/* Image `first` of a has the bits of session b's only image. */
static void same(const golden *g, const golden_check *check, int gradient,
                 const cxai_session *a, int64_t first, const cxai_session *b)
{
    int64_t count_a, count_b;
    cxai_real *of_a = copy(a, check, gradient, &count_a);
    cxai_real *of_b = copy(b, check, gradient, &count_b);
    assert_true((first + 1) * count_b <= count_a);
    int differs =
        memcmp(of_a + first * count_b, of_b, (size_t)count_b * sizeof *of_b);
    free(of_a);
    free(of_b);
    if (differs)
        fail_msg("%s: %s of %s differs", g->file,
                 gradient ? "gradient" : "activation", check->name);
}

static void same_all(const golden *g, const golden_check *checks, int count,
                     const cxai_session *a, int64_t first,
                     const cxai_session *b)
{
    for (int i = 0; i < count; i++)
        for (int gradient = 0; gradient < 2; gradient++)
            if (expected(&checks[i], gradient))
                same(g, &checks[i], gradient, a, first, b);
}

/* ---- tests: *state is the file's entry in the index ---- */

static void agrees_with_torch(void **state)
{
    golden g = open_network(state);
    assert_int_equal(cxai_model_logits(g.model), g.logits);
    compare_all(&g, g.checks, g.check_count);
    golden_close(&g);
}

/* With nothing watched inside, everything may be fused. */
static void agrees_with_torch_when_fused(void **state)
{
    golden g = open_network(state);
    golden_check ends[2];
    int count = 0;
    for (int i = 0; i < g.check_count; i++)
        if (g.checks[i].value == g.logits ||
            g.checks[i].value == cxai_model_input(g.model, 0))
            ends[count++] = g.checks[i];
    assert_int_equal(count, 2);
    compare_all(&g, ends, count);
    golden_close(&g);
}

static void gives_the_same_bits_with_two_threads(void **state)
{
    golden g = open_network(state);
    cxai_session *one = open_session(&g, g.checks, g.check_count, 1, 1);
    cxai_session *two = open_session(&g, g.checks, g.check_count, 1, 2);
    run(&g, one, 0, 1);
    run(&g, two, 0, 1);
    same_all(&g, g.checks, g.check_count, one, 0, two);
    cxai_session_free(&one);
    cxai_session_free(&two);
    golden_close(&g);
}

/* Parameters are left out: their gradient is a sum over the batch. */
static void gives_each_image_of_a_batch_its_own_bits(void **state)
{
    golden g = open_network(state);
    golden_check inner[GOLDEN_MAX_CHECKS];
    int count = 0;
    for (int i = 0; i < g.check_count; i++)
        if (!cxai_model_constant(g.model, g.checks[i].value).data)
            inner[count++] = g.checks[i];
    cxai_session *batch = open_session(&g, inner, count, IMAGES, 1);
    cxai_session *single = open_session(&g, inner, count, 1, 1);
    run(&g, batch, 0, IMAGES);
    for (int64_t image = 0; image < IMAGES; image++) {
        run(&g, single, image, 1);
        same_all(&g, inner, count, batch, image, single);
    }
    cxai_session_free(&batch);
    cxai_session_free(&single);
    golden_close(&g);
}

/* ---- the list of tests is made from the index ---- */

static int add_test(struct CMUnitTest *test, cJSON *entry, const char *name,
                    CMUnitTestFunction function)
{
    char *title = malloc(128);
    if (!title)
        exit(1);
    snprintf(title, 128, "%s %s",
             cJSON_GetStringValue(cJSON_GetObjectItem(entry, "file")), name);
    *test = (struct CMUnitTest){ .name = title,
                                 .test_func = function,
                                 .initial_state = entry };
    return 1;
}

static int add_tests(struct CMUnitTest *tests, cJSON *entry)
{
    int n = 0;
    n += add_test(tests + n, entry, "agrees", agrees_with_torch);
    n += add_test(tests + n, entry, "agrees when fused",
                  agrees_with_torch_when_fused);
    n += add_test(tests + n, entry, "has the same bits with two threads",
                  gives_the_same_bits_with_two_threads);
    if (cJSON_IsTrue(cJSON_GetObjectItem(entry, "free_batch")))
        n += add_test(tests + n, entry, "has the same bits in a batch",
                      gives_each_image_of_a_batch_its_own_bits);
    return n;
}

int main(void)
{
    cxai_error error;
    cJSON *entry, *index = golden_index(FOLDER, &error);
    cJSON *files = cJSON_GetObjectItem(index, "files");
    int files_count = cJSON_GetArraySize(files), count = 0;
    struct CMUnitTest *tests = calloc((size_t)files_count * 4, sizeof *tests);
    if (files_count == 0 || !tests) {
        fprintf(stderr, "%s\n", index ? "no files" : error.message);
        return 1;
    }
    cJSON_ArrayForEach(entry, files) count += add_tests(tests + count, entry);
    int failed =
        _cmocka_run_group_tests("networks", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free((void *)(uintptr_t)tests[i].name);
    free(tests);
    cJSON_Delete(index);
    return failed;
}
