#include "json.h"

#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void add(json *j, const char *text, size_t length)
{
    if (j->failed)
        return;
    if (j->capacity - j->length <= length) {
        size_t capacity = 2 * (j->capacity + length + 128);
        char *grown = realloc(j->text, capacity);
        if (grown == NULL) {
            j->failed = 1;
            return;
        }
        j->text = grown;
        j->capacity = capacity;
    }
    memcpy(j->text + j->length, text, length);
    j->length += length;
    j->text[j->length] = '\0';
}

static void add_text(json *j, const char *text)
{
    add(j, text, strlen(text));
}

static void add_character(json *j, const unsigned char *s, size_t length)
{
    char escape[8];
    if (length == 0) {
        add_text(j, "\xef\xbf\xbd");
    } else if (*s == '"' || *s == '\\') {
        add_text(j, *s == '"' ? "\\\"" : "\\\\");
    } else if (*s < 0x20 || *s == 0x7f) {
        snprintf(escape, sizeof escape, "\\u%04x", *s);
        add_text(j, escape);
    } else {
        add(j, (const char *)s, length);
    }
}

static void add_quoted(json *j, const char *text)
{
    add_text(j, "\"");
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        size_t length = utf8_length((const char *)s);
        add_character(j, s, length);
        s += length > 0 ? length : 1;
    }
    add_text(j, "\"");
}

/* ---- structure ---- */

static void add_line(json *j)
{
    add_text(j, "\n");
    for (int i = 0; i < j->depth; i++)
        add_text(j, "  ");
}

static int is_empty(const json *j)
{
    char last = j->length > 0 ? j->text[j->length - 1] : '[';
    return last == '{' || last == '[';
}

/* What stands before every value. */
static void begin_value(json *j, const char *key)
{
    if (!is_empty(j))
        add_text(j, ",");
    if (j->depth > 0)
        add_line(j);
    if (key != NULL) {
        add_quoted(j, key);
        add_text(j, ": ");
    }
}

static void open(json *j, const char *key, int is_array)
{
    begin_value(j, key);
    add_text(j, is_array ? "[" : "{");
    unsigned bit = 1u << j->depth++;
    j->arrays = is_array ? j->arrays | bit : j->arrays & ~bit;
}

void json_object(json *j, const char *key)
{
    open(j, key, 0);
}

void json_array(json *j, const char *key)
{
    open(j, key, 1);
}

void json_end(json *j)
{
    int empty = is_empty(j);
    j->depth--;
    if (!empty)
        add_line(j);
    add_text(j, j->arrays >> j->depth & 1 ? "]" : "}");
}

void json_end_all(json *j)
{
    while (j->depth > 0)
        json_end(j);
    add_text(j, "\n");
}

/* ---- values ---- */

void json_text(json *j, const char *key, const char *value)
{
    begin_value(j, key);
    if (value != NULL)
        add_quoted(j, value);
    else
        add_text(j, "null");
}

/* The shorter of two forms from which the same number is read. */
void json_number(json *j, const char *key, double value)
{
    char text[32] = "null";
    if (isfinite(value)) {
        snprintf(text, sizeof text, "%.15g", value);
        if (strtod(text, NULL) != value)
            snprintf(text, sizeof text, "%.17g", value);
    }
    json_insert(j, key, text);
}

void json_truth(json *j, const char *key, int value)
{
    json_insert(j, key, value ? "true" : "false");
}

/* No text of JSON holds a line's end, so that each begins a line to indent. */
void json_insert(json *j, const char *key, const char *text)
{
    begin_value(j, key);
    const char *end;
    while ((end = strchr(text, '\n')) != NULL) {
        add(j, text, (size_t)(end - text));
        add_line(j);
        text = end + 1;
    }
    add_text(j, text);
}

void json_free(json *j)
{
    free(j->text);
    *j = (json){ 0 };
}
