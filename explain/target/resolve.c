/* Targets: whether they fit, and what only a forward pass can tell of them. */
#include "block.h"

#include <math.h>
#include <string.h>

/* ---- whether a target fits a shape ---- */

static cxai_status check_span(const cxai_target *target, const char *name,
                              const cxai_shape *shape, int axis,
                              const cxai_span *span, cxai_error *error)
{
    int64_t size = shape->dim[axis];
    char text[64];

    if (span->count == 0 && span->first == 0)
        return CXAI_OK;
    if (span->first >= 0 && span->first < size && span->count > 0 &&
        span->count <= size - span->first)
        return CXAI_OK;
    return cxai_fail(error, CXAI_INVALID,
                     "target '%s' is out of range: '%s' has shape %s, its "
                     "%s 0 to %lld",
                     target->text, name,
                     cxai_shape_text(shape, text, sizeof text),
                     axis == 1   ? "channels are"
                     : axis == 2 ? "rows are"
                     : axis == 3 ? "columns are"
                                 : "last indices are",
                     (long long)size - 1);
}

static cxai_status check_top(const cxai_target *target,
                             const cxai_target_term *term, const char *name,
                             const cxai_shape *shape, cxai_error *error)
{
    int64_t most = term->top_axis ? shape->dim[term->top_axis] : 2;

    if (term->top >= 1 && term->top <= most)
        return CXAI_OK;
    return cxai_fail(error, CXAI_INVALID,
                     "target '%s' is out of range: there is no top%d of the "
                     "%lld %s of '%s'",
                     target->text, term->top, (long long)most,
                     term->top_axis ? "numbers" : "sides", name);
}

/* Whether it is one class that wins somewhere. */
static int has_own_index(const cxai_target_term *term, const cxai_shape *shape)
{
    int axis = term->wins_axis;

    return axis >= 1 && axis < shape->rank &&
           (term->span[axis].count == 1 ||
            (term->top && term->top_axis == axis));
}

static cxai_status check_term(const cxai_target *target,
                              const cxai_target_term *term, const char *name,
                              const cxai_shape *shape, cxai_error *error)
{
    cxai_status status = CXAI_OK;

    if (!isfinite(term->weight) || term->top_axis < 0 ||
        (term->top_axis > 0 && term->top_axis >= shape->rank) ||
        (term->wins && !has_own_index(term, shape)))
        return cxai_fail(error, CXAI_INVALID, "target '%s' does not fit '%s'",
                         target->text, name);
    for (int axis = 1; status == CXAI_OK && axis < CXAI_MAX_RANK; axis++) {
        static const cxai_span all = { 0, 0 };
        const cxai_span *span = &term->span[axis];
        if (axis < shape->rank)
            status = check_span(target, name, shape, axis, span, error);
        else if (memcmp(span, &all, sizeof all) != 0)
            status = cxai_fail(error, CXAI_INVALID,
                               "target '%s' has more dimensions than '%s'",
                               target->text, name);
    }
    if (status == CXAI_OK && term->top)
        status = check_top(target, term, name, shape, error);
    return status;
}

cxai_status cxai_target_check(const cxai_target *target,
                              const cxai_model *model, const cxai_shape *shape,
                              cxai_error *error)
{
    cxai_status status = CXAI_OK;

    if (target->value < 0 || target->value >= cxai_model_value_count(model))
        return cxai_fail(error, CXAI_INVALID, "target value %d does not exist",
                         target->value);
    const char *name = cxai_model_value_name(model, target->value);
    if (shape->rank < 1 || cxai_shape_count(shape) < 1)
        return cxai_fail(error, CXAI_INVALID,
                         "target '%s': '%s' has no batch dimension or no "
                         "numbers",
                         target->text, name);
    if (target->term_count < 1 || target->term_count > CXAI_TARGET_TERMS)
        return cxai_fail(error, CXAI_INVALID,
                         "target '%s' has %d terms, not 1 to %d", target->text,
                         target->term_count, CXAI_TARGET_TERMS);
    for (int i = 0; status == CXAI_OK && i < target->term_count; i++)
        status = check_term(target, &target->terms[i], name, shape, error);
    return status;
}

/* ---- ranks ---- */

/* Whether number x at index a ranks before y at b. */
static int ranks_before(double x, int64_t a, double y, int64_t b)
{
    if (isnan(x) || isnan(y))
        return isnan(x) && isnan(y) ? a < b : isnan(y);
    return x > y || (!(x < y) && a < b);
}

/* The mean of the term's block at one index of the axis that is ranked. */
static double score_at(const cxai_target_term *term, const cxai_tensor *value,
                       int64_t index)
{
    cxai_target one = { .term_count = 1, .terms = { *term } };

    one.terms[0].weight = 1;
    one.terms[0].span[term->top_axis] = (cxai_span){ index, 1 };
    return cxai_target_score(&one, value, 0);
}

static void turn_to_side(cxai_target_term *term, const cxai_tensor *value)
{
    cxai_target one = { .term_count = 1, .terms = { *term } };

    one.terms[0].weight = 1;
    if ((cxai_target_score(&one, value, 0) < 0) != (term->top == 2))
        term->weight = -term->weight;
    term->top = 0;
}

static cxai_status resolve_top(cxai_target_term *term, const cxai_tensor *value,
                               cxai_error *error)
{
    int64_t count = term->top_axis ? value->shape.dim[term->top_axis] : 2;
    int64_t last = -1, best = -1;
    double last_score = 0, best_score = 0;

    if (term->top < 1 || term->top > count)
        return cxai_fail(error, CXAI_INVALID,
                         "there is no target top%d: there are %lld classes",
                         term->top, (long long)count);
    if (term->top_axis == 0) {
        turn_to_side(term, value);
        return CXAI_OK;
    }
    /* the best of those after the one found before, rank by rank */
    for (int rank = 1; rank <= term->top; rank++) {
        best = -1;
        for (int64_t i = 0; i < count; i++) {
            double score = score_at(term, value, i);
            if (last >= 0 && !ranks_before(last_score, last, score, i))
                continue;
            if (best < 0 || ranks_before(score, i, best_score, best)) {
                best = i;
                best_score = score;
            }
        }
        last = best;
        last_score = best_score;
    }
    term->span[term->top_axis] = (cxai_span){ best, 1 };
    term->top = 0;
    return CXAI_OK;
}

/* ---- where a class wins ---- */

static int wins_here(const cxai_target_term *term, const cxai_tensor *value,
                     const int64_t *position)
{
    int axis = term->wins_axis;
    double own = (double)*cxai_tensor_at(value, position);
    int64_t index[CXAI_MAX_RANK], count = value->shape.dim[axis];

    if (term->wins == CXAI_WINS_POSITIVE)
        return own > 0;
    memcpy(index, position, sizeof index);
    for (index[axis] = 0; index[axis] < count; index[axis]++)
        if (index[axis] != position[axis] &&
            !ranks_before(own, position[axis],
                          (double)*cxai_tensor_at(value, index), index[axis]))
            return 0;
    return !isnan(own);
}

static cxai_status resolve_wins(const cxai_target *target,
                                cxai_target_term *term,
                                const cxai_tensor *value, unsigned char *mask,
                                cxai_error *error)
{
    cx_block block = cx_block_of(term, &value->shape, 0);
    int won = 0;

    for (int64_t i = 0; i < block.count; i++, cx_block_next(&block)) {
        mask[i] = (unsigned char)wins_here(term, value, block.index);
        won |= mask[i];
    }
    if (!won)
        return cxai_fail(
            error, CXAI_INVALID, "target '%s': class %lld wins at no position",
            target->text, (long long)term->span[term->wins_axis].first);
    term->mask = mask;
    term->wins = CXAI_EVERYWHERE;
    return CXAI_OK;
}

int cxai_target_is_open(const cxai_target *target)
{
    for (int i = 0; i < target->term_count; i++)
        if (target->terms[i].top || target->terms[i].wins)
            return 1;
    return 0;
}

/* The numbers of a term's block, also before its rank is known. */
static int64_t block_size(const cxai_target_term *term, const cxai_shape *shape)
{
    cxai_target_term one = *term;

    if (term->top && term->top_axis)
        one.span[term->top_axis] = (cxai_span){ 0, 1 };
    return cx_block_of(&one, shape, 0).count;
}

int64_t cxai_target_mask_bytes(const cxai_target *target,
                               const cxai_shape *shape)
{
    int64_t bytes = 0;

    for (int i = 0; i < target->term_count; i++)
        if (target->terms[i].wins)
            bytes += block_size(&target->terms[i], shape);
    return bytes;
}

cxai_status cxai_target_resolve(cxai_target *target, const cxai_tensor *value,
                                unsigned char *mask, cxai_error *error)
{
    cxai_status status = CXAI_OK;

    for (int i = 0; status == CXAI_OK && i < target->term_count; i++) {
        cxai_target_term *term = &target->terms[i];
        if (term->top)
            status = resolve_top(term, value, error);
        if (status != CXAI_OK || !term->wins)
            continue;
        status = resolve_wins(target, term, value, mask, error);
        mask += block_size(term, &value->shape);
    }
    return status;
}
