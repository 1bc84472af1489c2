/*
 * Targets for fuzzing: functions that take any bytes and must not crash, leak,
 * hang or break what the headers promise.
 *
 *     FUZZ_TARGET(fuzz_image)
 *     {
 *         ... bytes, size ...
 *         return 0;
 *     }
 *
 * `make fuzz` makes each a program of its own (libFuzzer names the function);
 * tests/test_corpus.c runs all of them over the files in corpus/.
 */
#ifndef TEST_FUZZ_TARGET_H
#define TEST_FUZZ_TARGET_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/error.h"

#ifdef FUZZING
#define FUZZ_TARGET(name)                                                      \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);             \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
#else
#define FUZZ_TARGET(name)                                                      \
    int name(const uint8_t *bytes, size_t size);                               \
    int name(const uint8_t *bytes, size_t size)
#endif

static inline void require(int condition)
{
    if (!condition)
        abort();
}

/* A failure has a status and one line that says something. */
static inline void require_error(cxai_status status, const cxai_error *error)
{
    require(status != CXAI_OK && error->status == status);
    require(error->message[0] != '\0');
    require(strchr(error->message, '\n') == NULL);
}

#endif
