/*
 * The fuzzers' targets over their files: what tests/fuzz/corpus/TARGET holds,
 * seeds and everything that ever made a fuzzer stop. A target ends the program
 * when something is wrong; sanitizers and valgrind see the rest.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "support/check.h"

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

static void run_file(const target *t, const char *name)
{
    char path[1024];
    void *bytes;
    size_t size;
    cxai_error error;
    snprintf(path, sizeof path, CORPUS "/%s/%s", t->name, name);
    check_ok(cxai_file_read(path, 0, &bytes, &size, &error), &error);
    /* exactly as large as the file, so that a read behind it is seen */
    void *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    free(bytes);
    assert_int_equal(t->function(exact, size), 0);
    free(exact);
}

static void test_target(void **state)
{
    const target *t = *state;
    char path[256];
    int count = 0;
    snprintf(path, sizeof path, CORPUS "/%s", t->name);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] == '.')
            continue;
        run_file(t, e->d_name);
        count++;
    }
    closedir(folder);
    assert_true(count > 0);
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
    struct CMUnitTest tests[TARGETS + 1] = {
        [TARGETS] = cmocka_unit_test(test_no_folder_is_left_out),
    };
    for (int i = 0; i < TARGETS; i++)
        tests[i] = (struct CMUnitTest){
            .name = targets[i].name,
            .test_func = test_target,
            .initial_state = (void *)(uintptr_t)&targets[i],
        };
    return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
