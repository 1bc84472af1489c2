/*
 * Fuzzing of the small text files beside a model: preprocessing (JSON) and
 * labels. Any bytes are read or answered with one clear line.
 *
 *     clang -fsanitize=fuzzer,address,undefined ...   a libFuzzer target
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/labels.h"
#include "cxai/preprocess.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void read_preprocessing(const char *text, size_t size)
{
    cxai_preprocess p;
    cxai_error error = { .message = "" };
    char line[512];
    require(cxai_preprocess_defaults(&p, NULL, &error) == CXAI_OK);
    if (cxai_preprocess_parse(&p, text, size, "fuzz.json", "folder", &error)) {
        require(error.message[0] != '\0');
        return;
    }
    require(p.width >= 1 && p.width <= 16384 && p.height >= 1);
    require(p.scale != 0 && isfinite(p.scale) && p.std[2] != 0);
    require(p.labels[0] == '\0' || strncmp(p.labels, "folder/", 7) == 0);
    require(strstr(p.labels, "..") == NULL);
    require(strlen(cxai_preprocess_text(&p, line, sizeof line)) > 0);
}

static void read_labels(const char *text, size_t size)
{
    cxai_labels *labels;
    cxai_error error = { .message = "" };
    if (cxai_labels_parse(&labels, text, size, "fuzz", &error)) {
        require(labels == NULL && error.message[0] != '\0');
        return;
    }
    int count = cxai_labels_count(labels), index;
    require(count > 0 && cxai_labels_name(labels, count - 1) != NULL);
    (void)cxai_labels_find(labels, cxai_labels_name(labels, 0), &index, &error);
    (void)cxai_labels_find(labels, "Cat", &index, &error);
    cxai_labels_free(&labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    read_preprocessing((const char *)bytes, size);
    read_labels((const char *)bytes, size);
    return 0;
}
