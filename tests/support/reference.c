#include "support/reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "cxai/file.h"
#include "support/check.h"

cJSON *reference_json(const char *path)
{
    void *text;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(path, 0, &text, &size, &error), &error);
    cJSON *json = cJSON_ParseWithLength(text, size);
    free(text);
    assert_non_null(json);
    return json;
}

void reference_open(reference *r, const char *folder, const char *numbers,
                    const char *input)
{
    char path[256];
    cxai_error error;
    *r = (reference){ 0 };
    snprintf(path, sizeof path, "%s/index.json", folder);
    r->index = reference_json(path);
    snprintf(path, sizeof path, "%s/%s", folder, numbers);
    check_ok(cxai_npy_load(path, 0, &r->numbers, &r->numbers_shape, &error),
             &error);
    if (input != NULL)
        check_ok(cxai_npy_load(input, 0, &r->input, &r->input_shape, &error),
                 &error);
}

void reference_close(reference *r)
{
    cJSON_Delete(r->index);
    free(r->numbers);
    free(r->input);
}

void reference_check_shape(const cJSON *one, const cxai_shape *shape)
{
    const cJSON *wanted = cJSON_GetObjectItem(one, "shape");
    assert_int_equal(shape->rank, cJSON_GetArraySize(wanted));
    for (int axis = 0; axis < shape->rank; axis++)
        assert_int_equal(shape->dim[axis],
                         cJSON_GetArrayItem(wanted, axis)->valueint);
}
