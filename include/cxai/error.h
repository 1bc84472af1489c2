/*
 * Errors. Every function of this library that can fail returns a cxai_status
 * and, when its last argument is not NULL, describes the failure in a
 * cxai_error that the caller owns. The library never prints, aborts or exits.
 */
#ifndef CXAI_ERROR_H
#define CXAI_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CXAI_API __attribute__((visibility("default")))
#define CXAI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CXAI_API
#define CXAI_PRINTF(text, first)
#endif

typedef enum cxai_status {
    CXAI_OK = 0,
    CXAI_INVALID,     /* an argument that the caller got wrong */
    CXAI_NO_MEMORY,   /* an allocation failed */
    CXAI_IO,          /* a file could not be opened, read or written */
    CXAI_MALFORMED,   /* a file's content breaks its format */
    CXAI_UNSUPPORTED, /* well-formed, but not something this version does */
    CXAI_LIMIT,       /* larger than a limit that the caller can raise */
    CXAI_NOT_FOUND,   /* an unknown layer, label, target or file */
    CXAI_STOPPED,     /* a hook or a progress callback ended the run */
} cxai_status;

/* One line of text: what failed, where (file, node, byte), what to do. */
typedef struct cxai_error {
    cxai_status status;
    char message[1024];
} cxai_error;

/*
 * Fills in *error (which may be NULL) and returns status, so that a failing
 * function ends with `return cxai_fail(error, CXAI_IO, "%s: ...", path);`.
 * The message is cut to fit; line breaks and control characters in it become
 * spaces. For use by methods and hooks of your own as well.
 */
CXAI_API cxai_status cxai_fail(cxai_error *error, cxai_status status,
                               const char *format, ...) CXAI_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* For clang's analyzer, which would otherwise follow failures as successes. */
#define cxai_fail(error, status, ...)                                          \
    ((cxai_fail)(error, status, __VA_ARGS__), (status))
#endif

/* A short English name of a status, e.g. "not found". Never NULL. */
CXAI_API const char *cxai_status_name(cxai_status status);

#ifdef __cplusplus
}
#endif
#endif
