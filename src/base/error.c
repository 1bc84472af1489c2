#include "cxai/error.h"

#include <stdarg.h>
#include <stdio.h>

cxai_status(cxai_fail)(cxai_error *error, cxai_status status,
                       const char *format, ...)
{
    if (error == NULL)
        return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    for (char *c = error->message; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    return status;
}

const char *cxai_status_name(cxai_status status)
{
    switch (status) {
    case CXAI_OK: return "ok";
    case CXAI_INVALID: return "invalid argument";
    case CXAI_NO_MEMORY: return "out of memory";
    case CXAI_IO: return "input/output error";
    case CXAI_MALFORMED: return "malformed file";
    case CXAI_UNSUPPORTED: return "unsupported";
    case CXAI_LIMIT: return "over a limit";
    case CXAI_NOT_FOUND: return "not found";
    case CXAI_STOPPED: return "stopped";
    }
    return "unknown status";
}
