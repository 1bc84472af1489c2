/* The IMAGEs of a command: files, folders of them, and lists of paths. */
#ifndef CLI_INPUT_LIST_H
#define CLI_INPUT_LIST_H

#include "common.h"
#include "names.h"

typedef struct listed_input {
    char *path;
    const char *stem; /* a safe name, of this one alone */
    char *reason;     /* why it cannot be read; NULL: nothing known */
} listed_input;

typedef struct input_list {
    listed_input *inputs;
    size_t count, capacity;
    name_set stems;
    char note[512]; /* what of the folders was left out, or "" */
} input_list;

/*
 * Lists operands, then the lines of settings->files_from. A folder stands for
 * the files in it that are named as pictures, in the order of their names'
 * bytes, with settings->recursive also those of its folders, to which no
 * symbolic link is followed; hidden ones are left out. What is missing or gives
 * nothing stays in the list to fail later: the others are worth doing.
 *
 * Fails where settings->files_from cannot be read. input_list_free ends it in
 * either case.
 */
cxai_status input_list_make(input_list *list, const common_settings *settings,
                            const char *const *operands, int count,
                            cxai_error *error);
void input_list_free(input_list *list);

#endif
