/*
 * The README's example programs, which the build has cut out and compiled
 * (build/readme/hook and build/readme/method), print what they should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/model.h"
#include "support/check.h"

#define MODEL "data/efficientnet-lite0.int8.onnx"

/* First line that a command prints; the command must exit with 0. */
static void first_line(const char *command, char *line, int size)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    if (fgets(line, size, pipe) == NULL)
        line[0] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static void example(const char *name, const char *rest, char *line, int size)
{
    const char *folder = getenv("CXAI_EXAMPLES");
    char command[1024];
    if (folder == NULL)
        fail_msg("CXAI_EXAMPLES must name the folder of built examples");
    const char *runner = getenv("RUNNER");
    snprintf(command, sizeof command, "%s %s/%s %s",
             runner != NULL ? runner : "", folder, name, rest);
    first_line(command, line, size);
}

/* Behind "head" stand a mean over 7 x 7 and a linear layer: the gradient of
   logit c is W[c][k] / 49 everywhere. */
static void test_hook(void **state)
{
    (void)state;
    enum { CLASS = 235, CHANNEL = 100, CHANNELS = 1280 };
    cxai_error error;
    cxai_model *model;
    check_ok(cxai_model_load(&model, MODEL, NULL, &error), &error);
    cxai_node last = cxai_model_node(model, cxai_model_node_count(model) - 1);
    cxai_tensor weights = cxai_model_constant(model, last.inputs[1]);
    assert_non_null(weights.data);
    double want = (double)weights.data[CLASS * CHANNELS + CHANNEL] / 49;
    cxai_model_free(&model);

    char line[256], shape[64];
    double got;
    long long channel;
    example("hook", MODEL " data/dog.jpg head 100 235", line, sizeof line);
    assert_int_equal(sscanf(line, "gradient %63[^,], channel %lld: %lf", shape,
                            &channel, &got),
                     3);
    assert_string_equal(shape, "1x1280x7x7");
    assert_int_equal(channel, CHANNEL);
    assert_true(got - want < 1e-6 && want - got < 1e-6); /* 6 digits printed */
}

/* Where the gradient is the same at every position, HiRes-CAM is CAM, whose
   hottest cell onnxruntime names: row 2, column 5 of 7 x 7
   (tests/reference/readme.py). A cell covers 32 x 32 pixels. */
static void test_method(void **state)
{
    (void)state;
    enum { CELL = 32, ROW = 2, COLUMN = 5 };
    char line[256];
    int column, row;
    example("method", MODEL " data/dog.jpg 235", line, sizeof line);
    assert_int_equal(
        sscanf(line, "hottest at column %d, row %d", &column, &row), 2);
    assert_int_equal(column / CELL, COLUMN);
    assert_int_equal(row / CELL, ROW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_method),
    };
    return cmocka_run_group_tests_name("readme", tests, NULL, NULL);
}
