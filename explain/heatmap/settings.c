#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_of(const cxai_heatmap_method *method)
{
    int count = 0;

    while (method->parameters && count < cx_most_settings &&
           method->parameters[count].name)
        count++;
    return count;
}

static int is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && memcmp(word, text, length) == 0;
}

static int find(const cxai_heatmap_method *method, const char *name,
                size_t length)
{
    int count = count_of(method);

    for (int i = 0; i < count; i++)
        if (is_word(method->parameters[i].name, name, length))
            return i;
    return -1;
}

static cxai_status unknown(const cxai_heatmap_method *method, const char *name,
                           size_t length, cxai_error *error)
{
    char list[400] = "";
    size_t used = 0;
    int count = count_of(method);

    for (int i = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i ? ", " : "", method->parameters[i].name);
    return cxai_fail(error, CXAI_INVALID,
                     "%s has no setting '%.*s'; it takes %s", method->name,
                     (int)length, name, count ? list : "none");
}

/* The place of a word among the choices, or -1. */
static int place_of(const char *choices, const char *word, size_t length)
{
    int place = 0;

    for (const char *at = choices; *at; place++) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, word, size) == 0)
            return place;
        at += size;
        at += strspn(at, " ");
    }
    return -1;
}

static cxai_status read_value(const cxai_heatmap_parameter *parameter,
                              const char *text, size_t length, double *value,
                              cxai_error *error)
{
    char *end;

    if (parameter->choices) {
        int place = place_of(parameter->choices, text, length);
        if (place < 0)
            return cxai_fail(error, CXAI_INVALID,
                             "the setting %s takes one of: %s; not '%.*s'",
                             parameter->name, parameter->choices, (int)length,
                             text);
        *value = place;
        return CXAI_OK;
    }
    *value = strtod(text, &end);
    if (length == 0 || end != text + length ||
        !(*value >= parameter->low && *value <= parameter->high))
        return cxai_fail(error, CXAI_INVALID,
                         "the setting %s takes a number from %g to %g, not "
                         "'%.*s'",
                         parameter->name, parameter->low, parameter->high,
                         (int)length, text);
    return CXAI_OK;
}

cxai_status cx_settings_read(double values[cx_most_settings],
                             const cxai_heatmap_method *method, const char *set,
                             cxai_error *error)
{
    cxai_status status = CXAI_OK;
    int count = count_of(method);

    for (int i = 0; i < count; i++)
        values[i] = method->parameters[i].standard;
    for (const char *at = set ? set : ""; *at && status == CXAI_OK;) {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        if (!equals)
            return cxai_fail(error, CXAI_INVALID,
                             "a setting is written NAME=VALUE, not '%.*s'",
                             (int)length, at);
        size_t name = (size_t)(equals - at);
        int i = find(method, at, name);
        if (i < 0)
            return unknown(method, at, name, error);
        status = read_value(&method->parameters[i], equals + 1,
                            length - name - 1, &values[i], error);
        at += length + (at[length] == ',');
    }
    return status;
}

double cxai_heatmap_setting(const cxai_heatmap_call *call, const char *name)
{
    int i = find(call->method, name, strlen(name));

    return i < 0 ? (double)NAN : call->settings[i];
}
