#include "support/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cases_checks.h"
#include "support/check.h"
#include "support/reference.h"

#define FOLDER "tests/data/cases"

cJSON *cases_read(void)
{
    return reference_json(FOLDER "/expected.json");
}

const char *cases_path(char *path, const char *file)
{
    char here[2048];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(path, 4096, "%s/" FOLDER "/%s", here, file);
    return path;
}

const cJSON *cases_get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item == NULL)
        fail_msg("a record has no \"%s\"", key);
    return item;
}

const char *cases_text(const cJSON *object, const char *key)
{
    const char *s = cJSON_GetStringValue(cases_get(object, key));
    assert_non_null(s);
    return s;
}

double cases_number(const cJSON *object, const char *key)
{
    return cJSON_GetNumberValue(cases_get(object, key));
}

double *cases_numbers(const cJSON *array, int64_t *count)
{
    const cJSON *data = cases_get(array, "data");
    const cJSON *texts = cJSON_GetObjectItemCaseSensitive(array, "as_text");
    *count = cJSON_GetArraySize(data);
    double *numbers = calloc((size_t)*count + 1, sizeof *numbers);
    assert_non_null(numbers);
    for (int i = 0; i < (int)*count; i++) {
        const cJSON *item = cJSON_GetArrayItem(data, i);
        numbers[i] =
            cJSON_IsNull(item) /* "nan", "-inf" */
                ? strtod(cJSON_GetArrayItem(texts, i)->valuestring, NULL)
                : cJSON_GetNumberValue(item);
    }
    return numbers;
}

cxai_shape cases_shape(const cJSON *array)
{
    const cJSON *dims = cases_get(array, "shape");
    cxai_shape shape = { .rank = cJSON_GetArraySize(dims) };
    assert_in_range(shape.rank, 0, CXAI_MAX_RANK);
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = cJSON_GetArrayItem(dims, i)->valueint;
    return shape;
}

cxai_real *cases_reals(const cJSON *array)
{
    int64_t count;
    double *numbers = cases_numbers(array, &count);
    cxai_real *reals = malloc((size_t)(count + 1) * sizeof *reals);
    assert_non_null(reals);
    for (int64_t i = 0; i < count; i++)
        reals[i] = (cxai_real)numbers[i];
    free(numbers);
    return reals;
}

void cases_check(const cJSON *record, int index)
{
    static const struct {
        const char *kind;
        void (*check)(const cJSON *check);
    } kinds[] = {
        { "run", cases_check_run },         { "grad", cases_check_grad },
        { "cam", cases_check_cam },         { "image", cases_check_image },
        { "preproc", cases_check_preproc }, { "place", cases_check_place },
        { "refuse", cases_check_refuse },   { "either", cases_check_either },
    };
    const cJSON *check = cJSON_GetArrayItem(cases_get(record, "checks"), index);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(cases_text(check, "do"), kinds[i].kind) == 0) {
            kinds[i].check(check);
            return;
        }
    fail_msg("there is no check \"%s\"", cases_text(check, "do"));
}
