/*
 * JSON as text, written from front to back. It is strict whatever it is given:
 * a number that is not finite becomes null, bytes that are no UTF-8 become
 * U+FFFD. A failure to allocate is remembered and told at the end, so that
 * nothing has to be checked on the way.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stddef.h>

/* Zero-initialise; json_free ends it. */
typedef struct json {
    char *text; /* ended by 0; NULL while empty */
    size_t length, capacity;
    int depth;       /* of open objects and arrays, at most 31 */
    unsigned arrays; /* bit d: what was opened at depth d is an array */
    int failed;      /* 1: an allocation failed, the text is incomplete */
} json;

/* key is NULL inside an array and at the top. */
void json_object(json *j, const char *key);
void json_array(json *j, const char *key);
/* Ends the innermost object or array. */
void json_end(json *j);
/* Ends all that is open, and the line. */
void json_end_all(json *j);

/* A value of NULL is null. */
void json_text(json *j, const char *key, const char *value);
void json_number(json *j, const char *key, double value);
void json_truth(json *j, const char *key, int value);
/* Text that is JSON already. */
void json_insert(json *j, const char *key, const char *text);

void json_free(json *j);

#endif
