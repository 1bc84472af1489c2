/* Lists of channels on the command line: "3,17,40..47". */
#ifndef CLI_CHANNELS_H
#define CLI_CHANNELS_H

#include "cxai/error.h"

typedef struct channel_list {
    int *channels;
    int count;
} channel_list;

/* Reads a list of channels below limit; NULL text: all of them. channels_free
   ends it in either case. */
cxai_status channels_parse(channel_list *list, const char *text, int limit,
                           cxai_error *error);
void channels_free(channel_list *list);

#endif
