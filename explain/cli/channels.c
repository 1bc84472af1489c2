#include "channels.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

static int add(channel_list *list, long from, long to)
{
    size_t count = (size_t)(to - from + 1);
    int *grown = realloc(list->channels, ((size_t)list->count + count) *
                                             sizeof *list->channels);
    if (grown == NULL)
        return complain("out of memory");
    list->channels = grown;
    for (long c = from; c <= to; c++)
        list->channels[list->count++] = (int)c;
    return EXIT_DONE;
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

int channels_parse(channel_list *list, const char *text, int limit)
{
    *list = (channel_list){ 0 };
    if (text == NULL)
        return limit > 0 ? add(list, 0, limit - 1) : EXIT_DONE;
    for (const char *at = text;; at++) {
        long from, to;
        if (read_range(&at, &from, &to) != 0 || (*at != ',' && *at != '\0'))
            return complain("\"%s\" is no list of channels like 3,17,40..47",
                            text);
        if (from < 0 || to < from || to >= limit)
            return complain("channels %s: this layer has 0 to %d", text,
                            limit - 1);
        int failed = add(list, from, to);
        if (failed || *at == '\0')
            return failed;
    }
}

void channels_free(channel_list *list)
{
    free(list->channels);
    *list = (channel_list){ 0 };
}
