#include "trials.h"

#include <math.h>
#include <stdlib.h>

#include "classes.h"

/* Memory of one run of trials. */
typedef struct buffers {
    cxai_real *points; /* (batch, the fed value's shape) */
    double *scores;    /* [target_count] of one trial */
    cx_classes classes;
} buffers;

static double score_of(const cxai_heatmap_call *call, const cx_trials *trials,
                       const buffers *b, const cxai_tensor *value, int64_t item,
                       int target)
{
    double probability = trials->probabilities
                             ? cx_probability_of(&b->classes, call, target)
                             : (double)NAN;

    return isnan(probability)
               ? cxai_target_score(&call->results[target].target, value, item)
               : probability;
}

static cxai_status run_batch(cx_pass *pass, const cx_trials *trials,
                             int64_t first, int64_t items, buffers *b,
                             cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t size = cxai_shape_count(&call->shapes[trials->value]);
    int threads = trials->apart ? call->options->threads : 1;
    cxai_tensor value;

#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t k = 0; k < items; k++)
        trials->write(call, trials->payload, first + k, b->points + k * size);
    cxai_status status = cx_pass_forward(pass, b->points, error);
    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->value, &value, error);
    for (int64_t k = 0; status == CXAI_OK && k < items; k++) {
        if (trials->probabilities)
            cx_classes_read(&b->classes, &value, k);
        for (int t = 0; t < call->target_count; t++)
            b->scores[t] = score_of(call, trials, b, &value, k, t);
        trials->take(call, trials->payload, first + k, b->scores);
    }
    return status;
}

static cxai_status run_all(cx_pass *pass, const cx_trials *trials, buffers *b,
                           int64_t *done, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int anytime =
        call->options->anytime && (call->method->needs & CXAI_IS_ANYTIME) != 0;
    cxai_status status = CXAI_OK;

    *done = 0;
    while (status == CXAI_OK && *done < trials->count) {
        int64_t left = trials->count - *done;
        int64_t items = left < pass->batch ? left : pass->batch;
        status = cxai_heatmap_progress(call, *done, trials->count, error);
        if (status == CXAI_STOPPED && anytime && *done > 0) {
            cxai_heatmap_partial(call, *done, trials->count);
            return CXAI_OK;
        }
        if (status == CXAI_OK)
            status = run_batch(pass, trials, *done, items, b, error);
        if (status == CXAI_OK)
            *done += items;
    }
    return status == CXAI_OK
               ? cxai_heatmap_progress(call, *done, trials->count, error)
               : status;
}

cxai_status cx_try(const cxai_heatmap_call *call, const cx_trials *trials,
                   int64_t *done, cxai_error *error)
{
    cx_pass pass;
    int64_t taken;
    size_t size = (size_t)cxai_shape_count(&call->shapes[trials->value]);
    cxai_status status = cx_pass_open_batched(&pass, call, trials->value, -1,
                                              trials->count, error);
    if (status != CXAI_OK)
        return status;
    /* the unused end of the last batch keeps earlier trials: no garbage */
    buffers b = { .points = calloc((size_t)pass.batch, size * sizeof *b.points),
                  .scores =
                      calloc((size_t)call->target_count, sizeof *b.scores) };
    status = cx_classes_open(&b.classes, call, error);
    if (status == CXAI_OK && (!b.points || !b.scores))
        status =
            cxai_fail(error, CXAI_NO_MEMORY, "no memory for the trials of %s",
                      call->method->title);
    if (status == CXAI_OK)
        status = run_all(&pass, trials, &b, done ? done : &taken, error);
    cx_classes_free(&b.classes);
    free(b.points);
    free(b.scores);
    cx_pass_close(&pass);
    return status;
}
