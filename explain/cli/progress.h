/* A progress line on standard error, when that is a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cxai/progress.h"

/* What a progress line tells: the work within one picture of several. */
typedef struct progress {
    int visible;         /* 0: quiet, or nobody would see it */
    int64_t item, items; /* picture number item of items, from 1 */
} progress;

progress progress_begin(int quiet, int64_t items);

/* Goes on to the next picture. */
void progress_next(progress *p, const char *name);

/* For work within a picture, which Ctrl-C stops where interrupt_listen was
   called; payload is a progress. */
cxai_progress_function progress_show;

/* The same for synthesis, with the objective. */
int progress_with_objective(int64_t done, int64_t total, double objective,
                            void *payload);

/* Clears the line where there is one: before anything else is printed. */
void progress_end(void);

#endif
