/*
 * Networks with golden numbers: reads the index that tests/reference/nets.py
 * and zoo.py write, and runs a network as torch was run.
 */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <cjson/cJSON.h>

#include "cxai/session.h"

#define GOLDEN_MAX_CHECKS 16

/* One value to compare; NULL where the number was not kept. */
typedef struct golden_check {
    const char *name;
    int value;
    cxai_shape shape;
    const cxai_real *activation;
    const cxai_real *gradient;
    double sensitivity; /* how far float32 may take the gradient, relative to
                           its largest magnitude; 0: not kept */
} golden_check;

/* One file of an index. Gradients are those of logit `target`. */
typedef struct golden {
    const char *file;
    cxai_model *model;
    cxai_real *input; /* one or more images */
    cxai_shape input_shape;
    cxai_real *numbers;
    int64_t number_count;
    const cxai_real *onnxruntime; /* its output, or NULL */
    int exact;  /* the file has torch's weights, not products of them */
    int logits; /* the value before any softmax */
    int64_t classes;
    int64_t target;
    int check_count;
    golden_check checks[GOLDEN_MAX_CHECKS];
} golden;

/* folder/index.json, to be ended with cJSON_Delete; its array "files" holds
   the entries. NULL after a failure. */
cJSON *golden_index(const char *folder, cxai_error *error);

/* Loads an entry's model and numbers. The entry must outlive *out. On failure
 *out needs no golden_close. */
cxai_status golden_open(golden *out, const char *folder, const cJSON *entry,
                        cxai_error *error);
void golden_close(golden *g);

/* A session for `batch` images that watches the activations and
   differentiates by the values that the checks name. */
cxai_status golden_session(cxai_session **out, const golden *g,
                           const golden_check *checks, int count, int64_t batch,
                           int threads, cxai_error *error);

/* Feeds `batch` images, beginning with image `first`. */
cxai_status golden_feed(const golden *g, cxai_session *session, int64_t first,
                        cxai_error *error);

/* The gradient of the target's logit of every image. */
cxai_status golden_backward(const golden *g, cxai_session *session,
                            int64_t batch, cxai_error *error);

/* A dense copy of a value's activation or gradient, to be ended with free();
   NULL after a failure. */
cxai_real *golden_copy(const cxai_session *session, int value, int gradient,
                       int64_t *count, cxai_error *error);

#endif
