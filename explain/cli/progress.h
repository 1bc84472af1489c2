/* A progress line on standard error, when that is a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cxai/progress.h"

/* NULL when quiet, or when nobody would see it. */
cxai_progress_function *progress_function(int quiet);

/* The same for synthesis, with the objective. */
int progress_with_objective(int64_t done, int64_t total, double objective,
                            void *payload);

/* Clears the line. */
void progress_end(void);

#endif
