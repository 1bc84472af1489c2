/* Checks of files that must be refused: by the library with an error, by the
   program with one line, soon and without much memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/file.h"
#include "cxai/image.h"
#include "support/cases_checks.h"
#include "support/check.h"
#include "support/program.h"

/* ---- a graph in a graph ---- */

/* Bytes that grow at both ends. */
typedef struct bytes {
    unsigned char *room;
    size_t start, end;
} bytes;

enum { A_LEVEL = 64, THE_REST = 256 };

static void put_before(bytes *b, const void *what, size_t size)
{
    b->start -= size;
    memcpy(b->room + b->start, what, size);
}

static void put_behind(bytes *b, const void *what, size_t size)
{
    memcpy(b->room + b->end, what, size);
    b->end += size;
}

/* Puts a field's tag (below 16, with a length) and the size of all that b
   holds before it. */
static void enclose(bytes *b, int field)
{
    unsigned char tag[12] = { (unsigned char)(field << 3 | 2) };
    size_t size = b->end - b->start, count = 1;
    for (; size > 127; size >>= 7)
        tag[count++] = (unsigned char)(size & 127) | 128;
    tag[count++] = (unsigned char)size;
    put_before(b, tag, count);
}

/* A ModelProto whose graph is If(cond){ If(cond){ ... Identity(x) } }. */
static void write_nested_if(const char *path, int levels)
{
    /* output "q" of shape [1]; the fields' numbers are those of onnx.proto */
    static const char output[] = "\x62\x0f\x0a\x01q\x12\x0a\x0a\x08\x08\x01\x12"
                                 "\x04\x0a\x02\x08\x01";
    static const char leaf[] = "\x0a\x10\x0a\x01x\x12\x01q\x22\x08Identity";
    static const char node[] = "\x0a\x04"
                               "cond\x12\x01q\x22\x02If";
    static const char branch[] = "\x0a\x0bthen_branch";
    static const char type[] = "\xa0\x01\x05"; /* GRAPH */
    static const char opset[] = "\x42\x02\x10\x0d";
    size_t half = (size_t)levels * A_LEVEL + THE_REST;
    cxai_error error;
    bytes b = { malloc(2 * half), half, half };
    assert_non_null(b.room);
    put_behind(&b, leaf, sizeof leaf - 1);
    put_behind(&b, output, sizeof output - 1);
    for (int i = 0; i < levels; i++) {
        enclose(&b, 6);
        put_before(&b, branch, sizeof branch - 1);
        put_behind(&b, type, sizeof type - 1);
        enclose(&b, 5);
        put_before(&b, node, sizeof node - 1);
        enclose(&b, 1);
        put_behind(&b, output, sizeof output - 1);
    }
    enclose(&b, 7);
    put_before(&b, "\x08\x07", 2);
    put_behind(&b, opset, sizeof opset - 1);
    check_ok(cxai_file_write(path, b.room + b.start, b.end - b.start, &error),
             &error);
    free(b.room);
}

/* ---- refusals ---- */

static int is_model(const char *path)
{
    const char *end = strrchr(path, '.');
    return end != NULL && strcmp(end, ".onnx") == 0;
}

/* 1 when a text holds one of the words. */
static int mentions(const char *text, const cJSON *words)
{
    const cJSON *word;
    cJSON_ArrayForEach(word,
                       words) if (strstr(text, word->valuestring)) return 1;
    return 0;
}

/* Loading, or shaping what was loaded, fails. */
static void refuse_by_library(const char *path, const cJSON *words)
{
    cxai_error error = { CXAI_OK, "" };
    cxai_status status;
    if (is_model(path)) {
        cxai_model *model;
        status = cxai_model_load(&model, path, NULL, &error);
        if (status == CXAI_OK) {
            cxai_shape *shapes =
                calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
            assert_non_null(shapes);
            status = cxai_model_shapes(model, NULL, shapes, &error);
            free(shapes);
        }
        cxai_model_free(&model);
    } else {
        cxai_image image;
        status = cxai_image_load(&image, path, NULL, NULL, &error);
        cxai_image_free(&image);
    }
    if (status == CXAI_OK)
        fail_msg("%s was accepted", path);
    if (!mentions(error.message, words))
        fail_msg("the message says none of the words: %s", error.message);
}

static void refuse_by_program(const char *path, const cJSON *check)
{
    program_answer a;
    if (is_model(path))
        program_call(&a, "summary", "-m", path);
    else
        program_call(&a, "classify", path);
    const char *end = strchr(a.error, '\n');
    if (a.code <= 0)
        fail_msg("%s: the program ended with %d", path, a.code);
    if (end == NULL || end[1] != '\0' ||
        !mentions(a.error, cases_get(check, "mention")))
        fail_msg("not one clear line: %s", a.error);
    double most_seconds = cases_number(check, "max_seconds");
    double most_mb = cases_number(check, "max_rss_mb");
    if (program_is_measurable() &&
        (a.seconds > most_seconds || (double)a.peak_mb > most_mb))
        fail_msg("%s took %.2f s and %ld MB", path, a.seconds, a.peak_mb);
    program_clear(&a);
}

/* 1 for a picture that may be refused or read, and is read as it should be:
   "decoded correctly to (r,g,b)", in its middle. */
static int is_read_instead(const char *path, const cJSON *check)
{
    const cJSON *allowed =
        cJSON_GetObjectItemCaseSensitive(check, "also_allowed");
    int rgb[3];
    cxai_image image;
    if (allowed == NULL ||
        sscanf(allowed->valuestring, "decoded correctly to (%d,%d,%d)", &rgb[0],
               &rgb[1], &rgb[2]) != 3 ||
        cxai_image_load(&image, path, NULL, NULL, NULL) != CXAI_OK)
        return 0;
    size_t middle = (size_t)(image.height / 2) * (size_t)image.width +
                    (size_t)image.width / 2;
    for (int c = 0; c < 3; c++) /* lossy */
        assert_in_range(image.pixels[middle * 3 + (size_t)c] + 4, rgb[c],
                        rgb[c] + 8);
    cxai_image_free(&image);
    return 1;
}

void cases_check_refuse(const cJSON *check)
{
    char path[4096];
    const cJSON *nested = cJSON_GetObjectItemCaseSensitive(check, "nested_if");
    cases_path(path, cases_text(check, "file"));
    if (nested != NULL) {
        snprintf(path, sizeof path, "/tmp/cxai-nested-%d-%ld.onnx",
                 nested->valueint, (long)getpid());
        write_nested_if(path, nested->valueint);
    }
    if (is_read_instead(path, check))
        return;
    refuse_by_library(path, cases_get(check, "mention"));
    refuse_by_program(path, check);
    if (nested != NULL)
        remove(path);
}
