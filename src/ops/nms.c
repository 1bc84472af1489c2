/*
 * NonMaxSuppression, on constants. How many boxes are left depends on the
 * scores, and sessions have fixed shapes: a detector that ends in it is loaded,
 * and explained at the values before it.
 */
#include <math.h>

#include "base/size.h"
#include "ops/common/constant.h"

enum { BOXES, SCORES, MOST, OVERLAP, LEAST, INPUTS };

typedef struct params {
    int64_t count;   /* of selected boxes */
    int64_t *chosen; /* count,3: batch, class, box */
} params;

typedef struct box {
    double top, left, bottom, right;
} box;

/* What selects the boxes of one batch and class. */
typedef struct selection {
    const cxai_real *boxes, *scores; /* boxes,4 and boxes */
    int64_t boxes_count, most;
    double overlap, least;
    int is_centered;
    unsigned char *gone; /* by box: chosen, or hidden by one that is */
} selection;

static box box_at(const selection *s, int64_t i)
{
    const cxai_real *b = s->boxes + 4 * i;
    double p = (double)b[0], q = (double)b[1], r = (double)b[2];
    double t = (double)b[3];
    if (s->is_centered) /* x, y, width, height */
        return (box){ q - t / 2, p - r / 2, q + t / 2, p + r / 2 };
    return (box){ fmin(p, r), fmin(q, t), fmax(p, r), fmax(q, t) };
}

static double area(const box *b)
{
    double height = b->bottom - b->top, width = b->right - b->left;
    return height > 0 && width > 0 ? height * width : 0;
}

/* Intersection over union. */
static double overlap_of(const box *a, const box *b)
{
    const box both = { fmax(a->top, b->top), fmax(a->left, b->left),
                       fmin(a->bottom, b->bottom), fmin(a->right, b->right) };
    double shared = area(&both), all = area(a) + area(b) - shared;
    return all > 0 ? shared / all : 0;
}

/* The box with the highest score that is left, -1: none. */
static int64_t next_box(const selection *s)
{
    int64_t best = -1;
    for (int64_t i = 0; i < s->boxes_count; i++)
        if (!s->gone[i] && (double)s->scores[i] > s->least &&
            (best < 0 || s->scores[i] > s->scores[best]))
            best = i;
    return best;
}

/* Appends what is selected to p. */
static void select_boxes(const selection *s, int64_t batch, int64_t class,
                         params *p)
{
    for (int64_t i = 0; i < s->boxes_count; i++)
        s->gone[i] = 0;
    for (int64_t k = 0; k < s->most; k++) {
        int64_t best = next_box(s);
        if (best < 0)
            return;
        const box chosen = box_at(s, best);
        s->gone[best] = 1;
        for (int64_t i = 0; i < s->boxes_count; i++) {
            const box other = box_at(s, i);
            s->gone[i] |= overlap_of(&chosen, &other) > s->overlap;
        }
        int64_t *to = p->chosen + 3 * p->count++;
        to[0] = batch;
        to[1] = class;
        to[2] = best;
    }
}

static double number(const cx_case *c, int input, double otherwise)
{
    if (!cx_has_input(c, input) || cx_literal_count(c->x_literal[input]) < 1)
        return otherwise;
    return cx_literal_number(c->x_literal[input], 0);
}

static cxai_status check(const cx_case *c)
{
    const cxai_shape *b = &c->x_shape[BOXES], *s = &c->x_shape[SCORES];
    for (int i = 0; i < c->input_count; i++)
        if (cx_has_input(c, i) && c->x_literal[i] == NULL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "how many boxes it leaves depends on the data; "
                             "use the values before it");
    if (b->rank != 3 || s->rank != 3 || b->dim[0] != s->dim[0] ||
        b->dim[1] != s->dim[2] || b->dim[2] != 4 ||
        cx_input_type(c, BOXES) != CX_REAL ||
        cx_input_type(c, SCORES) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its boxes and scores do not fit to each other");
    return CXAI_OK;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    cxai_status status = check(c);
    if (status != CXAI_OK)
        return status;
    const cxai_shape *shape = &c->x_shape[SCORES];
    int64_t batch = shape->dim[0], classes = shape->dim[1];
    int64_t boxes = shape->dim[2];
    double most = fmin(fmax(number(c, MOST, 0), 0), (double)boxes);
    selection s = {
        .boxes_count = boxes,
        .most = (int64_t)most,
        .overlap = number(c, OVERLAP, 0),
        .least = number(c, LEAST, (double)-INFINITY),
        .is_centered =
            cx_attribute_int(c->attributes, "center_point_box", 0) != 0,
        .gone = cx_arena_alloc(c->arena, (size_t)boxes + 1, 1),
    };
    size_t room = cx_size_times((size_t)(batch * classes), (size_t)s.most);
    p->chosen =
        cx_arena_alloc(c->arena, cx_size_plus(room, 1), 3 * sizeof *p->chosen);
    if (s.gone == NULL || p->chosen == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    for (int64_t n = 0; n < batch; n++)
        for (int64_t k = 0; k < classes; k++) {
            s.boxes = (cxai_real *)c->x_literal[BOXES]->data + n * boxes * 4;
            s.scores = (cxai_real *)c->x_literal[SCORES]->data +
                       (n * classes + k) * boxes;
            select_boxes(&s, n, k, p);
        }
    c->y_type[0] = CX_INT64;
    return cx_set_shape(c, 0, &(cxai_shape){ 2, { p->count, 3 } });
}

static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    for (int64_t i = 0; i < 3 * p->count; i++)
        ((int64_t *)y[0]->data)[i] = p->chosen[i];
    return CXAI_OK;
}

static const cx_sample samples[] = {
    {
        .inputs = "1,3,4~0,0,1,1,0,0,1,1.1,0,2,1,3;1,1,3~0.5,0.9,0.3;1=2;1~0.5",
    },
};

static const cx_operator operators[] = {
    { .name = "NonMaxSuppression",
      .min_inputs = 2,
      .max_inputs = INPUTS,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = infer,
      .fold = fold,
      .not_differentiable = "its output holds numbers of boxes",
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_nms = CX_FAMILY(operators);
