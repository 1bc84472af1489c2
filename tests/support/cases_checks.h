/* What the files of the case checks share. */
#ifndef TEST_SUPPORT_CASES_CHECKS_H
#define TEST_SUPPORT_CASES_CHECKS_H

#include "support/cases.h"

/* A record's parts; a missing one fails the test. */
const cJSON *cases_get(const cJSON *object, const char *key);
const char *cases_text(const cJSON *object, const char *key);
double cases_number(const cJSON *object, const char *key);

/* The numbers of an array as reals, to be ended with free(). */
cxai_real *cases_reals(const cJSON *array);

/* The model of a check, loaded from the folder where the check wants to
   stand. */
cxai_model *cases_load(const cJSON *check);

/* The number of a value by its exact name. */
int cases_value(const cxai_model *model, const char *name);

/* 1 when a number is as wanted; NaN and infinities must be the same. */
int cases_close(double got, double want, double tolerance);
/* 1 when a view has the shape and the numbers of an array. */
int cases_agree(const cxai_tensor *view, const cJSON *array, double tolerance);

/* One kind of check each. */
void cases_check_run(const cJSON *check);
void cases_check_grad(const cJSON *check);
void cases_check_either(const cJSON *check);
void cases_check_cam(const cJSON *check);
void cases_check_place(const cJSON *check);
void cases_check_image(const cJSON *check);
void cases_check_preproc(const cJSON *check);
void cases_check_refuse(const cJSON *check);

#endif
