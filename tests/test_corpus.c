/*
 * The fuzzers' targets over their files: what tests/fuzz/corpus/TARGET holds,
 * seeds and everything that ever made a fuzzer stop; each file whole, cut off
 * at many places, and with many single bits turned over. A target ends the
 * program when something is wrong; sanitizers and valgrind see the rest.
 */
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/random.h"
#include "support/check.h"
#include "support/effort.h"

typedef int target_function(const uint8_t *bytes, size_t size);

target_function fuzz_image, fuzz_labels, fuzz_model, fuzz_npy, fuzz_preprocess;

typedef struct target {
    const char *name;
    target_function *function;
} target;

static const target targets[] = {
    { "fuzz_image", fuzz_image },           { "fuzz_labels", fuzz_labels },
    { "fuzz_model", fuzz_model },           { "fuzz_npy", fuzz_npy },
    { "fuzz_preprocess", fuzz_preprocess },
};
enum { TARGETS = sizeof targets / sizeof *targets };

#define CORPUS "tests/fuzz/corpus"

/* In memory exactly as large, so that a read behind it is seen. */
static void run_bytes(const target *t, const uint8_t *bytes, size_t size,
                      size_t flipped_bit)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    if (flipped_bit < 8 * size)
        exact[flipped_bit / 8] ^= (uint8_t)(1u << flipped_bit % 8);
    assert_int_equal(t->function(exact, size), 0);
    free(exact);
}

static void run_file(const target *t, const char *path)
{
    enum { DAMAGES = 40 }; /* of each kind */
    void *bytes;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(path, 0, &bytes, &size, &error), &error);
    run_bytes(t, bytes, size, SIZE_MAX);
    for (size_t i = 0; i < DAMAGES; i++) {
        uint64_t random = cxai_random_bits(size, 0, i);
        run_bytes(t, bytes, size * i / DAMAGES, SIZE_MAX);
        run_bytes(t, bytes, size, (size_t)(random % (8 * size + 1)));
    }
    free(bytes);
}

static void test_target(void **state)
{
    const target *t = *state;
    char path[1024];
    int count = 0;
    snprintf(path, sizeof path, CORPUS "/%s", t->name);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, CORPUS "/%s/%s", t->name, e->d_name);
        run_file(t, path);
        count++;
    }
    closedir(folder);
    assert_true(count > 0);
}

/* Networks and photos as they are, larger than a fuzzer likes. */
static void test_whole_files(void **state)
{
    static const target model = { "fuzz_model", fuzz_model };
    static const target image = { "fuzz_image", fuzz_image };
    (void)state;
    run_file(&model, "tests/data/nets/mobile3.legacy.onnx");
    run_file(&model, "tests/data/nets/shuffle.dynamo.onnx");
    run_file(&image, "data/cat.jpg");
    run_file(&image, "tests/data/preprocess/wide.png");
}

/* The models of the open cases, damaged in the same ways. */
static void test_models_of_cases(void **state)
{
    static const target model = { "fuzz_model", fuzz_model };
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/data/cases/*/*.onnx", 0, NULL, &found), 0);
    int count = effort((int)found.gl_pathc, 20, "models");
    for (int i = 0; i < count; i++)
        run_file(&model, found.gl_pathv[i]);
    globfree(&found);
}

/* Every folder of files has its target here. */
static void test_no_folder_is_left_out(void **state)
{
    (void)state;
    int count = 0;
    DIR *folder = opendir(CORPUS);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder))
        count += e->d_name[0] != '.';
    closedir(folder);
    assert_int_equal(count, TARGETS);
}

int main(void)
{
    struct CMUnitTest tests[TARGETS + 3] = {
        [TARGETS] = cmocka_unit_test(test_whole_files),
        [TARGETS + 1] = cmocka_unit_test(test_models_of_cases),
        [TARGETS + 2] = cmocka_unit_test(test_no_folder_is_left_out),
    };
    for (int i = 0; i < TARGETS; i++)
        tests[i] = (struct CMUnitTest){
            .name = targets[i].name,
            .test_func = test_target,
            .initial_state = (void *)(uintptr_t)&targets[i],
        };
    return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
