#include "lrp_terms.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

static const double stabilizer = 1e-6;

int cx_lrp_rule_writes_relevance(cx_lrp_rule rule)
{
    return rule == CX_LRP_WSQUARE || rule == CX_LRP_FLAT || rule == CX_LRP_BOX;
}

/* A rule at work: one session a term of the group that is being run. */
typedef struct work {
    const cx_lrp_case *c;
    const cx_lrp_group *group;
    double factor; /* of the group: alpha, -beta or 1 */
    cxai_session *sessions[cx_lrp_most_terms];
    cxai_tensor z;    /* the sum of the terms, laid out as y */
    int any;          /* something was found */
    cx_lrp_term term; /* the one that a row works on */
} work;

static cxai_real part_of_weight(const work *k, cxai_real w)
{
    cxai_real above = w > 0 ? w : 0, below = w < 0 ? w : 0;
    cxai_real gamma = (cxai_real)k->c->numbers.gamma;

    switch (k->term.w) {
    case CX_SAME: return w;
    case CX_ABOVE: return above;
    case CX_BELOW: return below;
    case CX_MORE_ABOVE: return w + gamma * above;
    case CX_MORE_BELOW: return w + gamma * below;
    case CX_SQUARE: return w * w;
    case CX_UNIT: return 1;
    }
    return w;
}

/* A view that gives every element of a channel the same number. */
static cxai_tensor spread(cxai_real *by_channel, const cxai_shape *shape,
                          int axis)
{
    cxai_tensor view = { .data = by_channel, .shape = *shape };

    view.stride[axis] = 1;
    return view;
}

/* ---- what a term is fed -------------------------------------------------- */

/* at: W to be fed, W, scale */
static void write_weights(cxai_real *const *at, const int64_t *step,
                          int64_t count, void *payload)
{
    const work *k = payload;

    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] =
            part_of_weight(k, at[1][i * step[1]] * at[2][i * step[2]]);
}

/* at: x to be fed, x, low or high of the box */
static void write_input(cxai_real *const *at, const int64_t *step,
                        int64_t count, void *payload)
{
    const work *k = payload;

    for (int64_t i = 0; i < count; i++) {
        cxai_real x = at[1][i * step[1]];
        switch (k->term.x) {
        case CX_POSITIVE: x = x > 0 ? x : 0; break;
        case CX_NEGATIVE: x = x < 0 ? x : 0; break;
        case CX_ONE: x = 1; break;
        case CX_LOW:
        case CX_HIGH: x = at[2][i * step[2]]; break;
        case CX_ALL: break;
        }
        at[0][i * step[0]] = x;
    }
}

static void find_negative(cxai_real *const *at, const int64_t *step,
                          int64_t count, void *payload)
{
    work *k = payload;
    int found = 0;

    for (int64_t i = 0; i < count; i++)
        found |= at[0][i * step[0]] < 0;
    k->any |= found;
}

/* The box that a term multiplies by, or x where it needs none. */
static const cxai_tensor *box_of(const work *k)
{
    return k->term.x == CX_LOW    ? &k->c->numbers.low
           : k->term.x == CX_HIGH ? &k->c->numbers.high
                                  : k->c->x;
}

static cxai_status open_session(work *k, cxai_session **session,
                                cxai_error *error)
{
    const cx_lrp_layer *layer = k->c->layer;
    const cxai_heatmap_call *call = k->c->call;
    int feed[3] = { layer->x, layer->w, layer->b };
    cxai_request request = {
        .input_shape = call->input_shape,
        .feed = feed,
        .feed_count = layer->b >= 0 ? 3 : 2,
        .target = cxai_model_node(call->model, layer->head).outputs[0],
        .wrt = &layer->x,
        .wrt_count = 1,
        .direct = (call->method->needs & CXAI_NEEDS_DIRECT) != 0,
        .threads = call->options->threads,
        .max_bytes = call->options->max_bytes,
    };

    return cxai_session_create(session, call->model, &request, error);
}

static cxai_status feed_session(work *k, cxai_session *session,
                                cxai_error *error)
{
    const cx_lrp_layer *layer = k->c->layer;
    cxai_tensor w[3], x[3] = { { .data = NULL }, *k->c->x, *box_of(k) };
    cxai_status status = cxai_session_fed(session, layer->w, &w[0], error);

    if (status == CXAI_OK)
        status = cxai_session_fed(session, layer->x, &x[0], error);
    if (status != CXAI_OK)
        return status;
    w[1] = cxai_model_constant(k->c->call->model, layer->w);
    w[2] = spread(layer->scale, &w[1].shape, layer->weight_axis);
    cx_each_row(w, 3, write_weights, k);
    cx_each_row(x, 3, write_input, k);
    return CXAI_OK;
}

/* ---- the sum of the terms ------------------------------------------------ */

/* at: z, the term, shift */
static void add_term(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    const work *k = payload;
    cxai_real sign = (cxai_real)k->term.sign;
    int biased = k->term.biased;

    for (int64_t i = 0; i < count; i++) {
        cxai_real bias =
            biased ? part_of_weight(k, at[2][i * step[2]]) : (cxai_real)0;
        at[0][i * step[0]] += sign * (at[1][i * step[1]] + bias);
    }
}

/* Runs one term forwards, on a session that is left open. */
static cxai_status run_term(work *k, int i, cxai_error *error)
{
    const cx_lrp_layer *layer = k->c->layer;
    cxai_tensor views[3] = { k->z };

    k->term = k->group->terms[i];
    if (k->term.x == CX_NEGATIVE) { /* behind a ReLU there is nothing to do */
        k->any = 0;
        cx_each_row(k->c->x, 1, find_negative, k);
        if (!k->any)
            return CXAI_OK;
    }
    cxai_status status = open_session(k, &k->sessions[i], error);
    if (status == CXAI_OK)
        status = feed_session(k, k->sessions[i], error);
    if (status == CXAI_OK)
        status = cxai_session_forward(k->sessions[i], error);
    if (status == CXAI_OK)
        status = cxai_session_value(
            k->sessions[i],
            cxai_model_node(k->c->call->model, layer->head).outputs[0],
            &views[1], error);
    if (status != CXAI_OK)
        return status;
    views[2] = spread(layer->shift, &k->z.shape, layer->value_axis);
    cx_each_row(views, 3, add_term, k);
    return CXAI_OK;
}

/* ---- relevance over the sum, and back ------------------------------------ */

/* z becomes factor * relevance / (z + e), where the group is used.
   at: z, above, y of the head, scale, offset */
static void divide(cxai_real *const *at, const int64_t *step, int64_t count,
                   void *payload)
{
    work *k = payload;
    int where = k->group->where, any = 0;
    cxai_real factor = (cxai_real)k->factor, e = (cxai_real)stabilizer;

    for (int64_t i = 0; i < count; i++) {
        cxai_real z = at[0][i * step[0]], r = at[1][i * step[1]];
        cxai_real y =
            at[2][i * step[2]] * at[3][i * step[3]] + at[4][i * step[4]];
        if (k->c->divided)
            r *= y;
        int used = where == 0 || (where > 0 ? y > 0 : y < 0);
        r = used ? factor * r / (z + (z < 0 ? -e : e)) : 0;
        at[0][i * step[0]] = r;
        any |= r != 0;
    }
    k->any |= any;
}

/* at: above, y of the head, scale, offset */
static void find_used(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    work *k = payload;
    int where = k->group->where, any = 0;

    for (int64_t i = 0; i < count; i++) {
        cxai_real y =
            at[1][i * step[1]] * at[2][i * step[2]] + at[3][i * step[3]];
        int used = where == 0 || (where > 0 ? y > 0 : y < 0);
        any |= used && at[0][i * step[0]] != 0;
    }
    k->any |= any;
}

/* Calls one of these two for all of y. */
static void share_out(work *k, cx_row_function *function)
{
    const cx_lrp_layer *layer = k->c->layer;
    const cxai_shape *shape = &k->z.shape;
    int skip = function == find_used;
    cxai_tensor views[5] = {
        k->z,
        *k->c->above,
        *k->c->y,
        spread(layer->scale, shape, layer->value_axis),
        spread(layer->offset, shape, layer->value_axis),
    };

    k->any = 0;
    cx_each_row(views + skip, 5 - skip, function, k);
}

static void copy_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = at[1][i * step[1]];
}

/* at: below, what came back, x, low or high of the box */
static void add_share(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    const work *k = payload;
    cxai_real sign = (cxai_real)k->term.sign;

    for (int64_t i = 0; i < count; i++) {
        cxai_real x = at[2][i * step[2]], back = sign * at[1][i * step[1]];
        switch (k->term.x) {
        case CX_POSITIVE: back = x > 0 ? back : 0; break;
        case CX_NEGATIVE: back = x < 0 ? back : 0; break;
        case CX_ONE: break;
        case CX_ALL: back *= x; break;
        case CX_LOW:
        case CX_HIGH: back *= at[3][i * step[3]]; break;
        }
        at[0][i * step[0]] += back;
    }
}

/* Runs one term backwards. */
static cxai_status return_term(work *k, int i, cxai_error *error)
{
    cxai_tensor seed[2] = { { .data = NULL }, k->z };
    cxai_tensor views[4] = { *k->c->below };

    k->term = k->group->terms[i];
    cxai_status status = cxai_session_seed(k->sessions[i], &seed[0], error);
    if (status != CXAI_OK)
        return status;
    cx_each_row(seed, 2, copy_row, k);
    status = cxai_session_backward(k->sessions[i], NULL, error);
    if (status == CXAI_OK)
        status = cxai_session_gradient(k->sessions[i], k->c->layer->x,
                                       &views[1], error);
    if (status != CXAI_OK)
        return status;
    views[2] = *k->c->x;
    views[3] = *box_of(k);
    cx_each_row(views, 4, add_share, k);
    return CXAI_OK;
}

static void close_sessions(work *k)
{
    for (int i = 0; i < cx_lrp_most_terms; i++)
        cxai_session_free(&k->sessions[i]);
}

static cxai_status run_group(work *k, cxai_error *error)
{
    cxai_status status = CXAI_OK;

    share_out(k, find_used); /* behind a ReLU nothing is below 0 */
    if (!k->any)
        return CXAI_OK;
    memset(k->z.data, 0,
           (size_t)cxai_shape_count(&k->z.shape) * sizeof *k->z.data);
    for (int i = 0; status == CXAI_OK && i < k->group->count; i++)
        status = run_term(k, i, error);
    if (status == CXAI_OK)
        share_out(k, divide);
    for (int i = 0; status == CXAI_OK && k->any && i < k->group->count; i++)
        if (k->sessions[i])
            status = return_term(k, i, error);
    close_sessions(k);
    return status;
}

static void clear_row(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = 0;
}

static double factor_of(const cx_lrp_case *c, int number)
{
    if (c->rule != CX_LRP_ALPHA_BETA)
        return 1;
    return number == 0 ? c->numbers.alpha : 1 - c->numbers.alpha;
}

cxai_status cx_lrp_apply(const cx_lrp_case *c, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&c->y->shape);
    work k = { .c = c, .z = *c->y };
    const cx_lrp_terms *terms = cx_lrp_terms_of(c->rule);
    cxai_status status = CXAI_OK;

    k.z.data = malloc(count * sizeof *k.z.data);
    if (!k.z.data)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for the relevance of a layer");
    cx_each_row(c->below, 1, clear_row, NULL);
    for (int i = 0; status == CXAI_OK && i < terms->count; i++) {
        k.group = &terms->groups[i];
        k.factor = factor_of(c, i);
        if (k.factor != 0)
            status = run_group(&k, error);
    }
    free(k.z.data);
    return status;
}
