#include "baseline.h"

#include <stdlib.h>
#include <string.h>

/* A flat picture of this sample. */
static const struct {
    const char *name;
    double sample;
} flat[] = {
    { "black", 0 },
    { "grey", 127.5 },
    { "white", 255 },
};

cxai_status baseline_make(cxai_real **out, const char *name,
                          const workbench *bench, cxai_error *error)
{
    size_t i = 0, count = sizeof flat / sizeof *flat;
    *out = NULL;
    if (strcmp(name, "zero") == 0)
        return CXAI_OK;
    while (i < count && strcmp(flat[i].name, name) != 0)
        i++;
    if (i == count)
        return cxai_fail(error, CXAI_NOT_FOUND,
                         "there is no baseline \"%s\"; there are zero, black, "
                         "grey and white",
                         name);
    if (bench->no_pictures.status != CXAI_OK)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "baseline %s: %s; take --baseline zero", name,
                         bench->no_pictures.message);
    size_t numbers = (size_t)cxai_shape_count(&bench->input_shape);
    *out = malloc(numbers * sizeof **out);
    if (*out == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a baseline");
    cxai_preprocess_flat(&bench->preprocess, flat[i].sample, *out);
    return CXAI_OK;
}
