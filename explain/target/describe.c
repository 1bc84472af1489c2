/* Targets in words. */
#include "block.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to a text of size bytes, cut to fit. */
static void add(char *text, size_t size, const char *format, ...)
    CXAI_PRINTF(3, 4);

static void add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void add_span(char *text, size_t size, const cxai_span *span)
{
    if (span->count == 0)
        add(text, size, ":");
    else if (span->count == 1)
        add(text, size, "%lld", (long long)span->first);
    else
        add(text, size, "%lld:%lld", (long long)span->first,
            (long long)span->first + span->count);
}

char *cxai_target_indices(const cxai_target_term *term, const cxai_shape *shape,
                          char *text, size_t size)
{
    if (size == 0)
        return text;
    text[0] = '\0';
    add(text, size, "[");
    for (int axis = 1; axis < shape->rank; axis++) {
        add(text, size, axis > 1 ? "," : "");
        add_span(text, size, &term->span[axis]);
    }
    add(text, size, "]");
    return text;
}

/* The class of one term: a label, a side of a single number, or the index. */
static void add_class(char *text, size_t size,
                      const cxai_target_context *context,
                      const cxai_classes *classes, int64_t index, int against)
{
    int labels = cxai_labels_count(context->labels);
    int sides = classes->count == 1 &&
                (classes->reading == CXAI_READ_SIGMOID || labels == 2);
    const char *label = cxai_labels_name(
        context->labels, sides && labels == 2 ? !against : (int)index);

    if (against && sides && labels == 1)
        add(text, size, "not ");
    else if (against && !sides)
        add(text, size, "-");
    if (label != NULL)
        add(text, size, "%s", label);
    else if (sides)
        add(text, size, against ? "no" : "yes");
    else
        add(text, size, "%lld", (long long)index);
}

/* Where a class of a map is looked at, when not everywhere. */
static void add_place(char *text, size_t size, const cxai_target_term *term,
                      const cxai_shape *shape, int class_axis)
{
    static const char *const names[2] = { " in rows ", ", columns " };
    int place = 0, whole = 1;

    for (int axis = 1; axis < shape->rank; axis++)
        whole &= axis == class_axis || term->span[axis].count == 0;
    for (int axis = 1; axis < shape->rank && !whole; axis++)
        if (axis != class_axis) {
            add(text, size, "%s", place < 2 ? names[place] : ", ");
            add_span(text, size, &term->span[axis]);
            place++;
        }
    if (term->mask != NULL)
        add(text, size, " where it wins (%lld of %lld)",
            (long long)cxai_target_count(term, shape),
            (long long)cx_block_of(term, shape, 0).count);
}

static void add_term(char *text, size_t size, const cxai_target *target,
                     int number, const cxai_target_context *context)
{
    const cxai_classes classes =
        cxai_model_classes(context->model, context->shapes);
    const cxai_target_term *term = &target->terms[number];
    const cxai_shape *shape = &context->shapes[target->value];
    const cxai_span *chosen = &term->span[classes.axis];
    double magnitude = fabs(term->weight);
    int against = term->weight < 0;
    char indices[128];

    if (number > 0)
        add(text, size, against ? " - " : " + ");
    if (magnitude < 1 || magnitude > 1)
        add(text, size, "%s%g*", against && number == 0 ? "-" : "", magnitude);
    int is_class = target->value == classes.value && classes.count > 0 &&
                   (classes.axis == 0 || chosen->count == 1);
    against = against && number == 0 && !(magnitude < 1 || magnitude > 1);
    if (is_class) {
        add_class(text, size, context, &classes,
                  classes.axis ? chosen->first : 0, against);
        add_place(text, size, term, shape, classes.axis);
        return;
    }
    add(text, size, "%s%s%s", against ? "-" : "",
        cxai_model_value_name(context->model, target->value),
        cxai_target_indices(term, shape, indices, sizeof indices));
}

char *cxai_target_describe(const cxai_target *target,
                           const cxai_target_context *context, char *text,
                           size_t size)
{
    if (size == 0)
        return text;
    text[0] = '\0';
    for (int i = 0; i < target->term_count; i++)
        add_term(text, size, target, i, context);
    return text;
}
