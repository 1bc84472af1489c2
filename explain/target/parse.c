/*
 * Targets from text:
 *
 *     list   = item { "," item }
 *     item   = [ "topA..topB" ] target
 *     target = [ "-" ] term { " - " term | " + " term }
 *     term   = [ number "*" ] name [ "@" place ]
 *     name   = index | topK | label | yes | no | LAYER[INDICES]
 *
 * A name ends at the first sign outside brackets that may follow one, but a
 * label as a whole is taken first, the longest there is.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TARGETS = 100000 };

cxai_status cx_refuse_target(const cx_reader *r, const char *format, ...)
{
    char why[768];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return cxai_fail(r->error, CXAI_INVALID, "target '%s': %s", r->target->text,
                     why);
}

int cx_target_number(const char **text, int64_t *number)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return 0;
    *number = (int64_t)strtoll(*text, &end, 10);
    *text = end;
    return 1;
}

static const char *skip_spaces(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* ---- terms ---- */

static int is_operator(const char *p)
{
    return isspace((unsigned char)p[0]) && (p[1] == '-' || p[1] == '+') &&
           isspace((unsigned char)p[2]);
}

static int ends_target(const cx_reader *r, const char *p)
{
    return *p == '\0' || (*p == ',' && r->in_list);
}

/* The length of the name at text, without the spaces at its end. */
static size_t name_length(const cx_reader *r, const char *text)
{
    size_t first = 0, label = 0;
    int depth = 0, found = 0;

    for (const char *p = text;; p++) {
        depth += *p == '[' ? 1 : *p == ']' && depth > 0 ? -1 : 0;
        if (*p == '\0' || (depth == 0 && (ends_target(r, p) || *p == '@' ||
                                          is_operator(p)))) {
            size_t length = (size_t)(p - text);
            while (length > 0 && isspace((unsigned char)text[length - 1]))
                length--;
            if (!found)
                first = length;
            found = 1;
            if (length > 0 && cx_is_label(r, text, length))
                label = length;
        }
        if (*p == '\0')
            return label ? label : first;
    }
}

/* Moves *text behind "2.5*". */
static double read_weight(const cx_reader *r, const char **text)
{
    char *end;
    const char *p;

    if (!isdigit((unsigned char)**text) && **text != '.')
        return 1;
    if (cx_is_label(r, *text, name_length(r, *text)))
        return 1;
    double weight = strtod(*text, &end);
    p = skip_spaces(end);
    if (*p != '*')
        return 1;
    *text = skip_spaces(p + 1);
    return weight;
}

/* Notes what has been read of the target so far, for messages and reports. */
static void note_text(const cx_reader *r, const char *end)
{
    size_t length = (size_t)(end - r->start);
    size_t most = sizeof r->target->text - 1;

    while (length > 0 && isspace((unsigned char)r->start[length - 1]))
        length--;
    length = length < most ? length : most;
    memcpy(r->target->text, r->start, length);
    r->target->text[length] = '\0';
}

static cxai_status read_term(const cx_reader *r, cxai_target_term *term,
                             const char **text)
{
    char name[CX_LONGEST_NAME + 1];

    term->weight *= read_weight(r, text);
    size_t length = name_length(r, *text);
    note_text(r, *text + length);
    if (length == 0)
        return cx_refuse_target(r, "a name is missing");
    if (length > CX_LONGEST_NAME)
        return cx_refuse_target(r, "its name is too long");
    if (!isfinite(term->weight))
        return cx_refuse_target(r, "its weight is too large");
    memcpy(name, *text, length);
    name[length] = '\0';
    cxai_status status = cx_target_name(r, term, name);
    *text = skip_spaces(*text + length);
    if (status == CXAI_OK && **text == '@')
        status = cx_target_place(r, term, text);
    note_text(r, *text);
    return status;
}

/* Reads the terms of a target at *text, which moves behind them. */
static cxai_status read_terms(const cx_reader *r, const char **text)
{
    cxai_target *target = r->target;
    const char *p = skip_spaces(*text);
    double sign = 1;
    int value = -1;

    if (*p == '-' && !cx_is_label(r, p, name_length(r, p))) {
        sign = -1;
        p = skip_spaces(p + 1);
    }
    for (;;) {
        if (target->term_count == CXAI_TARGET_TERMS)
            return cx_refuse_target(r, "there are more than %d terms",
                                    CXAI_TARGET_TERMS);
        target->terms[target->term_count].weight = sign;
        cxai_status status =
            read_term(r, &target->terms[target->term_count], &p);
        if (status != CXAI_OK)
            return status;
        if (target->term_count++ > 0 && target->value != value)
            return cx_refuse_target(
                r, "its terms are of '%s' and '%s', not of one value",
                cxai_model_value_name(r->context->model, value),
                cxai_model_value_name(r->context->model, target->value));
        value = target->value;
        p = *text = skip_spaces(p);
        if (ends_target(r, p))
            return CXAI_OK;
        if (!is_operator(p - 1))
            return cx_refuse_target(r, "'%s' behind it cannot be read", p);
        sign = *p == '-' ? -1 : 1;
        p = skip_spaces(p + 1);
    }
}

/* ---- targets and lists ---- */

static cxai_status read_target(cx_reader *r, cxai_target *out,
                               const char **text)
{
    cxai_target target = { .value = r->classes.value };

    r->target = &target;
    r->start = *text = skip_spaces(*text);
    cxai_status status =
        ends_target(r, *text)
            ? cxai_fail(r->error, CXAI_INVALID,
                        r->in_list ? "there is an empty target in the list"
                                   : "the target is empty")
            : read_terms(r, text);
    r->target = NULL;
    if (status == CXAI_OK)
        *out = target;
    return status;
}

static cx_reader reader_for(const cxai_target_context *context, int in_list,
                            cxai_error *error)
{
    return (cx_reader){
        .context = context,
        .classes = cxai_model_classes(context->model, context->shapes),
        .in_list = in_list,
        .error = error,
    };
}

cxai_status cxai_target_parse(cxai_target *out,
                              const cxai_target_context *context,
                              const char *text, cxai_error *error)
{
    cx_reader r = reader_for(context, 0, error);
    const char *p = text ? text : "top1";

    return read_target(&r, out, &p);
}

/* A growing list of targets. */
typedef struct list {
    cxai_target *targets;
    int count, room;
} list;

static cxai_status append(cx_reader *r, list *l, const char **text)
{
    if (l->count == MOST_TARGETS)
        return cxai_fail(r->error, CXAI_LIMIT, "more than %d targets",
                         MOST_TARGETS);
    if (l->count == l->room) {
        int room = l->room ? 2 * l->room : 4;
        cxai_target *grown = realloc(l->targets, (size_t)room * sizeof *grown);
        if (!grown)
            return cxai_fail(r->error, CXAI_NO_MEMORY,
                             "no memory for %d targets", room);
        l->targets = grown;
        l->room = room;
    }
    cxai_status status = read_target(r, &l->targets[l->count], text);
    l->count += status == CXAI_OK;
    return status;
}

/* Reads "topA..topB" at *text, which moves behind it; 0 when there is none. */
static int read_ranks(const char **text, int64_t *first, int64_t *last)
{
    const char *p = skip_spaces(*text);

    if (strncmp(p, "top", 3) != 0)
        return 0;
    p += 3;
    if (!cx_target_number(&p, first) || strncmp(p, "..top", 5) != 0)
        return 0;
    p += 5;
    if (!cx_target_number(&p, last))
        return 0;
    *text = p;
    return 1;
}

/* A target for each rank first .. last, each followed by what stands at *text,
   which moves behind it. */
static cxai_status append_ranks(cx_reader *r, list *l, int64_t first,
                                int64_t last, const char **text)
{
    const char *rest = *text;
    size_t size = strlen(rest) + 32;
    char *copy = malloc(size);
    cxai_status status = CXAI_OK;

    if (!copy)
        return cxai_fail(r->error, CXAI_NO_MEMORY,
                         "no memory for a list of targets");
    for (int64_t rank = first; status == CXAI_OK && rank <= last; rank++) {
        int digits = snprintf(copy, size, "top%lld", (long long)rank);
        const char *p = copy;
        memcpy(copy + digits, rest, strlen(rest) + 1);
        status = append(r, l, &p);
        *text = rest + (p - copy - digits);
    }
    free(copy);
    return status;
}

static cxai_status append_item(cx_reader *r, list *l, const char **text)
{
    int64_t first, last;

    if (!read_ranks(text, &first, &last))
        return append(r, l, text);
    if (first < 1 || last < first)
        return cxai_fail(r->error, CXAI_INVALID,
                         "target 'top%lld..top%lld' is an empty range",
                         (long long)first, (long long)last);
    return append_ranks(r, l, first, last, text);
}

cxai_status cxai_target_parse_list(cxai_target **out, int *count,
                                   const cxai_target_context *context,
                                   const char *text, cxai_error *error)
{
    cx_reader r = reader_for(context, 1, error);
    const char *p = text ? text : "top1";
    list l = { NULL, 0, 0 };
    cxai_status status = append_item(&r, &l, &p);

    *out = NULL;
    *count = 0;
    while (status == CXAI_OK && *p == ',') {
        p++;
        status = append_item(&r, &l, &p);
    }
    if (status != CXAI_OK) {
        free(l.targets);
        return status;
    }
    *out = l.targets;
    *count = l.count;
    return CXAI_OK;
}
