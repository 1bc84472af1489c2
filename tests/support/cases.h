/*
 * The situations of tests/data/cases: reads expected.json and runs the checks
 * in it that a program can run. tests/reference/caselib.py says what a record
 * holds; a "behave" check is words, and has a test of its own.
 */
#ifndef TEST_SUPPORT_CASES_H
#define TEST_SUPPORT_CASES_H

#include <cjson/cJSON.h>

#include "cxai/model.h"

/* The records, to be ended with cJSON_Delete; the array "cases" holds them. */
cJSON *cases_read(void);

/* Runs check number `index` of a case: "run", "grad", "cam", "image",
   "preproc", "place", "refuse" or "either". Fails the test through cmocka. */
void cases_check(const cJSON *record, int index);

/* The path of a file of the cases ("O01/model.onnx"), from the root, so that
   it holds in any folder. path has 4096 bytes; it is returned. */
const char *cases_path(char *path, const char *file);

/* The model of a file; fails the test when it cannot be loaded. */
cxai_model *cases_model(const char *file);

/* The numbers of an array of the records, to be ended with free(). */
double *cases_numbers(const cJSON *array, int64_t *count);
cxai_shape cases_shape(const cJSON *array);

#endif
