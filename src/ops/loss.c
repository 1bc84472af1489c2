/*
 * NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss with constant labels:
 *
 *   loss[n,d] = -weight[t] * p[n,t,d],  t = label[n,d],
 *
 * where p is the input, or its logarithm of softmax over the classes; then as
 * it is, summed, or divided by the sum of the weights. A label that is to be
 * ignored has the weight 0. Weights are constants.
 */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "base/size.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"

enum { SCORES, LABELS, WEIGHTS }; /* inputs */
enum { LOSS, LOGARITHMS };        /* outputs */

typedef struct params {
    int64_t batch, classes, pixels; /* of the scores */
    int softmax, reduces;
    cxai_real divisor;
    const int64_t *label;
    cxai_real *weight; /* by label's place */
} params;

/* ---- shapes and labels --------------------------------------------------- */

static cxai_status check_shapes(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[SCORES], *t = &c->x_shape[LABELS];
    int fits = x->rank >= 2 && t->rank == x->rank - 1;
    for (int i = 0; fits && i < t->rank; i++)
        fits = t->dim[i] == x->dim[i == 0 ? 0 : i + 1];
    char a[128], b[128];
    if (!fits)
        return cx_refuse(
            c, CXAI_MALFORMED, "labels of shape %s do not fit to scores of %s",
            cxai_shape_text(t, a, sizeof a), cxai_shape_text(x, b, sizeof b));
    p->batch = x->dim[0];
    p->classes = x->dim[1];
    p->pixels = cx_shape_product(x, 2, x->rank);
    return CXAI_OK;
}

static cxai_status check_constants(const cx_case *c)
{
    const params *p = c->params;
    if (c->x_literal[LABELS] == NULL ||
        (cx_has_input(c, WEIGHTS) && c->x_literal[WEIGHTS] == NULL))
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its labels or weights are computed from the data; "
                         "only constants are supported");
    if (c->x_literal[LABELS]->type != CX_INT64)
        return cx_refuse(c, CXAI_MALFORMED, "its labels are no integers");
    if (cx_has_input(c, WEIGHTS) &&
        (c->x_literal[WEIGHTS]->type != CX_REAL ||
         cx_literal_count(c->x_literal[WEIGHTS]) != p->classes))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its weights are not one number for each class");
    return CXAI_OK;
}

static cxai_status read_labels(const cx_case *c)
{
    params *p = c->params;
    const cx_attribute *ignored =
        cx_attribute_find(c->attributes, "ignore_index", CX_ATTRIBUTE_INT);
    const cxai_real *weights =
        cx_has_input(c, WEIGHTS) ? c->x_literal[WEIGHTS]->data : NULL;
    int64_t count = p->batch * p->pixels;
    p->label = c->x_literal[LABELS]->data;
    p->weight = cx_arena_alloc(c->arena, (size_t)count + 1, sizeof *p->weight);
    if (p->weight == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    for (int64_t i = 0; i < count; i++) {
        int64_t t = p->label[i];
        if (ignored != NULL && t == ignored->i)
            continue;
        if (t < 0 || t >= p->classes)
            return cx_refuse(c, CXAI_MALFORMED,
                             "the label %lld is none of %lld classes",
                             (long long)t, (long long)p->classes);
        p->weight[i] = weights != NULL ? weights[t] : 1;
    }
    return CXAI_OK;
}

static cxai_status read_reduction(const cx_case *c)
{
    params *p = c->params;
    const char *how = cx_attribute_string(c->attributes, "reduction", "mean");
    double sum = 0;
    p->reduces = strcmp(how, "none") != 0;
    p->divisor = 1;
    if (!p->reduces || strcmp(how, "sum") == 0)
        return CXAI_OK;
    if (strcmp(how, "mean") != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "reduction is \"%s\", not \"none\", \"sum\" or "
                         "\"mean\"",
                         how);
    for (int64_t i = 0; i < p->batch * p->pixels; i++)
        sum += (double)p->weight[i];
    p->divisor = (cxai_real)sum;
    return CXAI_OK;
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    const params *p = c->params;
    const cxai_shape scalar = { .rank = 0 };
    if (cx_input_type(c, SCORES) != CX_REAL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its scores are integers");
    cxai_status status = check_shapes(c);
    if (status == CXAI_OK)
        status = check_constants(c);
    if (status == CXAI_OK)
        status = read_labels(c);
    if (status == CXAI_OK)
        status = read_reduction(c);
    if (status == CXAI_OK)
        status =
            cx_set_shape(c, LOSS, p->reduces ? &scalar : &c->x_shape[LABELS]);
    if (status == CXAI_OK && c->output_count > LOGARITHMS)
        status = cx_set_shape(c, LOGARITHMS, &c->x_shape[SCORES]);
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

static cxai_status likelihood_infer(const cx_case *c)
{
    return infer(c);
}

static cxai_status entropy_infer(const cx_case *c)
{
    ((params *)c->params)->softmax = 1;
    return infer(c);
}

/* ---- passes -------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (!((const params *)c->params)->softmax)
        return;
    size_t bytes = cx_size_times((size_t)cxai_shape_count(&c->x_shape[SCORES]),
                                 sizeof(cxai_real));
    demand->forward_workspace = bytes;
    if (wanted != 0)
        demand->saved_bytes = bytes;
}

/* Scores to logarithms of their softmax. */
static void take_logarithms(const params *p, const cxai_real *x, cxai_real *to)
{
    for (int64_t i = 0; i < p->batch * p->pixels; i++) {
        int64_t at = i / p->pixels * p->classes * p->pixels + i % p->pixels;
        cxai_real most = (cxai_real)-INFINITY, sum = 0;
        for (int64_t k = 0; k < p->classes; k++)
            most = fmax(most, x[at + k * p->pixels]);
        for (int64_t k = 0; k < p->classes; k++)
            sum += exp(x[at + k * p->pixels] - most);
        cxai_real norm = most + log(sum);
        for (int64_t k = 0; k < p->classes; k++)
            to[at + k * p->pixels] = x[at + k * p->pixels] - norm;
    }
}

/* The place of label i among the scores. */
static int64_t place(const params *p, int64_t i)
{
    return (i / p->pixels * p->classes + p->label[i]) * p->pixels +
           i % p->pixels;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *x = call->x[SCORES].data;
    cxai_real *loss = call->y[LOSS].data;
    double sum = 0;
    if (p->softmax) {
        cxai_real *logarithms =
            call->saved != NULL ? call->saved : call->workspace;
        take_logarithms(p, x, logarithms);
        x = logarithms;
    }
    if (call->c->output_count > LOGARITHMS && call->y[LOGARITHMS].data != NULL)
        memcpy(call->y[LOGARITHMS].data, x,
               (size_t)(p->batch * p->classes * p->pixels) * sizeof *x);
    for (int64_t i = 0; loss != NULL && i < p->batch * p->pixels; i++) {
        cxai_real one = p->weight[i] == 0 ? 0 : -p->weight[i] * x[place(p, i)];
        if (!p->reduces)
            loss[i] = one;
        sum += (double)one;
    }
    if (loss != NULL && p->reduces)
        *loss = (cxai_real)sum / p->divisor;
}

/* Through the softmax, in place: dx = dp - softmax * (sum of dp). */
static void leave_logarithms(const params *p, const cxai_real *logarithms,
                             cxai_real *dx)
{
    for (int64_t i = 0; i < p->batch * p->pixels; i++) {
        int64_t at = i / p->pixels * p->classes * p->pixels + i % p->pixels;
        cxai_real sum = 0;
        for (int64_t k = 0; k < p->classes; k++)
            sum += dx[at + k * p->pixels];
        for (int64_t k = 0; k < p->classes; k++)
            dx[at + k * p->pixels] -= exp(logarithms[at + k * p->pixels]) * sum;
    }
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    cxai_real *dx = call->dx[SCORES].data;
    const cxai_real *dy = call->dy[LOSS].data;
    size_t bytes = (size_t)(p->batch * p->classes * p->pixels) * sizeof *dx;
    if (call->c->output_count > LOGARITHMS && call->dy[LOGARITHMS].data != NULL)
        memcpy(dx, call->dy[LOGARITHMS].data, bytes);
    else
        memset(dx, 0, bytes);
    for (int64_t i = 0; dy != NULL && i < p->batch * p->pixels; i++)
        if (p->weight[i] != 0)
            dx[place(p, i)] -=
                p->weight[i] * (p->reduces ? *dy / p->divisor : dy[i]);
    if (p->softmax)
        leave_logarithms(p, call->saved, dx);
}

static const cx_sample likelihood_samples[] = {
    { .inputs = "3,5;3=1,0,4" },
    { .inputs = "2,3,2,2;2,2,2=0,1,2,2,1,0,0,1;3~0.5,2,1" },
    { .inputs = "2,3,4;2,4=0,1,2,9,1,0,0,1;3~0.5,2,1",
      .attributes = "ignore_index=9 reduction=sum" },
    { .inputs = "2,3,4;2,4=0,1,2,-1,1,0,0,1",
      .attributes = "ignore_index=-1 reduction=none" },
};

static const cx_sample entropy_samples[] = {
    { .inputs = "3,5;3=1,0,4", .low = -3, .high = 3 },
    { .inputs = "2,3,2,2;2,2,2=0,1,2,2,1,0,0,1;3~0.5,2,1", .outputs = 2 },
    { .inputs = "2,3,4;2,4=0,1,2,9,1,0,0,1;3~0.5,2,1",
      .attributes = "ignore_index=9 reduction=sum" },
    { .inputs = "2,3,4;2,4=0,1,2,-1,1,0,0,1",
      .attributes = "ignore_index=-1 reduction=none",
      .outputs = 2 },
};

#define LOSS_OPERATOR(type, reads, outputs, cases)                             \
    {                                                                          \
        .name = type, .min_inputs = 2, .max_inputs = 3,                        \
        .max_outputs = outputs, .layout = CX_ROW_MAJOR,                        \
        .params_size = sizeof(params), .infer = reads, .demand = demand,       \
        .forward = forward, .backward = backward, CX_SAMPLES(cases)            \
    }

static const cx_operator operators[] = {
    LOSS_OPERATOR("NegativeLogLikelihoodLoss", likelihood_infer, 1,
                  likelihood_samples),
    LOSS_OPERATOR("SoftmaxCrossEntropyLoss", entropy_infer, 2, entropy_samples),
};

const cx_operator_family cx_operators_loss = CX_FAMILY(operators);
