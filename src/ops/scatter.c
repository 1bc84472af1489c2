/*
 * ScatterElements (Scatter before opset 11) and ScatterND with constant
 * indices: y is x, with the updates written, added, multiplied or compared in
 * at the places that the indices name.
 *
 * Gradients where several numbers meet at one place: of those written the last
 * one counts; equal extremes share, as in PyTorch's amax; a product's factor
 * gets the product of the others.
 */
#include <string.h>

#include "base/size.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/places.h"

enum { X, INDICES, UPDATES }; /* inputs */

typedef enum reduction { WRITE, ADD, MULTIPLY, MAXIMUM, MINIMUM } reduction;

typedef struct params {
    cx_places places;
    reduction reduction;
} params;

/* ---- shapes -------------------------------------------------------------- */

static cxai_status read_reduction(const cx_case *c, reduction *r)
{
    static const char *const names[] = { "none", "add", "mul", "max", "min" };
    const char *name = cx_attribute_string(c->attributes, "reduction", "none");
    for (int i = 0; i < CX_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *r = (reduction)i;
            return CXAI_OK;
        }
    return cx_refuse(c, CXAI_MALFORMED, "its reduction is \"%s\"", name);
}

static cxai_status check_updates(const cx_case *c, const cxai_shape *wanted)
{
    char a[128], b[128];
    if (!cxai_shape_equal(&c->x_shape[UPDATES], wanted))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its updates have the shape %s, its indices need %s",
                         cxai_shape_text(&c->x_shape[UPDATES], a, sizeof a),
                         cxai_shape_text(wanted, b, sizeof b));
    if (cx_input_type(c, X) != cx_input_type(c, UPDATES))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its updates are of another type than its input");
    c->y_type[0] = cx_input_type(c, X);
    return cx_set_shape(c, 0, &c->x_shape[X]);
}

static cxai_status elements_infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X], *shape = &c->x_shape[INDICES];
    const cx_literal *indices;
    int axis = 0;
    int64_t named = cx_attribute_int(c->attributes, "axis", 0);
    cxai_status status = read_reduction(c, &p->reduction);
    if (status == CXAI_OK)
        status = cx_read_axis(c, named, x->rank, &axis);
    if (status == CXAI_OK)
        status = cx_read_indices(c, INDICES, &indices);
    for (int i = 0; status == CXAI_OK && i < x->rank; i++)
        if (shape->rank != x->rank || (i != axis && shape->dim[i] > x->dim[i]))
            return cx_refuse(c, CXAI_MALFORMED,
                             "its indices do not lie within its input");
    if (status == CXAI_OK)
        status = check_updates(c, shape);
    if (status == CXAI_OK)
        status = cx_places_along(c, x, axis, indices, &p->places);
    return status;
}

/* updates: the axes of indices but the last, then those of x that no
   coordinate names. */
static cxai_status points_shape(const cx_case *c, cxai_shape *updates)
{
    const cxai_shape *x = &c->x_shape[X], *indices = &c->x_shape[INDICES];
    int64_t named = indices->rank > 0 ? indices->dim[indices->rank - 1] : 0;
    if (named < 1 || named > x->rank ||
        indices->rank - 1 + x->rank - (int)named > CXAI_MAX_RANK)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its indices hold %lld coordinates for %d dimensions",
                         (long long)named, x->rank);
    *updates = *indices;
    updates->rank--;
    for (int i = (int)named; i < x->rank; i++)
        updates->dim[updates->rank++] = x->dim[i];
    return CXAI_OK;
}

static cxai_status points_infer(const cx_case *c)
{
    params *p = c->params;
    const cx_literal *indices;
    cxai_shape updates;
    cxai_status status = read_reduction(c, &p->reduction);
    if (status == CXAI_OK)
        status = cx_read_indices(c, INDICES, &indices);
    if (status == CXAI_OK)
        status = points_shape(c, &updates);
    if (status == CXAI_OK)
        status = check_updates(c, &updates);
    if (status == CXAI_OK)
        status = cx_places_of_points(c, &c->x_shape[X], 0, indices, &p->places);
    return status;
}

/* ---- forward ------------------------------------------------------------- */

/* Element number i of the updates belongs to element place_of(...) of y. */
static int64_t place_of(const cx_places *places, int64_t i)
{
    return places->at[i / places->run] + i % places->run;
}

static int64_t updates_of(const cx_places *places)
{
    return places->count * places->run;
}

#define REDUCE(name, type)                                                     \
    static type name(reduction r, type a, type b)                              \
    {                                                                          \
        switch (r) {                                                           \
        case WRITE: break;                                                     \
        case ADD: return a + b;                                                \
        case MULTIPLY: return a * b;                                           \
        case MAXIMUM: return a > b ? a : b;                                    \
        case MINIMUM: return a < b ? a : b;                                    \
        }                                                                      \
        return b;                                                              \
    }

REDUCE(reduce_reals, cxai_real)
REDUCE(reduce_integers, uint64_t)

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_places *places = &p->places;
    const cxai_real *updates = call->x[UPDATES].data;
    cxai_real *y = call->y[0].data;
    size_t count = (size_t)cxai_shape_count(&call->y[0].shape);
    memcpy(y, call->x[X].data, count * sizeof *y);
    if (p->reduction == WRITE) {
        cx_places_write(places, y, updates, sizeof *y);
        return;
    }
    for (int64_t i = 0; i < updates_of(places); i++) {
        cxai_real *at = &y[place_of(places, i)];
        *at = reduce_reals(p->reduction, *at, updates[i]);
    }
}

/* Sums and products wrap around; extremes are those of signed numbers. */
static cxai_status fold(const cx_case *c, cx_literal *const *y)
{
    const params *p = c->params;
    const cx_places *places = &p->places;
    const cx_literal *updates = c->x_literal[UPDATES];
    size_t item = cx_type_size(y[0]->type);
    memcpy(y[0]->data, c->x_literal[X]->data,
           (size_t)cx_literal_count(y[0]) * item);
    if (p->reduction == WRITE) {
        cx_places_write(places, y[0]->data, updates->data, item);
        return CXAI_OK;
    }
    if (y[0]->type != CX_INT64)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "this reduction is not supported on 8-bit integers");
    const uint64_t sign = (uint64_t)1 << 63;
    uint64_t shift = p->reduction == MAXIMUM || p->reduction == MINIMUM;
    uint64_t *to = y[0]->data;
    for (int64_t i = 0; i < updates_of(places); i++) {
        uint64_t *at = &to[place_of(places, i)];
        uint64_t update = (uint64_t)cx_literal_int(updates, i);
        *at = reduce_integers(p->reduction, *at ^ shift * sign,
                              update ^ shift * sign) ^
              shift * sign;
    }
    return CXAI_OK;
}

/* ---- backward ------------------------------------------------------------ */

/* Of what is written at one place the last number counts: the places are gone
   through backwards, and what has been read is cleared. */
static void backward_of_writing(const cx_call *call)
{
    const cx_places *places = &((const params *)call->c->params)->places;
    const cxai_tensor *dy = &call->dy[0];
    size_t bytes = (size_t)cxai_shape_count(&dy->shape) * sizeof(cxai_real);
    size_t run = (size_t)places->run * sizeof(cxai_real);
    cxai_real *left = call->dx[X].data, *updates = call->dx[UPDATES].data;
    if (left == NULL)
        left = call->workspace;
    memcpy(left, dy->data, bytes);
    for (int64_t i = places->count - 1; i >= 0; i--) {
        cxai_real *at = left + places->at[i];
        if (updates != NULL)
            memcpy(updates + i * places->run, at, run);
        memset(at, 0, run);
    }
}

/* What the factor or the candidate v contributes to element j of y. */
typedef struct meeting {
    reduction reduction;
    const cxai_real *y;
    cxai_real *product; /* of the factors that are not 0 */
    cxai_real *count;   /* factors that are 0; extremes that are equal */
} meeting;

static void meet(const meeting *m, int64_t j, cxai_real v)
{
    if (m->reduction != MULTIPLY)
        m->count[j] += v == m->y[j];
    else if (v == 0)
        m->count[j]++;
    else
        m->product[j] *= v;
}

static cxai_real slope(const meeting *m, int64_t j, cxai_real v)
{
    if (m->reduction == ADD)
        return 1;
    if (m->reduction != MULTIPLY)
        return v == m->y[j] ? 1 / m->count[j] : 0;
    if (m->count[j] == 0)
        return m->product[j] / v;
    return m->count[j] == 1 && v == 0 ? m->product[j] : 0;
}

static void gather_meetings(const cx_call *call, const meeting *m,
                            int64_t count)
{
    const cx_places *places = &((const params *)call->c->params)->places;
    for (int64_t j = 0; j < count; j++) {
        m->count[j] = 0;
        m->product[j] = 1;
        meet(m, j, call->x[X].data[j]);
    }
    for (int64_t i = 0; i < updates_of(places); i++)
        meet(m, place_of(places, i), call->x[UPDATES].data[i]);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    if (p->reduction == WRITE) {
        backward_of_writing(call);
        return;
    }
    int64_t count = cxai_shape_count(&call->dy[0].shape);
    const cxai_real *dy = call->dy[0].data, *x = call->x[X].data,
                    *updates = call->x[UPDATES].data;
    cxai_real *workspace = call->workspace;
    const meeting m = { p->reduction, call->y[0].data, workspace,
                        workspace + count };
    if (p->reduction != ADD)
        gather_meetings(call, &m, count);
    for (int64_t j = 0; call->dx[X].data != NULL && j < count; j++)
        call->dx[X].data[j] = dy[j] * slope(&m, j, x != NULL ? x[j] : 0);
    for (int64_t i = 0;
         call->dx[UPDATES].data != NULL && i < updates_of(&p->places); i++) {
        int64_t j = place_of(&p->places, i);
        call->dx[UPDATES].data[i] =
            dy[j] * slope(&m, j, updates != NULL ? updates[i] : 0);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    if (wanted == 0 || p->reduction == ADD)
        return;
    size_t bytes = cx_size_times((size_t)cxai_shape_count(&c->y_shape[0]),
                                 sizeof(cxai_real));
    if (p->reduction == WRITE) {
        demand->backward_workspace = bytes;
        return;
    }
    demand->backward_workspace = cx_size_times(bytes, 2);
    demand->keep_inputs = 1u << X | 1u << UPDATES;
    demand->keep_outputs = p->reduction != MULTIPLY;
}

#define EACH_REDUCTION(shapes, options)                                        \
    { .inputs = shapes, .attributes = options "reduction=add" },               \
        { .inputs = shapes, .attributes = options "reduction=mul" },           \
        { .inputs = shapes, .attributes = options "reduction=max" },           \
    {                                                                          \
        .inputs = shapes, .attributes = options "reduction=min"                \
    }

static const cx_sample elements_samples[] = {
    { .inputs = "3,4;2,3=0,2,-1,1,0,0;2,3" },
    { .inputs = "2,5;2,3=1,3,1,0,0,4;2,3", .attributes = "axis=1" },
    EACH_REDUCTION("2,5;2,3=1,3,1,0,0,4;2,3", "axis=1 "),
    { .inputs = "3=5,6,7;2=2,0;2=1,-1" },
    { .inputs = "3=5,6,7;2=2,2;2=1,-1", .attributes = "reduction=min" },
};

static const cx_sample points_samples[] = {
    { .inputs = "4,3;2,1=3,1;2,3" },
    { .inputs = "2,3,2;3,2=0,1,1,-1,0,1;3,2" },
    EACH_REDUCTION("2,3,2;3,2=0,1,1,-1,0,1;3,2", ""),
    { .inputs = "2,2=1,2,3,4;1,1=1;1,2=8,9" },
};

static const cx_sample scatter_samples[] = {
    { .inputs = "3,4;2,3=0,2,1,1,0,0;2,3", .opset = 10 },
};

#define SCATTER(type, operator, cases)                                         \
    {                                                                          \
        .name = type, .min_inputs = 3, .max_inputs = 3,                        \
        .layout = CX_ROW_MAJOR, .params_size = sizeof(params),                 \
        .infer = operator##_infer, .demand = demand, .forward = forward,       \
        .backward = backward, .fold = fold, CX_SAMPLES(cases)                  \
    }

static const cx_operator operators[] = {
    SCATTER("ScatterElements", elements, elements_samples),
    SCATTER("Scatter", elements, scatter_samples),
    SCATTER("ScatterND", points, points_samples),
};

const cx_operator_family cx_operators_scatter = CX_FAMILY(operators);
