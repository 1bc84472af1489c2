#include "answer.h"

#include <math.h>
#include <stdlib.h>

#include "cxai/target.h"

static int compare(double x, double y)
{
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x < y) - (x > y);
}

static int compare_answers(const void *a, const void *b)
{
    const answer *x = a, *y = b;
    int order = compare(x->share, y->share);
    if (order == 0)
        order = compare(x->logit, y->logit);
    if (order == 0)
        order = (x->class > y->class) - (x->class < y->class);
    return order != 0 ? order : y->sign - x->sign;
}

/* A map's mean logits, and the share of positions where a class wins: has the
   largest logit, or, each being for itself, one above 0. The positions lie
   before (outer) and behind (inner) the dimension of the classes. */
static void answer_map(answer *answers, const cxai_classes *c, int64_t outer,
                       int64_t inner, const cxai_real *logits)
{
    int alone = c->count == 1 || c->reading == CXAI_READ_SIGMOID;
    double positions = (double)(outer * inner);
    for (int64_t k = 0; k < c->count; k++)
        answers[k] = (answer){ k, 1, 0, (double)NAN, 0 };
    for (int64_t p = 0; p < outer * inner; p++) {
        const cxai_real *at = logits + p / inner * c->count * inner + p % inner;
        int64_t best = 0;
        for (int64_t k = 0; k < c->count; k++) {
            answers[k].logit += (double)at[k * inner] / positions;
            answers[k].share += alone && at[k * inner] > 0 ? 1 / positions : 0;
            best = at[k * inner] > at[best * inner] ? k : best;
        }
        if (!alone)
            answers[best].share += 1 / positions;
    }
}

static cxai_status answer_row(answer *answers, const cxai_classes *c,
                              const cxai_real *logits, cxai_error *error)
{
    double *p = calloc((size_t)c->count, sizeof *p);
    if (p == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %lld classes",
                         (long long)c->count);
    cxai_target_probabilities(c->reading, logits, c->count, p);
    for (int64_t k = 0; k < c->count; k++)
        answers[k] = (answer){ k, 1, (double)logits[k], p[k], (double)NAN };
    free(p);
    return CXAI_OK;
}

cxai_status answers_of(answer **out, int64_t *count,
                       const cxai_classes *classes, const cxai_shape *shape,
                       const cxai_real *logits, cxai_error *error)
{
    int64_t outer = 1, inner = 1;
    cxai_status status = CXAI_OK;
    char text[64];
    *out = NULL;
    *count = classes->count;
    if (classes->count < 1)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "the network's output of shape %s has no classes",
                         cxai_shape_text(shape, text, sizeof text));
    for (int axis = 1; axis < shape->rank; axis++)
        if (axis != classes->axis)
            *(axis < classes->axis ? &outer : &inner) *= shape->dim[axis];
    answer *answers = calloc((size_t)classes->count + 1, sizeof *answers);
    if (answers == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %lld classes",
                         (long long)classes->count);
    if (outer * inner > 1)
        answer_map(answers, classes, outer, inner, logits);
    else
        status = answer_row(answers, classes, logits, error);
    if (outer * inner == 1 && classes->count == 1 &&
        classes->reading == CXAI_READ_SIGMOID) { /* yes, and no */
        answers[1] = answers[0];
        answers[1].sign = -1;
        answers[1].logit *= -1;
        answers[1].probability = 1 - answers[0].probability;
        ++*count;
    }
    qsort(answers, (size_t)*count, sizeof *answers, compare_answers);
    *out = answers;
    return status;
}
