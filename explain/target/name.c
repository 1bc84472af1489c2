/* The names that targets are made of: classes, sides, ranks, layers. */
#include <stdio.h>
#include <string.h>

#include "parse.h"

/* Whether the network gives one number a picture that stands for two answers:
   behind a sigmoid, or with two labels. */
static int has_sides(const cx_reader *r)
{
    const cxai_classes *c = &r->classes;
    const cxai_shape *shape = &r->context->shapes[c->value];

    return c->count == 1 && shape->rank >= 1 &&
           cxai_shape_count(shape) == shape->dim[0] &&
           (c->reading == CXAI_READ_SIGMOID ||
            cxai_labels_count(r->context->labels) == 2);
}

static cxai_status refuse_classes(const cx_reader *r)
{
    const cxai_target_context *c = r->context;
    const char *name = cxai_model_value_name(c->model, r->classes.value);
    char text[64];

    return cx_refuse_target(
        r,
        "the output '%s' has shape %s and no classes: say which numbers, as "
        "in %s[0,0]",
        name, cxai_shape_text(&c->shapes[r->classes.value], text, sizeof text),
        name);
}

static cxai_status set_class(const cx_reader *r, cxai_target_term *term,
                             int64_t index)
{
    const cxai_classes *c = &r->classes;

    if (c->count < 1)
        return refuse_classes(r);
    if (index >= c->count && c->count == 1)
        return cx_refuse_target(
            r, "class %lld is out of range: the network gives one number, 0%s",
            (long long)index,
            has_sides(r) ? "; 0 or yes is one side of it, -0 or no the other"
                         : "");
    if (index >= c->count)
        return cx_refuse_target(
            r, "class %lld is out of range: the classes of '%s' are 0 to %lld",
            (long long)index,
            cxai_model_value_name(r->context->model, c->value),
            (long long)c->count - 1);
    if (c->axis > 0)
        term->span[c->axis] = (cxai_span){ index, 1 };
    return CXAI_OK;
}

static cxai_status set_index(const cx_reader *r, cxai_target_term *term,
                             int64_t index)
{
    const cxai_labels *labels = r->context->labels;

    if (has_sides(r) && index < 2 && cxai_labels_count(labels) == 2)
        return cx_refuse_target(r,
                                "the network gives one number for two labels: "
                                "say '%s' or '%s'",
                                cxai_labels_name(labels, 0),
                                cxai_labels_name(labels, 1));
    return set_class(r, term, index);
}

static cxai_status set_rank(const cx_reader *r, cxai_target_term *term,
                            int64_t rank)
{
    int64_t count = has_sides(r) ? 2 : r->classes.count;

    if (r->classes.count < 1)
        return refuse_classes(r);
    if (rank < 1 || rank > count || rank > 1000000)
        return cx_refuse_target(r, "it is out of range: there are %lld classes",
                                (long long)count);
    term->top = has_sides(r) || r->classes.axis > 0 ? (int)rank : 0;
    term->top_axis = has_sides(r) ? 0 : r->classes.axis;
    if (has_sides(r))
        return set_class(r, term, 0);
    return CXAI_OK;
}

/* Tells those who wrote "cat-dog" how a difference is written. */
static cxai_status find_label(const cx_reader *r, const char *name, int *index)
{
    const cxai_labels *labels = r->context->labels;
    cxai_status status = cxai_labels_find(labels, name, index, r->error);

    if (status == CXAI_NOT_FOUND && r->error != NULL &&
        strpbrk(name, "-+") != NULL) {
        char message[sizeof r->error->message];
        memcpy(message, r->error->message, sizeof message);
        cxai_fail(r->error, status, "%.900s; signs need spaces: cat - dog",
                  message);
    }
    return status;
}

static cxai_status set_label(const cx_reader *r, cxai_target_term *term,
                             const char *name)
{
    const cxai_labels *labels = r->context->labels;
    int count = cxai_labels_count(labels), index;

    if (has_sides(r) && (strcmp(name, "yes") == 0 || strcmp(name, "no") == 0)) {
        term->weight *= name[0] == 'n' ? -1 : 1;
        return set_class(r, term, 0);
    }
    if (count == 0)
        return cxai_fail(r->error, CXAI_NOT_FOUND,
                         "target '%s': '%s' is no number, topK or "
                         "LAYER[CHANNEL], and there are no labels to find it "
                         "in",
                         r->target->text, name);
    cxai_status status = find_label(r, name, &index);
    if (status != CXAI_OK)
        return status;
    if (has_sides(r) && count == 2) {
        term->weight *= index == 0 ? -1 : 1;
        return set_class(r, term, 0);
    }
    if (r->classes.count != count)
        return cx_refuse_target(
            r, "there are %d labels, but %lld classes: say which numbers",
            count, (long long)r->classes.count);
    return set_class(r, term, index);
}

/* "LAYER[INDICES]"; open is the bracket. */
static cxai_status set_element(const cx_reader *r, cxai_target_term *term,
                               char *name, char *open)
{
    char indices[CX_LONGEST_NAME + 1];
    const cxai_target_context *c = r->context;

    if (open == name)
        return cx_refuse_target(r, "it names no layer before its bracket");
    snprintf(indices, sizeof indices, "%s", open);
    *open = '\0';
    cxai_status status =
        cxai_model_find(c->model, name, &r->target->value, r->error);
    if (status != CXAI_OK)
        return status;
    if (c->shapes[r->target->value].rank < 2)
        return cx_refuse_target(
            r, "'%s' has no batch and channel dimensions",
            cxai_model_value_name(c->model, r->target->value));
    return cx_target_spans(r, term, indices);
}

int cx_is_label(const cx_reader *r, const char *name, size_t length)
{
    const cxai_labels *labels = r->context->labels;

    for (int i = 0; i < cxai_labels_count(labels); i++) {
        const char *label = cxai_labels_name(labels, i);
        if (strncmp(label, name, length) == 0 && label[length] == '\0')
            return 1;
    }
    return 0;
}

cxai_status cx_target_name(const cx_reader *r, cxai_target_term *term,
                           char *name)
{
    const char *number = name, *rank = name;
    char *open = strrchr(name, '[');
    size_t length = strlen(name);
    int64_t value;

    r->target->value = r->classes.value;
    if (cx_is_label(r, name, length))
        return set_label(r, term, name);
    if (cx_target_number(&number, &value) && *number == '\0')
        return set_index(r, term, value);
    if (strncmp(name, "top", 3) == 0 &&
        (rank += 3, cx_target_number(&rank, &value)) && *rank == '\0')
        return set_rank(r, term, value);
    if (open && name[length - 1] == ']')
        return set_element(r, term, name, open);
    return set_label(r, term, name);
}
