/*
 * Numbers of other libraries: an index of cases in JSON beside the arrays that
 * the scripts of tests/reference wrote. What cannot be read fails the test
 * through cmocka.
 */
#ifndef TEST_SUPPORT_REFERENCE_H
#define TEST_SUPPORT_REFERENCE_H

#include <cjson/cJSON.h>

#include "cxai/tensor.h"

/* A JSON file, to be ended with cJSON_Delete. */
cJSON *reference_json(const char *path);

typedef struct reference {
    cJSON *index;
    cxai_real *numbers; /* of all cases, one behind the other */
    cxai_real *input;   /* that all cases explain, or NULL */
    cxai_shape numbers_shape, input_shape;
} reference;

/* folder/index.json, folder/numbers and, where it is not NULL, the array
   `input`, a path. */
void reference_open(reference *r, const char *folder, const char *numbers,
                    const char *input);
void reference_close(reference *r);

/* The dimensions are those that the case lists as "shape". */
void reference_check_shape(const cJSON *one, const cxai_shape *shape);

#endif
