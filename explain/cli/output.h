/* Where results go: files in a folder with an index, or one file. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "json.h"
#include "names.h"

#include "cxai/tensor.h"

/* What a file shows; NULL and -1: does not apply. */
typedef struct output_subject {
    const char *image;
    int64_t row; /* of an array of several pictures */
    const char *layer;
    const char *target;
    const char *result; /* JSON: all that the report says of it */
} output_subject;

/*
 * Output files of one command, all different. Where `place` is a folder they
 * lie in it, and in it an index.json tells what each of them shows: those of
 * this run, and those of runs before that are still there.
 */
typedef struct outputs {
    const char *place; /* as given: a folder, a file; NULL: right here */
    int is_folder;
    name_set names;
    json entries;    /* of the index */
    size_t used;     /* files that have been written */
    char path[4096]; /* of the latest file */
} outputs;

/* Whether an argument means a folder: it is one, or ends in '/'. */
int is_folder(const char *place);

/* Makes the folder where it has to be. Fails where it cannot be, or has an
   index.json that is not cxai's. outputs_free ends it in either case. */
cxai_status outputs_open(outputs *o, const char *place, cxai_error *error);

/* Names the next file in o->path: NAME.ENDING in the folder, with a number
   where that is taken, or the one file that was asked for, once. */
cxai_status outputs_next(outputs *o, const char *name, const char *ending,
                         cxai_error *error);

/* The file in o->path has been written: the index shall tell of it. */
void outputs_note(outputs *o, const output_subject *subject);

/* Writes the index, where there is something to tell. */
cxai_status outputs_finish(outputs *o, cxai_error *error);
void outputs_free(outputs *o);

/* Arrays for --npy: one file of all items stacked, or, in a folder, a file of
   each item. */
typedef struct numbers {
    outputs files;
    cxai_real *data; /* stacked */
    size_t count, capacity;
    cxai_shape shape; /* of one item; dim[0] of the file counts items */
    int64_t items;
} numbers;

/* path NULL: none are wanted. numbers_free ends it in either case. */
cxai_status numbers_open(numbers *n, const char *path, cxai_error *error);

/* Adds items of one shape, or writes them to a file of their own, called
   after name. */
cxai_status numbers_add(numbers *n, const cxai_real *data,
                        const cxai_shape *shape, int64_t items,
                        const char *name, const output_subject *subject,
                        cxai_error *error);

/* Saves (items, shape...), or the folder's index. */
cxai_status numbers_finish(numbers *n, cxai_error *error);
void numbers_free(numbers *n);

/* One array of rank 1 or more, from opening to end. */
cxai_status numbers_write(const char *path, const cxai_real *data,
                          const cxai_shape *shape, const char *name,
                          const output_subject *subject, cxai_error *error);

#endif
