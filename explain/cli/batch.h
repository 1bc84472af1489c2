/* The run loop of the commands that take pictures: one picture after the other,
   those that fail named and left, the others done. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "input.h"
#include "input_list.h"
#include "output.h"
#include "progress.h"

typedef struct batch {
    const char *name;
    const common_settings *settings;
    workbench bench;
    input_list inputs;
    outputs outputs; /* for -o */
    numbers numbers; /* for --npy */
    progress progress;
    json report;   /* for --json: its head; in batch_run its array of results */
    json failures; /* an array of it */
    int status;    /* exit code so far */
} batch;

/* What a command does with one picture: it writes files, says what it found,
   and adds an object to b->report. An error need not name the picture. CXAI_IO
   means that a result could not be written, which ends the run: the next one
   could not be either. */
typedef cxai_status picture_function(batch *b, const input *in, void *payload,
                                     cxai_error *error);

/* Finds the pictures, loads the model and opens the outputs; 0, or an exit
   code after a message. batch_close ends it in either case. */
int batch_open(batch *b, const char *name, const common_settings *settings,
               const char *const *operands, int count);

/* Does the work on every picture, writes arrays, index and report; an exit
   code after messages. */
int batch_run(batch *b, picture_function *function, void *payload);

void batch_close(batch *b);

#endif
