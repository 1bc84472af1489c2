/* Targets as linear functionals: their number, their gradient. */
#include "block.h"

#include <math.h>
#include <string.h>

cxai_target cxai_target_channel(int value, int64_t channel)
{
    return (cxai_target){
        .value = value,
        .term_count = 1,
        .terms = { { .weight = 1, .span = { [1] = { channel, 1 } } } },
    };
}

void cxai_target_negate(cxai_target *target)
{
    for (int i = 0; i < target->term_count; i++)
        target->terms[i].weight = -target->terms[i].weight;
}

cx_block cx_block_of(const cxai_target_term *term, const cxai_shape *shape,
                     int64_t item)
{
    cx_block block = { .rank = shape->rank, .count = 1, .index = { item } };

    for (int axis = 1; axis < shape->rank; axis++) {
        cxai_span span = term->span[axis];
        if (span.count == 0)
            span = (cxai_span){ 0, shape->dim[axis] };
        block.span[axis] = span;
        block.index[axis] = span.first;
        block.count *= span.count;
    }
    return block;
}

void cx_block_next(cx_block *block)
{
    for (int axis = block->rank - 1; axis > 0; axis--) {
        const cxai_span *span = &block->span[axis];
        if (++block->index[axis] < span->first + span->count)
            return;
        block->index[axis] = span->first;
    }
}

int64_t cxai_target_count(const cxai_target_term *term, const cxai_shape *shape)
{
    int64_t block = cx_block_of(term, shape, 0).count, count = 0;

    for (int64_t i = 0; i < block; i++)
        count += term->mask == NULL || term->mask[i];
    return count;
}

static double mean_of(const cxai_target_term *term, const cxai_tensor *value,
                      int64_t item)
{
    cx_block block = cx_block_of(term, &value->shape, item);
    int64_t count = 0;
    double sum = 0;

    for (int64_t i = 0; i < block.count; i++, cx_block_next(&block))
        if (term->mask == NULL || term->mask[i]) {
            sum += (double)*cxai_tensor_at(value, block.index);
            count++;
        }
    return sum / (double)count;
}

double cxai_target_score(const cxai_target *target, const cxai_tensor *value,
                         int64_t item)
{
    double score = 0;

    for (int i = 0; i < target->term_count; i++)
        score +=
            target->terms[i].weight * mean_of(&target->terms[i], value, item);
    return score;
}

static void seed_term(const cxai_target_term *term, const cxai_shape *shape,
                      int64_t item, cxai_real *seed)
{
    cx_block block = cx_block_of(term, shape, item);
    cxai_real share =
        (cxai_real)(term->weight / (double)cxai_target_count(term, shape));

    for (int64_t i = 0; i < block.count; i++, cx_block_next(&block)) {
        int64_t at = item;
        if (term->mask != NULL && !term->mask[i])
            continue;
        for (int axis = 1; axis < shape->rank; axis++)
            at = at * shape->dim[axis] + block.index[axis];
        seed[at] += share;
    }
}

void cxai_target_seed(const cxai_target *target, const cxai_shape *shape,
                      int64_t item, cxai_real *seed)
{
    for (int i = 0; i < target->term_count; i++)
        seed_term(&target->terms[i], shape, item, seed);
}

/* Whether the span of every dimension but one (axis) is all of it. */
static int is_whole(const cxai_target_term *term, int axis)
{
    for (int i = 1; i < CXAI_MAX_RANK; i++)
        if (i != axis && term->span[i].count != 0)
            return 0;
    return term->mask == NULL;
}

int64_t cxai_target_class(const cxai_target *target,
                          const cxai_classes *classes)
{
    const cxai_target_term *term = &target->terms[0];

    if (target->value != classes->value || target->term_count != 1 ||
        classes->count == 0 || !is_whole(term, classes->axis))
        return -1;
    if (classes->axis == 0)
        return 0;
    return term->span[classes->axis].count == 1
               ? term->span[classes->axis].first
               : -1;
}

void cxai_target_probabilities(cxai_reading reading, const cxai_real *logits,
                               int64_t count, double *probabilities)
{
    double highest = -(double)INFINITY, sum = 0;

    for (int64_t i = 0; i < count; i++)
        if ((double)logits[i] > highest)
            highest = (double)logits[i];
    for (int64_t i = 0; i < count; i++) {
        double x = (double)logits[i];
        probabilities[i] = reading == CXAI_READ_NUMBERS   ? (double)NAN
                           : reading == CXAI_READ_SIGMOID ? 1 / (1 + exp(-x))
                                                          : exp(x - highest);
        sum += probabilities[i];
    }
    for (int64_t i = 0; reading == CXAI_READ_SOFTMAX && i < count; i++)
        probabilities[i] /= sum;
}
