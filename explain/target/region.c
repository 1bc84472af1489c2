/* Places of a map: a part of the photo, or where a class wins. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/* The two dimensions of a map that are neither batch nor class. */
static int spatial_axes(const cx_reader *r, int axes[2])
{
    const cxai_shape *shape = &r->context->shapes[r->target->value];
    int is_logits = r->target->value == r->classes.value;
    int class_axis = is_logits ? r->classes.axis : 1, found = 0;

    if (shape->rank != 4)
        return 0;
    for (int axis = 1; axis < 4; axis++)
        if (axis != class_axis && found < 2)
            axes[found++] = axis;
    return 1;
}

static cxai_status refuse_map(const cx_reader *r)
{
    const cxai_target_context *c = r->context;
    char text[64];

    return cx_refuse_target(
        r,
        "'%s' has shape %s and is no map with places: @ is for networks that "
        "answer for every position",
        cxai_model_value_name(c->model, r->target->value),
        cxai_shape_text(&c->shapes[r->target->value], text, sizeof text));
}

/* Where the network's pixels lie along one axis of the photo:
   photo = offset + scale * network. */
typedef struct side {
    double offset, scale, network, photo, seen_first, seen_end;
} side;

static side side_of(const cxai_target_context *c, int vertical, int64_t network)
{
    const cxai_geometry *g = c->geometry;
    double size = (double)network;

    if (g == NULL)
        return (side){ 0, 1, size, size, 0, size };
    return vertical ? (side){ g->offset_y,     g->scale_y,  g->network_height,
                              g->photo_height, g->seen_top, g->seen_bottom }
                    : (side){ g->offset_x,    g->scale_x,   g->network_width,
                              g->photo_width, g->seen_left, g->seen_right };
}

/* Positions of a map whose centres lie in first .. end of the photo, or the
   one that lies nearest to the middle when there is none; the map's positions
   share the network's pixels evenly. */
static cxai_span positions_in(const side *s, double first, double end,
                              int64_t size)
{
    double per_position = s->network / (double)size;
    double from = (first - s->offset) / s->scale / per_position - 0.5;
    double to = (end - s->offset) / s->scale / per_position - 0.5;
    int64_t low = (int64_t)ceil(fmax(from, 0));
    int64_t high = (int64_t)ceil(fmin(to, (double)size));

    if (low < high)
        return (cxai_span){ low, high - low };
    int64_t middle = (int64_t)floor((from + to) / 2 + 0.5);
    middle = middle < 0 ? 0 : middle >= size ? size - 1 : middle;
    return (cxai_span){ middle, 1 };
}

static cxai_status restrict_axis(const cx_reader *r, cxai_target_term *term,
                                 int axis, int vertical, double first,
                                 double end)
{
    const cxai_target_context *c = r->context;
    int64_t size = c->shapes[r->target->value].dim[axis];
    int input = cxai_model_input(c->model, 0);
    const cxai_shape *fed = &c->shapes[input];
    int last = fed->rank == 4 && fed->dim[3] <= 4 && fed->dim[1] > 4;
    int64_t network =
        fed->rank == 4 ? fed->dim[(vertical ? 2 : 3) - last] : size;
    side s = side_of(c, vertical, network);
    char name = vertical ? 'y' : 'x';

    if (!(first >= 0 && first < end && end <= s.photo))
        return cx_refuse_target(
            r, "%c from %g to %g is out of range: the photo has %c 0 to %g",
            name, first, end, name, s.photo);
    if (end <= s.seen_first || first >= s.seen_end)
        return cx_refuse_target(
            r, "the network saw nothing of %c from %g to %g: only %g to %g",
            name, first, end, s.seen_first, s.seen_end);
    if (term->span[axis].count != 0)
        return cx_refuse_target(r, "its positions are given twice");
    term->span[axis] = positions_in(&s, first, end, size);
    return CXAI_OK;
}

/* "x0,y0,x1,y1" at *text. */
static int read_box(const char **text, double box[4])
{
    for (int i = 0; i < 4; i++) {
        char *end;
        while (isspace((unsigned char)**text))
            (*text)++;
        if (!isdigit((unsigned char)**text) && **text != '-')
            return 0;
        box[i] = strtod(*text, &end);
        if (end == *text || !isfinite(box[i]) || (i < 3 && *end != ','))
            return 0;
        *text = end + (i < 3);
    }
    return 1;
}

static cxai_status restrict_to_wins(const cx_reader *r, cxai_target_term *term)
{
    const cxai_shape *shape = &r->context->shapes[r->target->value];
    int is_logits = r->target->value == r->classes.value;
    int axis = is_logits ? r->classes.axis : 1;

    if (axis < 1 || shape->rank < 3)
        return refuse_map(r);
    if (term->span[axis].count != 1 && !(term->top && term->top_axis == axis))
        return cx_refuse_target(r, "only a single class can win");
    term->wins_axis = axis;
    term->wins = shape->dim[axis] == 1 ||
                         (is_logits && r->classes.reading == CXAI_READ_SIGMOID)
                     ? CXAI_WINS_POSITIVE
                     : CXAI_WINS_LARGEST;
    return CXAI_OK;
}

cxai_status cx_target_place(const cx_reader *r, cxai_target_term *term,
                            const char **text)
{
    int axes[2];
    double box[4];

    (*text)++;
    if (strncmp(*text, "wins", 4) == 0) {
        *text += 4;
        return restrict_to_wins(r, term);
    }
    if (!read_box(text, box))
        return cx_refuse_target(r, "behind @ stands x0,y0,x1,y1 in pixels of "
                                   "the photo, or wins");
    if (!spatial_axes(r, axes))
        return refuse_map(r);
    cxai_status status = restrict_axis(r, term, axes[0], 1, box[1], box[3]);

    return status == CXAI_OK
               ? restrict_axis(r, term, axes[1], 0, box[0], box[2])
               : status;
}
