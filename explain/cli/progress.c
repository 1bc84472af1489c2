#include "progress.h"

#include <stdio.h>
#include <unistd.h>

static int show(int64_t done, int64_t total, void *payload)
{
    (void)payload;
    if (total > 1)
        fprintf(stderr, "\r%lld of %lld ", (long long)done, (long long)total);
    return 0;
}

int progress_with_objective(int64_t done, int64_t total, double objective,
                            void *payload)
{
    (void)payload;
    fprintf(stderr, "\r%lld of %lld, objective %.4g   ", (long long)done,
            (long long)total, objective);
    return 0;
}

cxai_progress_function *progress_function(int quiet)
{
    return quiet || !isatty(STDERR_FILENO) ? NULL : show;
}

void progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}
