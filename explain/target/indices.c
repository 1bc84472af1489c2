/* Indices as in Python: "[0:4,-1]", the dimensions behind the batch. */
#include <ctype.h>
#include <string.h>

#include "parse.h"

static cxai_status refuse_form(const cx_reader *r, const char *text)
{
    return cx_refuse_target(r,
                            "'%s' is none of LAYER[CHANNEL], "
                            "LAYER[CHANNEL,ROW,COLUMN] or LAYER[2:5,-1,...]",
                            text);
}

static cxai_status refuse_range(const cx_reader *r, int axis, const char *what,
                                int64_t number)
{
    const cxai_target_context *c = r->context;
    const cxai_shape *shape = &c->shapes[r->target->value];
    char text[64];

    return cx_refuse_target(
        r,
        "%s %lld is out of range: dimension %d of '%s' (%s) has indices 0 to "
        "%lld",
        what, (long long)number, axis,
        cxai_model_value_name(c->model, r->target->value),
        cxai_shape_text(shape, text, sizeof text),
        (long long)shape->dim[axis] - 1);
}

/* Reads an index, counted from the end where it is negative; 0 when there is
   none. */
static int read_index(const char **text, int64_t size, int64_t *index)
{
    const char *p = *text;
    int negative = *p == '-';

    p += negative;
    if (!cx_target_number(&p, index))
        return 0;
    if (negative)
        *index = size - *index;
    *text = p;
    return 1;
}

/* One item, which ends at ',' or ']'. */
static cxai_status read_span(const cx_reader *r, cxai_target_term *term,
                             int axis, const char **text, const char *whole)
{
    int64_t size = r->context->shapes[r->target->value].dim[axis];
    int64_t first = 0, end = size;
    int given = read_index(text, size, &first);

    if (**text == ':') {
        (*text)++;
        read_index(text, size, &end);
    } else if (given) {
        end = first < size ? first + 1 : size;
    } else if (strncmp(*text, "top", 3) == 0 && !term->top) {
        int64_t rank;
        *text += 3;
        if (!cx_target_number(text, &rank))
            return refuse_form(r, whole);
        if (rank < 1 || rank > size || rank > 1000000)
            return refuse_range(r, axis, "rank", rank);
        term->top = (int)rank;
        term->top_axis = axis;
        return CXAI_OK;
    } else {
        return refuse_form(r, whole);
    }
    if (first < 0 || first >= size)
        return refuse_range(r, axis, "index", first);
    if (end > size)
        return refuse_range(r, axis, "the end", end);
    if (end <= first)
        return cx_refuse_target(r, "%lld:%lld in '%s' is empty",
                                (long long)first, (long long)end, whole);
    if (first > 0 || end < size || given)
        term->span[axis] = (cxai_span){ first, end - first };
    return CXAI_OK;
}

static int count_items(const char *text)
{
    int count = 1;

    for (; *text; text++)
        count += *text == ',';
    return count;
}

cxai_status cx_target_spans(const cx_reader *r, cxai_target_term *term,
                            const char *text)
{
    const cxai_target_context *c = r->context;
    const cxai_shape *shape = &c->shapes[r->target->value];
    const char *p = text;
    int items = count_items(text), axis = 1, spread = 0;
    char shape_text[64];
    cxai_status status = CXAI_OK;

    do {
        p++;
        while (isspace((unsigned char)*p))
            p++;
        if (strncmp(p, "...", 3) == 0 && !spread && items <= shape->rank) {
            axis += shape->rank - items;
            spread = 1;
            p += 3;
        } else if (axis >= 1 && axis < shape->rank) {
            status = read_span(r, term, axis++, &p, text);
        } else {
            return cx_refuse_target(
                r, "'%s' has more indices than '%s' (%s) dimensions", text,
                cxai_model_value_name(c->model, r->target->value),
                cxai_shape_text(shape, shape_text, sizeof shape_text));
        }
        while (isspace((unsigned char)*p))
            p++;
    } while (status == CXAI_OK && *p == ',');
    if (status != CXAI_OK)
        return status;
    return strcmp(p, "]") == 0 ? CXAI_OK : refuse_form(r, text);
}
