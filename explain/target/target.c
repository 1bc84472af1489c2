/* Targets as linear functionals: their number, their gradient. */
#include "cxai/target.h"

#include <math.h>
#include <string.h>

/* The positions of a channel run over the dimensions after the second. */
static int64_t positions_of(const cxai_shape *shape)
{
    int64_t count = 1;

    for (int axis = 2; axis < shape->rank; axis++)
        count *= shape->dim[axis];
    return count;
}

/* The sum over the positions of the channel that begins at element. */
static double sum_positions(const cxai_tensor *value, cxai_real *element)
{
    cxai_tensor channel = { element, { value->shape.rank - 2, { 0 } }, { 0 } };
    int64_t index[CXAI_MAX_RANK] = { 0 };
    int64_t count = positions_of(&value->shape);
    double sum = 0;

    for (int axis = 2; axis < value->shape.rank; axis++) {
        channel.shape.dim[axis - 2] = value->shape.dim[axis];
        channel.stride[axis - 2] = value->stride[axis];
    }
    for (int64_t i = 0; i < count; i++) {
        sum += (double)*cxai_tensor_at(&channel, index);
        for (int axis = channel.shape.rank - 1; axis >= 0; axis--) {
            if (++index[axis] < channel.shape.dim[axis])
                break;
            index[axis] = 0;
        }
    }
    return sum;
}

double cxai_target_score(const cxai_target *target, const cxai_tensor *value,
                         int64_t item)
{
    cxai_real *element = value->data + item * value->stride[0] +
                         target->channel * value->stride[1];

    if (target->row >= 0)
        return target->weight *
               (double)element[target->row * value->stride[2] +
                               target->column * value->stride[3]];
    return target->weight * sum_positions(value, element) /
           (double)positions_of(&value->shape);
}

void cxai_target_seed(const cxai_target *target, const cxai_shape *shape,
                      int64_t item, cxai_real *seed)
{
    int64_t positions = positions_of(shape);

    seed += (item * shape->dim[1] + target->channel) * positions;
    if (target->row >= 0) {
        seed[target->row * shape->dim[3] + target->column] +=
            (cxai_real)target->weight;
        return;
    }
    for (int64_t i = 0; i < positions; i++)
        seed[i] += (cxai_real)(target->weight / (double)positions);
}

/* Whether channel a, of score x, ranks before b, of score y. */
static int ranks_before(double x, int64_t a, double y, int64_t b)
{
    if (isnan(x) || isnan(y))
        return isnan(x) && isnan(y) ? a < b : isnan(y);
    return x > y || (!(x < y) && a < b);
}

cxai_status cxai_target_resolve(cxai_target *target, const cxai_tensor *value,
                                cxai_error *error)
{
    if (target->top == 0)
        return CXAI_OK;
    int64_t channels = value->shape.rank >= 2 ? value->shape.dim[1] : 0;
    if (target->top < 1 || target->top > channels)
        return cxai_fail(error, CXAI_INVALID,
                         "there is no target top%d: there are %lld classes",
                         target->top, (long long)channels);
    cxai_target candidate = *target, best = *target;
    double best_score = 0, last_score = 0;
    int64_t last = -1;
    /* the best of those after the one found before, rank by rank */
    for (int rank = 1; rank <= target->top; rank++) {
        best.channel = -1;
        for (int64_t c = 0; c < channels; c++) {
            candidate.channel = c;
            double score = cxai_target_score(&candidate, value, 0);
            if (last >= 0 && !ranks_before(last_score, last, score, c))
                continue;
            if (best.channel < 0 ||
                ranks_before(score, c, best_score, best.channel)) {
                best.channel = c;
                best_score = score;
            }
        }
        last = best.channel;
        last_score = best_score;
    }
    target->channel = best.channel;
    target->top = 0;
    return CXAI_OK;
}

/* Whether the model's first output is a sigmoid of its logits, looking through
   what only reshapes. */
static int ends_in_sigmoid(const cxai_model *model)
{
    int logits = cxai_model_logits(model);
    int value = cxai_model_output_count(model) > 0 ? cxai_model_output(model, 0)
                                                   : logits;

    while (value >= 0 && value != logits) {
        int producer = cxai_model_producer(model, value);
        if (producer < 0)
            return 0;
        cxai_node node = cxai_model_node(model, producer);
        if (strcmp(node.operator_type, "Sigmoid") == 0)
            return 1;
        value = node.input_count > 0 ? node.inputs[0] : -1;
    }
    return 0;
}

void cxai_target_probabilities(const cxai_model *model, const cxai_real *logits,
                               int64_t count, double *probabilities)
{
    double highest = -(double)INFINITY, sum = 0;
    int independent = ends_in_sigmoid(model);

    for (int64_t i = 0; i < count; i++)
        if ((double)logits[i] > highest)
            highest = (double)logits[i];
    for (int64_t i = 0; i < count; i++) {
        probabilities[i] = independent ? 1 / (1 + exp(-(double)logits[i]))
                                       : exp((double)logits[i] - highest);
        sum += probabilities[i];
    }
    for (int64_t i = 0; !independent && i < count; i++)
        probabilities[i] /= sum;
}
