/* What is said on standard output and standard error, and when. */
#include "common.h"

#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

int complain(const char *format, ...)
{
    va_list arguments;
    progress_end();
    fputs("cxai: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

void say(const char *format, ...)
{
    va_list arguments;
    progress_end();
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

void warn(workbench *bench, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_text(&bench->warnings, NULL, text);
    if (!bench->quiet)
        complain("warning: %s", text);
}

int complain_error(const cxai_error *error)
{
    return complain("%s%s", error->message,
                    error->status == CXAI_LIMIT ? " (see --limit)" : "");
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double shown(double value)
{
    return isnan(value) ? (double)NAN : value;
}
