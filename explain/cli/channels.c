#include "channels.h"

#include <stdlib.h>
#include <string.h>

static cxai_status add(channel_list *list, long from, long to,
                       cxai_error *error)
{
    size_t count = (size_t)(to - from + 1);
    int *grown = realloc(list->channels, ((size_t)list->count + count) *
                                             sizeof *list->channels);
    if (grown == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for a list of channels");
    list->channels = grown;
    for (long c = from; c <= to; c++)
        list->channels[list->count++] = (int)c;
    return CXAI_OK;
}

/* Reads "7" or "7..12" at *text, which moves behind it; -1 when it is
   neither. */
static int read_range(const char **text, long *from, long *to)
{
    char *end;
    *from = *to = strtol(*text, &end, 10);
    if (end == *text)
        return -1;
    if (strncmp(end, "..", 2) == 0) {
        *text = end + 2;
        *to = strtol(*text, &end, 10);
        if (end == *text)
            return -1;
    }
    *text = end;
    return 0;
}

cxai_status channels_parse(channel_list *list, const char *text, int limit,
                           cxai_error *error)
{
    *list = (channel_list){ 0 };
    if (text == NULL)
        return limit > 0 ? add(list, 0, limit - 1, error) : CXAI_OK;
    for (const char *at = text;; at++) {
        long from, to;
        if (read_range(&at, &from, &to) != 0 || (*at != ',' && *at != '\0'))
            return cxai_fail(error, CXAI_INVALID,
                             "\"%s\" is no list of channels like 3,17,40..47",
                             text);
        if (from < 0 || to < from || to >= limit)
            return cxai_fail(error, CXAI_INVALID,
                             "channels %s: this layer has 0 to %d", text,
                             limit - 1);
        cxai_status status = add(list, from, to, error);
        if (status != CXAI_OK || *at == '\0')
            return status;
    }
}

void channels_free(channel_list *list)
{
    free(list->channels);
    *list = (channel_list){ 0 };
}
