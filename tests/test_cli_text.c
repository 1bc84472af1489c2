/*
 * What commands print: columns that stand whatever the labels, numbers that are
 * none, layers that are meant to hold -infinity.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "support/check.h"
#include "support/cli.h"
#include "support/model_file.h"

static void add_weight(model_file *file, const char *name, const char *dims,
                       const float *numbers, size_t count)
{
    model_file_raw(file,
                   model_file_weight(file, name, TENSOR_TYPE(FLOAT), dims),
                   numbers, count * sizeof *numbers);
}

static void save(const fixture *f, model_file *file, const char *name)
{
    char path[256];
    size_t size;
    cxai_error error;
    const void *bytes = model_file_pack(file, &size);
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(file);
}

/* x of (1,3,1,1) goes through one more node with a weight of 3 numbers; the
   values are called x, m, f, y. */
static void save_network(const fixture *f, const char *name, const char *type,
                         const float weight[3])
{
    model_file file;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,3,1,1");
    add_weight(&file, "w", "1,3,1,1", weight, 3);
    model_file_node(&file, type, "node", "x,w", "m");
    model_file_node(&file, "Flatten", "flat", "m", "f");
    model_file_node(&file, "Softmax", "softmax", "f", "y");
    model_file_output(&file, "y");
    save(f, &file, name);
}

static void save_input(const fixture *f, cxai_real a, cxai_real b, cxai_real c)
{
    char path[256];
    cxai_error error;
    const cxai_shape shape = { 3, { 3, 1, 1 } };
    snprintf(path, sizeof path, "%s/x.npy", f->folder);
    check_ok(
        cxai_npy_save(path, (const cxai_real[]){ a, b, c }, &shape, &error),
        &error);
}

/* Bytes before "probability" in line number `line` from 1. */
static int bytes_before(const fixture *f, int line)
{
    const char *at = f->out;
    for (int i = 0; i < line; i++)
        at = strchr(at, '\n') + 1;
    return (int)(strstr(at, "probability") - at);
}

/* The widest of the names, 40 columns, makes the column: "été" has two bytes
   more than columns, a character of three bytes takes two. */
static void test_columns_of_labels(void **state)
{
    fixture *f = *state;
    const float one[] = { 1, 1, 1 };
    save_network(f, "net.onnx", "Mul", one);
    save_input(f, 3, 2, 1);
    succeed(f, "printf 'four times ten columns of one long name.\\n"
               "\\303\\251t\\303\\251\\n\\347\\212\\254\\n' > labels && "
               "cxai classify x.npy -m net.onnx --labels labels");
    int plain = bytes_before(f, 1);
    assert_int_equal(plain, 2 + 5 + 2 + 40 + 2);
    assert_int_equal(bytes_before(f, 2), plain + 2);
    assert_int_equal(bytes_before(f, 3), plain + 1);
}

/* 0/0 is a NaN whose sign bit some machines set: it says nothing. */
static void test_nan_has_no_sign(void **state)
{
    fixture *f = *state;
    const float zero[] = { 0, 0, 0 };
    save_network(f, "net.onnx", "Div", zero);
    save_input(f, 0, 0, 0);
    assert_int_equal(sh(f, "cxai classify x.npy -m net.onnx"), 1);
    assert_non_null(strstr(f->out, " nan"));
    assert_null(strstr(f->out, "-nan"));
    assert_int_equal(sh(f, "cxai activations x.npy -m net.onnx -l m "
                           "--statistics -o m.png"),
                     1);
    assert_non_null(strstr(f->out, " nan"));
    assert_null(strstr(f->out, "-nan"));
}

/* A weight of -infinity, which the softmax turns into zeros, is a mask. The
   same number out of a logarithm, or a weight that is NaN, is a failure. */
static void test_masks_are_no_failure(void **state)
{
    fixture *f = *state;
    const float mask[] = { 0, -INFINITY, 0 }, bad[] = { 0, NAN, 0 };
    const float large[] = { 3e38f, 3e38f, 3e38f };
    save_network(f, "mask.onnx", "Add", mask);
    save_network(f, "bad.onnx", "Add", bad);
    save_network(f, "large.onnx", "Mul", large);
    save_input(f, 1, -2, 3);
    succeed(f, "cxai activations x.npy -m mask.onnx --all -o maps/");
    assert_string_equal(f->error, "");
    refuse(f, "cxai activations x.npy -m bad.onnx -l m -o m.png", 1,
           "the weight \"w\" has such numbers");
    save_input(f, 0, -2, 0); /* 0, -infinity, 0: an overflow */
    refuse(f, "cxai activations x.npy -m large.onnx -l m -o m.png", 1,
           "from node \"node\" (Mul)");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cli_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_columns_of_labels),
        TEST(test_nan_has_no_sign),
        TEST(test_masks_are_no_failure),
    };
    return cmocka_run_group_tests_name("cli text", tests, NULL, NULL);
}
