#include "progress.h"

#include "interrupt.h"

#include <stdio.h>
#include <unistd.h>

/* There is one terminal. */
static int line_stands;

static void begin_line(const progress *p)
{
    fprintf(stderr, "\r\033[K");
    if (p->items > 1)
        fprintf(stderr, "picture %lld of %lld ", (long long)p->item,
                (long long)p->items);
    line_stands = 1;
}

progress progress_begin(int quiet, int64_t items)
{
    return (progress){ !quiet && isatty(STDERR_FILENO), 0, items };
}

void progress_next(progress *p, const char *name)
{
    p->item++;
    if (!p->visible || p->items < 2)
        return;
    begin_line(p);
    fprintf(stderr, "%.60s ", name);
}

int progress_show(int64_t done, int64_t total, void *payload)
{
    const progress *p = payload;
    if (p->visible && total > 1) {
        begin_line(p);
        fprintf(stderr, "%lld of %lld ", (long long)done, (long long)total);
    }
    return interrupt_seen();
}

int progress_with_objective(int64_t done, int64_t total, double objective,
                            void *payload)
{
    const progress *p = payload;
    if (!p->visible)
        return 0;
    begin_line(p);
    fprintf(stderr, "%lld of %lld, objective %.4g ", (long long)done,
            (long long)total, objective);
    return 0;
}

void progress_end(void)
{
    if (line_stands)
        fprintf(stderr, "\r\033[K");
    line_stands = 0;
}
