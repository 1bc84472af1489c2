/* Weights outside of the model's file: where they are found, and that no name
   leads out of the model's folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cxai/file.h"
#include "cxai/model.h"
#include "graph/graph.h"
#include "support/check.h"
#include "support/model_file.h"

/* A new folder; all paths of a test are relative to it. */
static char folder[64];
static char start_folder[4096];

static int enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/cxai-test-XXXXXX");
    if (getcwd(start_folder, sizeof start_folder) == NULL ||
        mkdtemp(folder) == NULL)
        return -1;
    return chdir(folder);
}

static int leave_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return chdir(start_folder) != 0 || system(command) != 0;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    cxai_error error;
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
}

/* Eight bytes that are not the weights, then 1, -2.5 as floats. */
static const uint8_t data[16] = { 9, 9, 9,    9,    9, 9, 9,    9,
                                  0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0 };

static void write_model(const char *path, int32_t data_type,
                        const char *location, const char *offset,
                        const char *length)
{
    model_file file;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,2");
    model_file_external(&file, model_file_weight(&file, "w", data_type, "2"),
                        location, offset, length);
    model_file_node(&file, "Relu", "relu", "x", "y");
    model_file_output(&file, "y");
    model_file_output(&file, "w");
    size_t size;
    const void *bytes = model_file_pack(&file, &size);
    write_file(path, bytes, size);
    model_file_end(&file);
}

static void assert_loads(const char *path, double first, double second)
{
    cxai_model *model;
    cxai_error error;
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    const cx_literal *w = model->values[cxai_model_output(model, 1)].literal;
    assert_true(cx_literal_number(w, 0) == first);
    assert_true(cx_literal_number(w, 1) == second);
    cxai_model_free(&model);
}

static void assert_refused(const char *path, cxai_status status,
                           const char *cause)
{
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_error(cxai_model_load(&model, path, NULL, &error), &error, status,
                cause);
    assert_null(model);
    assert_memory_equal(error.message, path, strlen(path));
}

static void beside_the_model(void **state)
{
    (void)state;
    write_file("w.bin", data, sizeof data);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    assert_loads("m.onnx", 1, -2.5);
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/m.onnx", folder);
    assert_loads(absolute, 1, -2.5);
    /* length left out; offset left out */
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", NULL);
    assert_loads("m.onnx", 1, -2.5);
    write_file("w.bin", data + 8, 8);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "./w.bin", NULL, NULL);
    assert_loads("m.onnx", 1, -2.5);
}

static void other_types(void **state)
{
    (void)state;
    write_file("w.bin", data, sizeof data);
    /* 0x3f80, 0x0000 as bfloat16; as float16 1.875 */
    write_model("m.onnx", TENSOR_TYPE(BFLOAT16), "w.bin", "10", "4");
    assert_loads("m.onnx", 1, 0);
    write_model("m.onnx", TENSOR_TYPE(FLOAT16), "w.bin", "10", "4");
    assert_loads("m.onnx", 1.875, 0);
    write_model("m.onnx", TENSOR_TYPE(UINT8), "w.bin", "14", "2");
    assert_loads("m.onnx", 32, 192);
    write_model("m.onnx", TENSOR_TYPE(INT32), "w.bin", "8", "8");
    assert_loads("m.onnx", 0x3f800000, -1071644672);
    /* 0x3f800000 and 0xc0200000 behind an odd number of bytes */
    write_file("w.bin", data + 1, sizeof data - 1);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "7", "8");
    assert_loads("m.onnx", 1, -2.5);
}

static void in_a_folder_below(void **state)
{
    (void)state;
    assert_int_equal(mkdir("weights", 0700), 0);
    write_file("weights/..w", data, sizeof data);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "weights/..w", "8", "8");
    assert_loads("m.onnx", 1, -2.5);
}

/* A download cache: snapshot/m.onnx -> ../blobs/a, snapshot/w.bin ->
   ../blobs/b. */
static void links_into_a_cache(void **state)
{
    (void)state;
    assert_int_equal(mkdir("blobs", 0700), 0);
    assert_int_equal(mkdir("snapshot", 0700), 0);
    write_model("blobs/a", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    write_file("blobs/b", data, sizeof data);
    assert_int_equal(symlink("../blobs/a", "snapshot/m.onnx"), 0);
    assert_int_equal(symlink("../blobs/b", "snapshot/w.bin"), 0);
    assert_loads("snapshot/m.onnx", 1, -2.5);
    /* a link of the user's own to the link, relative and absolute */
    char here[2000], target[2100];
    assert_int_equal(symlink("snapshot/m.onnx", "mine.onnx"), 0);
    assert_loads("mine.onnx", 1, -2.5);
    assert_non_null(getcwd(here, sizeof here));
    snprintf(target, sizeof target, "%s/mine.onnx", here);
    assert_int_equal(mkdir("else", 0700), 0);
    assert_int_equal(symlink(target, "else/where.onnx"), 0);
    assert_loads("else/where.onnx", 1, -2.5);
    assert_int_equal(symlink("round.onnx", "round.onnx"), 0);
    assert_refused("round.onnx", CXAI_IO, "round.onnx");
}

static void ways_out(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "../w.bin", "/etc/passwd", "a/../../w.bin", "..", "a/..", "", "//x",
    };
    assert_int_equal(mkdir("in", 0700), 0);
    write_file("w.bin", data, sizeof data);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        write_model("in/m.onnx", TENSOR_TYPE(FLOAT), ways[i], "8", "8");
        assert_refused("in/m.onnx", CXAI_MALFORMED,
                       "only files in the model's own folder are read");
    }
    /* a link beside the model that leads elsewhere */
    assert_int_equal(symlink("../w.bin", "in/w.bin"), 0);
    write_model("in/m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    assert_refused("in/m.onnx", CXAI_MALFORMED, "a link that leads out");
    /* a folder whose name only begins like the model's */
    assert_int_equal(mkdir("inside", 0700), 0);
    write_file("inside/w.bin", data, sizeof data);
    assert_int_equal(symlink("../inside", "in/link"), 0);
    write_model("in/m.onnx", TENSOR_TYPE(FLOAT), "link/w.bin", "8", "8");
    assert_refused("in/m.onnx", CXAI_MALFORMED, "a link that leads out");
}

static void broken_files(void **state)
{
    (void)state;
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    assert_refused(
        "m.onnx", CXAI_NOT_FOUND,
        "the weight \"w\" lies in the external file \"./w.bin\", which cannot "
        "be opened");
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:00\nsize 8\n";
    write_file("w.bin", pointer, sizeof pointer);
    assert_refused("m.onnx", CXAI_MALFORMED, "a Git LFS pointer");
    write_file("w.bin", data, 15);
    assert_refused("m.onnx", CXAI_MALFORMED,
                   "needs 8 bytes from byte 8 of \"w.bin\", which has only 15");
    write_file("w.bin", data, 0);
    assert_refused("m.onnx", CXAI_MALFORMED, "which has only 0");
    write_file("w.bin", data, sizeof data);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "4");
    assert_refused("m.onnx", CXAI_MALFORMED, "needs 8 bytes");
    static const char *const numbers[] = { "-8", "x", "8x",
                                           " 8", "",  "99999999999999999999" };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", numbers[i], "8");
        assert_refused("m.onnx", CXAI_MALFORMED, "external offset");
    }
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "18446744073709551615",
                "8");
    assert_refused("m.onnx", CXAI_MALFORMED, "needs 8 bytes");
}

static void other_than_files(void **state)
{
    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "d", "0", "8");
    assert_refused("m.onnx", CXAI_IO, "no regular file");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "pipe", "0", "8");
    assert_refused("m.onnx", CXAI_IO, "no regular file");
}

static void from_memory(void **state)
{
    (void)state;
    write_file("w.bin", data, sizeof data);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    void *bytes;
    size_t size;
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_ok(cxai_file_read("m.onnx", 0, &bytes, &size, &error), &error);
    check_ok(cxai_model_load_memory(&model, bytes, size, ".", NULL, &error),
             &error);
    cxai_model_free(&model);
    check_error(cxai_model_load_memory(&model, bytes, size, NULL, NULL, &error),
                &error, CXAI_UNSUPPORTED, "not read from a folder");
    check_error(
        cxai_model_load_memory(&model, bytes, size, "gone", NULL, &error),
        &error, CXAI_NOT_FOUND, "\"gone/w.bin\", which cannot be opened");
    free(bytes);
}

static void refuse_above(const cxai_limits *limits, const char *cause)
{
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_error(cxai_model_load(&model, "m.onnx", limits, &error), &error,
                CXAI_LIMIT, cause);
    assert_null(model);
}

static void limits(void **state)
{
    (void)state;
    write_file("w.bin", data, sizeof data);
    write_model("m.onnx", TENSOR_TYPE(FLOAT), "w.bin", "8", "8");
    refuse_above(&(cxai_limits){ .tensor_bytes = 2 * sizeof(cxai_real) - 1 },
                 "the weight \"w\" is declared with more than 1 elements");
    refuse_above(&(cxai_limits){ .memory_bytes = 100 }, "more than 100");
    /* the model's file is smaller, the data's is not */
    uint8_t large[1000] = { 0 };
    write_file("w.bin", large, sizeof large);
    refuse_above(&(cxai_limits){ .file_bytes = 999 },
                 "\"w.bin\" has 1000 bytes");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(beside_the_model),   TEST(other_types), TEST(in_a_folder_below),
        TEST(links_into_a_cache), TEST(ways_out),    TEST(broken_files),
        TEST(other_than_files),   TEST(from_memory), TEST(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
