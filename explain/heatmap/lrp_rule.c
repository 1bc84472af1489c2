#include "lrp_rule.h"

#include <stdlib.h>
#include <string.h>

#include "lrp_run.h"
#include "rows.h"

static const double stabilizer = 1e-6;

int cx_lrp_rule_writes_relevance(cx_lrp_rule rule)
{
    return rule == CX_LRP_WSQUARE || rule == CX_LRP_FLAT || rule == CX_LRP_BOX;
}

/* Where there is relevance: where y is above 0, below, or whatever it is, NaN
   too; or-ed. */
enum { ABOVE = 1, BELOW = 2, ANYWHERE = 4 };

/* A rule at work: one run a term of the group that is being run. */
typedef struct work {
    const cx_lrp_case *c;
    const cx_lrp_group *group;
    double factor; /* of the group: alpha, -beta or 1 */
    cx_lrp_run runs[cx_lrp_most_terms];
    int ran[cx_lrp_most_terms]; /* terms of the group that have something */
    cxai_tensor z;              /* the sum of the terms, laid out as y */
    int negative;               /* some x is below 0 */
    int found;                  /* ABOVE, BELOW, ANYWHERE, or-ed */
    int any;                    /* some of it is left after the division */
    cx_lrp_term term;           /* the one that a row works on */
    cx_lrp_part part;           /* of the bias or of x, for it */
} work;

static void each_row(work *k, const cxai_tensor *views, int count,
                     cx_row_function *function)
{
    cx_each_row_on(k->c->call->options->threads, views, count, function, k);
}

static void find_negative(cxai_real *const *at, const int64_t *step,
                          int64_t count, void *payload)
{
    work *k = payload;
    int found = 0;

    for (int64_t i = 0; i < count; i++)
        found |= at[0][i * step[0]] < 0;
#pragma omp atomic
    k->negative |= found;
}

/* at: above, y of the head, scale, offset */
static void find_relevance(cxai_real *const *at, const int64_t *step,
                           int64_t count, void *payload)
{
    work *k = payload;
    const cxai_real *above = at[0], *head = at[1], *scale = at[2];
    const cxai_real *offset = at[3];
    int64_t a = step[0], b = step[1], c = step[2], d = step[3];
    int found_above = 0, found_below = 0, found = 0, known;

#pragma omp atomic read
    known = k->found;
    if ((known & (ABOVE | BELOW)) == (ABOVE | BELOW))
        return;
    for (int64_t i = 0; i < count; i++) {
        cxai_real y = head[i * b] * scale[i * c] + offset[i * d];
        int some = above[i * a] != 0;
        found_above |= some & (y > 0);
        found_below |= some & (y < 0);
        found |= some;
    }
    found = (found_above ? ABOVE : 0) | (found_below ? BELOW : 0) |
            (found ? ANYWHERE : 0);
#pragma omp atomic
    k->found |= found;
}

/* ---- the sum of the terms ------------------------------------------------ */

/* at: z, the term, shift */
static void add_term(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    const work *k = payload;
    const cx_lrp_part part = k->part;
    cxai_real sign = (cxai_real)k->term.sign;
    cxai_real *z = at[0];
    const cxai_real *sum = at[1], *shift = at[2];
    int64_t a = step[0], b = step[1], c = step[2];

    if (!k->term.biased)
        for (int64_t i = 0; i < count; i++)
            z[i * a] += sign * sum[i * b];
    else
        for (int64_t i = 0; i < count; i++)
            z[i * a] += sign * (sum[i * b] + cx_lrp_take(&part, shift[i * c]));
}

static cxai_status run_term(work *k, int i, cxai_error *error)
{
    const cx_lrp_layer *layer = k->c->layer;
    cxai_tensor views[3] = { k->z };

    k->term = k->group->terms[i];
    k->part = cx_lrp_part_of_weight(k->term.w, k->c->numbers.gamma);
    k->ran[i] = k->term.x != CX_NEGATIVE || k->negative;
    if (!k->ran[i]) /* as behind a ReLU */
        return CXAI_OK;
    cxai_status status =
        cx_lrp_run_forward(&k->runs[i], k->c, &k->term, &views[1], error);
    if (status != CXAI_OK)
        return status;
    views[2] = cx_lrp_spread(layer->shift, &k->z.shape, layer->value_axis);
    each_row(k, views, 3, add_term);
    return CXAI_OK;
}

/* ---- relevance over the sum, and back ------------------------------------ */

/* z becomes factor * relevance / (z + e), where the group is used.
   at: z, above, y of the head, scale, offset */
static void divide(cxai_real *const *at, const int64_t *step, int64_t count,
                   void *payload)
{
    work *k = payload;
    cxai_real factor = (cxai_real)k->factor, e = (cxai_real)stabilizer;
    cxai_real where = (cxai_real)k->group->where;
    int everywhere = k->group->where == 0, divided = k->c->divided, any = 0;
    cxai_real *z = at[0];
    const cxai_real *above = at[1], *head = at[2], *scale = at[3];
    const cxai_real *offset = at[4];
    int64_t a = step[0], b = step[1], c = step[2], d = step[3], f = step[4];

    for (int64_t i = 0; i < count; i++) {
        cxai_real y = head[i * c] * scale[i * d] + offset[i * f];
        cxai_real r = factor * above[i * b] * (divided ? y : 1);
        cxai_real share = r / (z[i * a] + (z[i * a] < 0 ? -e : e));
        share = (everywhere | (where * y > 0)) ? share : 0;
        z[i * a] = share;
        any |= share != 0;
    }
#pragma omp atomic
    k->any |= any;
}

/* Calls one of these two for all of y: skip is 1 without z. */
static void share_out(work *k, int skip, cx_row_function *function)
{
    const cx_lrp_layer *layer = k->c->layer;
    const cxai_shape *shape = &k->z.shape;
    cxai_tensor views[5] = {
        k->z,
        *k->c->above,
        *k->c->y,
        cx_lrp_spread(layer->scale, shape, layer->value_axis),
        cx_lrp_spread(layer->offset, shape, layer->value_axis),
    };

    each_row(k, views + skip, 5 - skip, function);
}

/* at: below, what came back, x, the source of the term */
static void add_share(cxai_real *const *at, const int64_t *step, int64_t count,
                      void *payload)
{
    const work *k = payload;
    cxai_real sign = (cxai_real)k->term.sign;
    cxai_real above = k->part.constant + k->part.above;
    cxai_real under = k->part.constant + k->part.below;
    int times_source =
        k->term.x == CX_ALL || k->term.x == CX_LOW || k->term.x == CX_HIGH;
    cxai_real *below = at[0];
    const cxai_real *back = at[1], *x = at[2], *source = at[3];
    int64_t a = step[0], b = step[1], c = step[2], d = step[3];

    for (int64_t i = 0; i < count; i++) {
        cxai_real part =
            times_source ? source[i * d] : (x[i * c] > 0 ? above : under);
        below[i * a] += sign * part * back[i * b];
    }
}

/* Runs one term backwards. */
static cxai_status return_term(work *k, int i, cxai_error *error)
{
    cxai_tensor views[4] = { *k->c->below };

    k->term = k->group->terms[i];
    k->part = cx_lrp_part_of_input(k->term.x);
    cxai_status status =
        cx_lrp_run_backward(&k->runs[i], k->c, &k->z, &views[1], error);
    if (status != CXAI_OK)
        return status;
    views[2] = *k->c->x;
    views[3] = *cx_lrp_source(k->c, &k->term);
    each_row(k, views, 4, add_share);
    return CXAI_OK;
}

static cxai_status run_group(work *k, cxai_error *error)
{
    int where = k->group->where;
    cxai_status status = CXAI_OK;

    if (!(k->found & (where > 0 ? ABOVE : where < 0 ? BELOW : ANYWHERE)))
        return CXAI_OK;
    memset(k->z.data, 0,
           (size_t)cxai_shape_count(&k->z.shape) * sizeof *k->z.data);
    for (int i = 0; status == CXAI_OK && i < k->group->count; i++)
        status = run_term(k, i, error);
    k->any = 0;
    if (status == CXAI_OK)
        share_out(k, 0, divide);
    for (int i = 0; status == CXAI_OK && k->any && i < k->group->count; i++)
        if (k->ran[i])
            status = return_term(k, i, error);
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

static cxai_status run_groups(work *k, cxai_error *error)
{
    const cx_lrp_terms *terms = cx_lrp_terms_of(k->c->rule);
    cxai_status status = CXAI_OK;

    share_out(k, 1, find_relevance); /* behind a ReLU nothing is below 0 */
    each_row(k, k->c->x, 1, find_negative);
    for (int i = 0; status == CXAI_OK && i < terms->count; i++) {
        k->group = &terms->groups[i];
        k->factor = factor_of(k->c, i);
        if (k->factor != 0)
            status = run_group(k, error);
    }
    for (int i = 0; i < cx_lrp_most_terms; i++)
        cx_lrp_run_end(&k->runs[i]);
    return status;
}

cxai_status cx_lrp_apply(const cx_lrp_case *c, cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&c->y->shape);
    work k = { .c = c, .z = *c->y };

    k.z.data = malloc(count * sizeof *k.z.data);
    if (!k.z.data)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for the relevance of a layer");
    each_row(&k, c->below, 1, clear_row);
    cxai_status status = run_groups(&k, error);
    free(k.z.data);
    return status;
}
