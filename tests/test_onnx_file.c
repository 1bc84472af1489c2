/* What a model file may be, and the one clear line for what it may not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/model.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/net.h"

static void refuse_bytes(const void *bytes, size_t size, cxai_status wanted,
                         const char *cause)
{
    cxai_model *model;
    cxai_error error = { .message = "" };
    cxai_status status =
        cxai_model_load_memory(&model, bytes, size, NULL, NULL, &error);
    check_error(status, &error, wanted, cause);
    assert_null(model);
}

/* ---- files that are something else ---- */

static void other_formats(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *cause;
    } others[] = {
        { "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
          60, "Git LFS pointer" },
        { "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, "a PNG image" },
        { "\xff\xd8\xff\xe0\0\x10JFIF", 10, "a JPEG image" },
        { "PK\x03\x04\x14\0\0\0", 8, "a ZIP archive" },
        { "\x89HDF\r\n\x1a\n\0", 9, "an HDF5 file" },
        { "\x80\x02}q\0", 5, "a Python pickle" },
        { "\x1f\x8b\x08\0", 4, "gzip data" },
        { "\x1c\0\0\0TFL3", 8, "a TensorFlow Lite model" },
        { "<!DOCTYPE html>", 15, "an HTML or XML page" },
        { "{\"size\": 224}", 13, "JSON text" },
        { "\x93NUMPY\1\0", 8, "a NumPy array" },
        { "RIFF\x24\0\0\0WEBPVP8 ", 16, "a WebP image" },
        { "II*\0\x08\0\0\0", 8, "a TIFF image" },
        { "\x40\0\0\0\0\0\0\0{\"w\":", 13, "a safetensors file" },
        { "404: Not Found\n", 15, "text" },
        { "hello, world", 12, "text" },
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        refuse_bytes(others[i].bytes, others[i].size, CXAI_MALFORMED,
                     others[i].cause);
    refuse_bytes("", 0, CXAI_MALFORMED, "the file is empty");
    refuse_bytes("\0\0\0\0\0\0\0\0", 8, CXAI_MALFORMED, "byte 0");
}

static void missing_files(void **state)
{
    (void)state;
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_error(cxai_model_load(&model, "no/such.onnx", NULL, &error), &error,
                CXAI_NOT_FOUND, "no/such.onnx");
    assert_null(model);
    check_error(cxai_model_load(&model, "tests", NULL, &error), &error, CXAI_IO,
                "tests");
    cxai_limits limits = { .file_bytes = 100 };
    check_error(cxai_model_load(&model, "data/labels.txt", &limits, &error),
                &error, CXAI_LIMIT, "data/labels.txt");
    assert_null(model);
}

/* No part of a file is taken for a whole. */
static void cut_off(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    size_t size;
    const uint8_t *bytes = model_file_pack(&file, &size);
    for (size_t part = 1; part < size; part++) {
        uint8_t *copy = malloc(part); /* so that sanitizers see its end */
        assert_non_null(copy);
        memcpy(copy, bytes, part);
        refuse_bytes(copy, part, CXAI_MALFORMED, "model: ");
        free(copy);
    }
    refuse_bytes(bytes, size / 2, CXAI_MALFORMED, "truncated");
    model_file_end(&file);
}

/* Any byte may be anything: a model or one clear line comes out. */
static void damaged(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    size_t size, loaded = 0, refused = 0;
    uint8_t *bytes = (uint8_t *)(uintptr_t)model_file_pack(&file, &size);
    for (size_t i = 0; i < size; i++) {
        for (unsigned flip = 1; flip < 256; flip += 2) {
            cxai_model *model;
            cxai_error error = { .message = "" };
            bytes[i] ^= (uint8_t)flip;
            if (cxai_model_load_memory(&model, bytes, size, NULL, NULL,
                                       &error) == CXAI_OK) {
                loaded++;
            } else {
                refused++;
                assert_null(model);
                assert_true(strlen(error.message) > strlen("model: "));
            }
            cxai_model_free(&model);
            bytes[i] ^= (uint8_t)flip;
        }
    }
    assert_true(loaded > 0 && refused > loaded);
    model_file_end(&file);
}

/* ---- versions and operators ---- */

static void versions(void **state)
{
    (void)state;
    model_file file;
    for (int64_t opset = 6; opset <= 28; opset += 22) {
        model_file_sum(&file, opset);
        cxai_model *model = model_file_load(&file);
        assert_int_equal(cxai_model_opset(model), opset);
        cxai_model_free(&model);
    }
    model_file_sum(&file, 5);
    model_file_refused(&file, CXAI_UNSUPPORTED,
                       "uses opset 5; 6 to 28 are supported");
    model_file_sum(&file, 29);
    model_file_refused(&file, CXAI_UNSUPPORTED, "uses opset 29");
    model_file_sum(&file, INT64_MAX);
    model_file_refused(&file, CXAI_UNSUPPORTED,
                       "uses opset 9223372036854775807");
    model_file_sum(&file, 13);
    file.model.n_opset_import = 0;
    model_file_refused(&file, CXAI_MALFORMED, "which opset");
    model_file_sum(&file, 13);
    file.model.opset_import[0]->domain = model_file_text(&file, "com.example");
    model_file_refused(&file, CXAI_MALFORMED, "which opset");
    model_file_sum(&file, 13);
    file.model.ir_version = 15;
    model_file_refused(&file, CXAI_UNSUPPORTED, "IR version 15");
    model_file_sum(&file, 13);
    file.model.has_ir_version = 0;
    model_file_refused(&file, CXAI_MALFORMED, "no IR version");
    model_file_sum(&file, 13);
    file.model.graph = NULL;
    model_file_refused(&file, CXAI_MALFORMED, "no graph");
}

/* The default domain has two names. */
static void default_domain(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    file.model.opset_import[0]->domain = model_file_text(&file, "ai.onnx");
    file.graph->node[0]->domain = model_file_text(&file, "ai.onnx");
    cxai_model *model = model_file_load(&file);
    assert_int_equal(cxai_model_opset(model), 13);
    assert_string_equal(cxai_model_node(model, 0).domain, "");
    cxai_model_free(&model);
}

/* All that is unsupported is named at once. */
static void unsupported_operators(void **state)
{
    (void)state;
    static const char *const types[] = { "If", "Loop", "Scan", "Unique" };
    model_file file;
    model_file_sum(&file, 13);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "z%zu", i);
        model_file_node(&file, types[i], name, "x", name);
        model_file_output(&file, name);
    }
    size_t size;
    const void *bytes = model_file_pack(&file, &size);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        refuse_bytes(bytes, size, CXAI_UNSUPPORTED, types[i]);
    model_file_end(&file);

    model_file_sum(&file, 13);
    file.graph->node[0]->domain = model_file_text(&file, "com.example");
    model_file_refused(&file, CXAI_UNSUPPORTED, "com.example.Relu");
}

/* An If inside an If inside an If ..., put together from its inside. */
static void endless_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 100000, ROOM = DEPTH * 64 };
    static const uint8_t operator_type[] = { 0x22, 2, 'I', 'f' };
    static const uint8_t output[] = { 0x12, 1, 'y' };
    uint8_t *room = malloc(ROOM);
    assert_non_null(room);
    uint8_t *at = room + ROOM;
#define PUT_LENGTH(field)                                                      \
    do {                                                                       \
        size_t length = (size_t)(room + ROOM - at);                            \
        uint8_t text[10], *end = text;                                         \
        for (; length > 127; length >>= 7)                                     \
            *end++ = (uint8_t)(length | 128);                                  \
        *end++ = (uint8_t)length;                                              \
        at -= end - text;                                                      \
        memcpy(at, text, (size_t)(end - text));                                \
        *--at = (field) << 3 | 2;                                              \
    } while (0)
    for (int i = 0; i < DEPTH; i++) {
        if (i > 0) {
            PUT_LENGTH(6); /* AttributeProto.g */
            PUT_LENGTH(5); /* NodeProto.attribute */
        }
        at -= sizeof output;
        memcpy(at, output, sizeof output);
        at -= sizeof operator_type;
        memcpy(at, operator_type, sizeof operator_type);
        PUT_LENGTH(1); /* GraphProto.node */
    }
    /* the outermost graph has an input "x" and an output "y" */
    static const uint8_t rest[] = { 0x5a, 15,   0x0a, 1,    'x', 0x12, 10, 0x0a,
                                    8,    0x08, 1,    0x12, 4,   0x0a, 2,  0x08,
                                    3,    0x62, 3,    0x0a, 1,   'y' };
    at -= sizeof rest;
    memcpy(at, rest, sizeof rest);
    PUT_LENGTH(7); /* ModelProto.graph */
    static const uint8_t head[] = { 0x08, 8, 0x42, 2, 0x10, 13 };
    at -= sizeof head;
    memcpy(at, head, sizeof head);
#undef PUT_LENGTH
    refuse_bytes(at, (size_t)(room + ROOM - at), CXAI_UNSUPPORTED,
                 "unsupported operators: If");
    free(room);
}

/* A node of two bytes takes near two hundred in memory. */
static void more_than_it_seems(void **state)
{
    (void)state;
    enum { NODES = 200000 };
    uint8_t *bytes = calloc(NODES * 2 + 16, 1);
    assert_non_null(bytes);
    size_t at = 0;
    bytes[at++] = 7 << 3 | 2;
    bytes[at++] = (NODES * 2 & 127) | 128;
    bytes[at++] = (NODES * 2 >> 7 & 127) | 128;
    bytes[at++] = NODES * 2 >> 14;
    for (int i = 0; i < NODES; i++, at += 2)
        bytes[at] = 1 << 3 | 2;
    refuse_bytes(bytes, at, CXAI_LIMIT, "unpack to more than");
    free(bytes);
}

static void too_many_nodes(void **state)
{
    (void)state;
    model_file file;
    model_file_sum(&file, 13);
    size_t size;
    const void *bytes = model_file_pack(&file, &size);
    cxai_limits limits = { .nodes = 1 };
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_error(
        cxai_model_load_memory(&model, bytes, size, NULL, &limits, &error),
        &error, CXAI_LIMIT, "more than 1 nodes");
    model_file_end(&file);
}

/* A few bytes that stand for many: constants are counted before they are
   made. */
static void constants_that_grow(void **state)
{
    (void)state;
    static const int64_t megabyte[] = { 1 << 18 };
    const cxai_limits limits = { .memory_bytes = 6 << 20 };
    for (int count = 1; count <= 8; count *= 2) {
        model_file file;
        cxai_model *model;
        cxai_error error;
        char input[32] = "size", output[32];
        model_file_start(&file, 13);
        model_file_input(&file, "x", "1");
        model_file_raw(
            &file, model_file_weight(&file, "size", TENSOR_TYPE(INT64), "1"),
            megabyte, sizeof megabyte);
        for (int i = 0; i < count; i++) {
            snprintf(output, sizeof output, "c%d", i);
            model_file_node(&file, i == 0 ? "ConstantOfShape" : "Neg", "",
                            input, output);
            strcpy(input, output);
        }
        char inputs[64];
        snprintf(inputs, sizeof inputs, "x,%s", output);
        model_file_node(&file, "Add", "", inputs, "y");
        model_file_output(&file, "y");
        size_t size;
        const void *bytes = model_file_pack(&file, &size);
        cxai_status status =
            cxai_model_load_memory(&model, bytes, size, NULL, &limits, &error);
        if ((size_t)count * sizeof(cxai_real) <= 4 * sizeof(float))
            check_ok(status, &error);
        else
            check_error(status, &error, CXAI_LIMIT, "of memory");
        cxai_model_free(&model);
        model_file_end(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(damaged),
        cmocka_unit_test(versions),
        cmocka_unit_test(default_domain),
        cmocka_unit_test(unsupported_operators),
        cmocka_unit_test(endless_nesting),
        cmocka_unit_test(more_than_it_seems),
        cmocka_unit_test(too_many_nodes),
        cmocka_unit_test(constants_that_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
