#include "heater.h"

#include <math.h>
#include <stdlib.h>

#include "baseline.h"
#include "explained.h"
#include "finite.h"

static cxai_status find_targets(const heater *h, const workbench *bench,
                                const explanation *e, cxai_target **targets,
                                int *count, cxai_error *error)
{
    cxai_target_context context =
        target_context(bench, e->in->photo.pixels ? &e->in->geometry : NULL);
    cxai_status status =
        cxai_target_parse_list(targets, count, &context, h->target, error);
    for (int i = 0; status == CXAI_OK && h->against && i < *count; i++)
        cxai_target_negate(&(*targets)[i]);
    return status;
}

/* Explains all targets by the next method. */
static cxai_status run_method(heater *h, const workbench *bench, explanation *e,
                              const cxai_target *targets, cxai_error *error)
{
    const chosen_method *chosen = &h->wish.methods.chosen[e->methods];
    const cxai_real *tensor =
        e->in->tensor + e->row * cxai_shape_count(&bench->input_shape);
    double start = seconds_now();
    h->options.set = chosen->set;
    cxai_status status =
        cxai_heatmap_compute(e->maps + (size_t)e->methods * (size_t)e->targets,
                             chosen->method, bench->model, &bench->input_shape,
                             tensor, targets, e->targets, &h->options, error);
    e->seconds[e->methods] = seconds_now() - start;
    e->methods += status == CXAI_OK;
    return status;
}

/* By all methods; those that were stopped are left out, but for the first. */
static cxai_status run_methods(heater *h, batch *b, explanation *e,
                               const cxai_target *targets, cxai_error *error)
{
    cxai_status status = CXAI_OK;
    while (status == CXAI_OK && e->methods < h->wish.methods.count)
        status = run_method(h, &b->bench, e, targets, error);
    if (status != CXAI_STOPPED || e->methods == 0)
        return status;
    warn(&b->bench, "%s: %s", e->in->path, error->message);
    b->status = EXIT_FAILED;
    return CXAI_OK;
}

static cxai_status explain_row(heater *h, batch *b, explanation *e,
                               cxai_error *error)
{
    const workbench *bench = &b->bench;
    cxai_target *targets = NULL;
    int count = 0;
    cxai_status status = find_targets(h, bench, e, &targets, &count, error);
    if (status == CXAI_OK)
        status = explanation_make_room(e, count, error);
    if (status == CXAI_OK)
        status = run_methods(h, b, e, targets, error);
    free(targets);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        e->names[i] = target_name(bench, &e->maps[i].target, e->texts[i],
                                  sizeof e->texts[i]);
    if (status == CXAI_OK)
        status =
            heat_photo(&e->photo, &e->geometry, e->in, bench, e->row, error);
    return status == CXAI_OK ? explanation_deliver(e, b, error) : status;
}

/* An estimate that was stopped is a result, and not what was asked for. */
static void check_complete(batch *b, const explanation *e)
{
    for (int k = 0; k < e->methods; k++) {
        const cxai_heatmap *map = &e->maps[k * e->targets];
        if (map->done >= map->total)
            continue;
        warn(&b->bench,
             "%s: %s was stopped after %lld of %lld passes: its maps are the "
             "estimate so far",
             e->in->path, e->wish->methods.chosen[k].method->title,
             (long long)map->done, (long long)map->total);
        b->status = EXIT_FAILED;
    }
}

/* A score or map that is not finite is a result, and a failure. */
static void check_finite(batch *b, const explanation *e)
{
    const workbench *bench = &b->bench;
    const cxai_real *tensor =
        e->in->tensor + e->row * cxai_shape_count(&bench->input_shape);
    for (int i = 0; i < explanation_count(e); i++) {
        const cxai_heatmap *map = &e->maps[i];
        if (!isfinite(map->score)) {
            not_finite(b, e->in, tensor, &bench->input_shape,
                       map->target.value);
            return;
        }
        if (map->state == CXAI_HEATMAP_NOT_FINITE) {
            warn(&b->bench,
                 "%s: the heatmap of \"%s\" is NaN or infinite, though the "
                 "score is not: the gradient is",
                 e->in->path, e->names[i % e->targets]);
            b->status = EXIT_FAILED;
        }
    }
}

cxai_status heater_explain(batch *b, const input *in, void *payload,
                           cxai_error *error)
{
    heater *h = payload;
    cxai_status status = CXAI_OK;
    for (int64_t row = 0; status == CXAI_OK && row < in->shape.dim[0]; row++) {
        explanation e = { .wish = &h->wish, .in = in, .row = row };
        cxai_real *baseline;
        status = baseline_make(
            &baseline, &h->options.baseline_count, h->wish.baseline, &b->bench,
            in->tensor + row * cxai_shape_count(&b->bench.input_shape), error);
        h->options.baseline = baseline;
        if (status == CXAI_OK)
            status = explain_row(h, b, &e, error);
        if (status == CXAI_OK) {
            check_finite(b, &e);
            check_complete(b, &e);
        }
        explanation_free(&e);
        free(baseline);
    }
    return status;
}
