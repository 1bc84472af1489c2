#include "support/preprocess.h"

#include <string.h>

#include "support/check.h"

cxai_preprocess preprocess_of(const char *json)
{
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    check_ok(
        cxai_preprocess_parse(&p, json, strlen(json), "x.json", NULL, &error),
        &error);
    return p;
}
