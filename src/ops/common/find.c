#include "ops/operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const cx_operator *cx_operator_find(const char *name)
{
    for (int f = 0; cx_operator_families[f] != NULL; f++) {
        const cx_operator_family *family = cx_operator_families[f];
        for (int i = 0; i < family->count; i++)
            if (strcmp(family->operators[i].name, name) == 0)
                return &family->operators[i];
    }
    return NULL;
}

cxai_status(cx_refuse)(const cx_case *c, cxai_status status, const char *format,
                       ...)
{
    char message[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return cxai_fail(c->error, status, "%s: %s", c->label, message);
}
