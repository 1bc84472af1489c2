/* Targets from text. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/target.h"

/* What a text is read against. */
typedef struct context {
    const cxai_model *model;
    const cxai_shape *shapes;
    const cxai_labels *labels;
    cxai_error *error;
} context;

/* Reads a decimal number that ends at one of the characters in ends (or at the
   end of the text, when that is among them as a final 0); moves *text to
   there. 0 when there is none. Numbers too large become INT64_MAX. */
static int read_number(const char **text, const char *ends, int64_t *number)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return 0;
    errno = 0;
    long long read = strtoll(*text, &end, 10);
    if (!(*end ? strchr(ends, *end) != NULL : ends[0] == '\0'))
        return 0;
    *number = (int64_t)read;
    *text = end;
    return 1;
}

/* The value and number of channels of the target. */
static cxai_status channels_of(const context *c, cxai_target *target,
                               int64_t *channels)
{
    const cxai_shape *shape = &c->shapes[target->value];

    if (shape->rank < 2)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s': '%s' has no batch and channel "
                         "dimensions",
                         target->text,
                         cxai_model_value_name(c->model, target->value));
    *channels = shape->dim[1];
    return CXAI_OK;
}

static cxai_status set_channel(const context *c, cxai_target *target,
                               int64_t channel)
{
    int64_t channels = 0;
    cxai_status status = channels_of(c, target, &channels);

    if (status != CXAI_OK)
        return status;
    if (channel >= channels)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' is out of range: '%s' has %lld channels, "
                         "0 to %lld",
                         target->text,
                         cxai_model_value_name(c->model, target->value),
                         (long long)channels, (long long)channels - 1);
    target->channel = channel;
    return CXAI_OK;
}

static cxai_status set_rank(const context *c, cxai_target *target, int64_t rank)
{
    int64_t channels = 0;
    cxai_status status = channels_of(c, target, &channels);

    if (status != CXAI_OK)
        return status;
    if (rank < 1 || rank > channels || rank > 1000000)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' is out of range: there are %lld classes",
                         target->text, (long long)channels);
    target->top = (int)rank;
    target->channel = -1;
    return CXAI_OK;
}

static cxai_status set_position(const context *c, cxai_target *target,
                                int64_t row, int64_t column)
{
    const cxai_shape *shape = &c->shapes[target->value];

    if (shape->rank != 4 || row >= shape->dim[2] || column >= shape->dim[3]) {
        char text[64];
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' is out of range: '%s' has shape %s",
                         target->text,
                         cxai_model_value_name(c->model, target->value),
                         cxai_shape_text(shape, text, sizeof text));
    }
    target->row = row;
    target->column = column;
    return CXAI_OK;
}

/* "layer[channel]" or "layer[channel,row,column]"; open is the bracket. */
static cxai_status read_element(const context *c, cxai_target *target,
                                const char *text, const char *open)
{
    char layer[1024];
    int64_t channel, row, column;
    const char *number = open + 1;
    size_t length = (size_t)(open - text);

    if (length == 0 || length >= sizeof layer)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' names no layer before its bracket",
                         target->text);
    memcpy(layer, text, length);
    layer[length] = '\0';
    cxai_status status =
        cxai_model_find(c->model, layer, &target->value, c->error);
    if (status != CXAI_OK)
        return status;
    int whole = read_number(&number, "],", &channel);
    int positioned = whole && *number == ',';
    if (positioned)
        whole = (number++, read_number(&number, ",", &row)) &&
                (number++, read_number(&number, "]", &column));
    if (!whole || strcmp(number, "]") != 0)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' is not LAYER[CHANNEL] or "
                         "LAYER[CHANNEL,ROW,COLUMN]",
                         target->text);
    status = set_channel(c, target, channel);
    return status == CXAI_OK && positioned
               ? set_position(c, target, row, column)
               : status;
}

static cxai_status read_label(const context *c, cxai_target *target,
                              const char *text)
{
    int index;

    if (cxai_labels_count(c->labels) == 0)
        return cxai_fail(c->error, CXAI_NOT_FOUND,
                         "target '%s' is no number, topK or LAYER[CHANNEL], "
                         "and there are no labels to find it in",
                         target->text);
    cxai_status status = cxai_labels_find(c->labels, text, &index, c->error);
    return status == CXAI_OK ? set_channel(c, target, index) : status;
}

static cxai_status read_target(const context *c, cxai_target *out,
                               const char *text)
{
    cxai_target target = { .value = cxai_model_logits(c->model),
                           .row = -1,
                           .column = -1,
                           .weight = 1 };
    const char *number = text, *rank = text + 3, *open = strrchr(text, '[');
    size_t length = strlen(text);
    int64_t value;
    cxai_status status;

    snprintf(target.text, sizeof target.text, "%s", text);
    if (read_number(&number, "", &value))
        status = set_channel(c, &target, value);
    else if (strncmp(text, "top", 3) == 0 && read_number(&rank, "", &value))
        status = set_rank(c, &target, value);
    else if (open && text[length - 1] == ']')
        status = read_element(c, &target, text, open);
    else
        status = read_label(c, &target, text);
    if (status == CXAI_OK)
        *out = target;
    return status;
}

cxai_status cxai_target_parse(cxai_target *out, const cxai_model *model,
                              const cxai_shape *shapes,
                              const cxai_labels *labels, const char *text,
                              cxai_error *error)
{
    context c = { model, shapes, labels, error };

    return read_target(&c, out, text && *text ? text : "top1");
}

/* A growing list of targets. */
typedef struct list {
    cxai_target *targets;
    int count, room;
} list;

static cxai_status append(const context *c, list *l, const char *text)
{
    enum { most = 100000 };

    if (l->count == most)
        return cxai_fail(c->error, CXAI_LIMIT, "more than %d targets", most);
    if (l->count == l->room) {
        int room = l->room ? 2 * l->room : 8;
        cxai_target *grown = realloc(l->targets, (size_t)room * sizeof *grown);
        if (!grown)
            return cxai_fail(c->error, CXAI_NO_MEMORY,
                             "no memory for %d targets", room);
        l->targets = grown;
        l->room = room;
    }
    cxai_status status = read_target(c, &l->targets[l->count], text);
    l->count += status == CXAI_OK;
    return status;
}

/* One item of a list: a target, or topA..topB. */
static cxai_status append_item(const context *c, list *l, const char *item)
{
    const char *p = item + 3;
    int64_t first, last;

    if (strncmp(item, "top", 3) != 0 || !read_number(&p, ".", &first) ||
        strncmp(p, "..top", 5) != 0 || (p += 5, !read_number(&p, "", &last)))
        return append(c, l, item);
    if (first < 1 || last < first)
        return cxai_fail(c->error, CXAI_INVALID,
                         "target '%s' is an empty range", item);
    cxai_status status = CXAI_OK;
    for (int64_t rank = first; status == CXAI_OK && rank <= last; rank++) {
        char text[32];
        snprintf(text, sizeof text, "top%lld", (long long)rank);
        status = append(c, l, text);
    }
    return status;
}

/* Whether the whole text is one label, commas included. */
static int is_label(const cxai_labels *labels, const char *text)
{
    for (int i = 0; i < cxai_labels_count(labels); i++)
        if (strcmp(cxai_labels_name(labels, i), text) == 0)
            return 1;
    return 0;
}

/* Splits text, which is overwritten, at the commas outside brackets. */
static cxai_status append_items(const context *c, list *l, char *text)
{
    cxai_status status = CXAI_OK;

    while (status == CXAI_OK && text) {
        int depth = 0;
        char *end = text;
        while (*end && (*end != ',' || depth > 0)) {
            depth += *end == '[' ? 1 : *end == ']' && depth > 0 ? -1 : 0;
            end++;
        }
        char *next = *end ? end + 1 : NULL;
        *end = '\0';
        while (isspace((unsigned char)*text))
            text++;
        while (end > text && isspace((unsigned char)end[-1]))
            *--end = '\0';
        status = *text ? append_item(c, l, text)
                       : cxai_fail(c->error, CXAI_INVALID,
                                   "there is an empty target in the list");
        text = next;
    }
    return status;
}

cxai_status cxai_target_parse_list(cxai_target **out, int *count,
                                   const cxai_model *model,
                                   const cxai_shape *shapes,
                                   const cxai_labels *labels, const char *text,
                                   cxai_error *error)
{
    context c = { model, shapes, labels, error };
    list l = { NULL, 0, 0 };
    cxai_status status;

    *out = NULL;
    *count = 0;
    if (!text || !*text || is_label(labels, text)) {
        status = append(&c, &l, text && *text ? text : "top1");
    } else {
        size_t size = strlen(text) + 1;
        char *copy = malloc(size);
        if (copy)
            memcpy(copy, text, size);
        status = copy ? append_items(&c, &l, copy)
                      : cxai_fail(error, CXAI_NO_MEMORY,
                                  "no memory for a list of targets");
        free(copy);
    }
    if (status != CXAI_OK) {
        free(l.targets);
        return status;
    }
    *out = l.targets;
    *count = l.count;
    return CXAI_OK;
}
