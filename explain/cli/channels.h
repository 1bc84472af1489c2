/* Lists of channels on the command line: "3,17,40..47". */
#ifndef CLI_CHANNELS_H
#define CLI_CHANNELS_H

typedef struct channel_list {
    int *channels;
    int count;
} channel_list;

/* Reads a list of channels below limit; NULL text: all of them. 0, or an exit
   code after a message. channels_free ends it. */
int channels_parse(channel_list *list, const char *text, int limit);
void channels_free(channel_list *list);

#endif
