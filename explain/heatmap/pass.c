#include "pass.h"

#include <stdlib.h>
#include <string.h>

/* So many are worth weights that are packed for speed. */
enum { many_pictures = 16 };

/* The first dimension of the target must be the batch: a model may hide a
   fixed batch in a reshape and answer for one picture all the same. */
static cxai_status check_batch(const cx_pass *pass, cxai_error *error)
{
    char text[64];

    if (pass->target_shape.rank >= 1 &&
        pass->target_shape.dim[0] == pass->batch)
        return CXAI_OK;
    return cxai_fail(
        error, CXAI_INVALID,
        "the target '%s' has shape %s for a batch of "
        "%lld",
        cxai_model_value_name(pass->call->model, pass->call->value),
        cxai_shape_text(&pass->target_shape, text, sizeof text),
        (long long)pass->batch);
}

/* The call's picture at the input of every item. */
static cxai_status set_pictures(const cx_pass *pass, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    cxai_real *pictures = calloc((size_t)pass->batch, count * sizeof *pictures);

    if (!pictures)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %lld pictures",
                         (long long)pass->batch);
    for (int64_t item = 0; item < pass->batch; item++)
        memcpy(pictures + (size_t)item * count, call->input,
               count * sizeof *pictures);
    cxai_status status =
        cxai_session_set(pass->session, call->input_value, pictures, error);
    free(pictures);
    return status;
}

/* What a pass is to be: -1 where nothing is watched or no gradient taken. */
typedef struct opening {
    int feed, watched, wrt;
    int64_t batch;
    int many;
    const cxai_hook *hooks;
    int hook_count;
} opening;

static cxai_status open_at(cx_pass *pass, const cxai_heatmap_call *call,
                           const opening *o, cxai_error *error)
{
    int watch[2] = { call->value, o->watched };
    int fed[2] = { call->input_value, o->feed };
    cxai_request request = {
        .input_shape = call->input_shape,
        .feed = fed,
        .feed_count = o->feed == call->input_value ? 1 : 2,
        .watch = watch,
        .watch_count = o->watched >= 0 ? 2 : 1,
        .target = call->value,
        .wrt = &o->wrt,
        .wrt_count = o->wrt >= 0,
        .direct = (call->method->needs & CXAI_NEEDS_DIRECT) != 0,
        .many = o->many,
        .hooks = o->hooks,
        .hook_count = o->hook_count,
        .keep = call->options->keep,
        .threads = call->options->threads,
        .max_bytes = call->options->max_bytes,
    };

    memset(pass, 0, sizeof *pass);
    pass->call = call;
    pass->feed = o->feed;
    pass->wrt = o->wrt;
    pass->batch = request.input_shape.dim[0] = o->batch;
    cxai_status status =
        cxai_session_create(&pass->session, call->model, &request, error);
    if (status == CXAI_OK)
        status = cxai_session_shape(pass->session, call->value,
                                    &pass->target_shape, error);
    if (status == CXAI_OK)
        status = check_batch(pass, error);
    if (status == CXAI_OK) {
        pass->target_count = cxai_shape_count(&pass->target_shape);
        pass->seed = calloc((size_t)pass->target_count, sizeof *pass->seed);
        if (!pass->seed)
            status = cxai_fail(error, CXAI_NO_MEMORY,
                               "no memory for the gradient of the target");
    }
    if (status == CXAI_OK && o->feed != call->input_value)
        status = set_pictures(pass, error);
    if (status != CXAI_OK)
        cx_pass_close(pass);
    return status;
}

cxai_status cx_pass_open(cx_pass *pass, const cxai_heatmap_call *call, int wrt,
                         int64_t batch, cxai_error *error)
{
    return cx_pass_open_hooked(pass, call, wrt, batch, NULL, NULL, error);
}

static cxai_status open_hooked(cx_pass *pass, const cxai_heatmap_call *call,
                               opening o, cx_hook_lister *list, void *payload,
                               cxai_error *error)
{
    size_t nodes = (size_t)cxai_model_node_count(call->model);
    cxai_hook *hooks = NULL;

    if (list) {
        hooks = calloc(2 * nodes + 1, sizeof *hooks);
        if (!hooks)
            return cxai_fail(error, CXAI_NO_MEMORY, "no memory for hooks");
        o.hooks = hooks;
        o.hook_count = list(call->model, payload, hooks);
    }
    cxai_status status = open_at(pass, call, &o, error);
    free(hooks);
    return status;
}

cxai_status cx_pass_open_hooked(cx_pass *pass, const cxai_heatmap_call *call,
                                int wrt, int64_t batch, cx_hook_lister *list,
                                void *payload, cxai_error *error)
{
    const opening o = {
        .feed = call->input_value, .watched = wrt, .wrt = wrt, .batch = batch
    };

    return open_hooked(pass, call, o, list, payload, error);
}

cxai_status cx_pass_open_forward(cx_pass *pass, const cxai_heatmap_call *call,
                                 int watched, cxai_error *error)
{
    const opening o = {
        .feed = call->input_value, .watched = watched, .wrt = -1, .batch = 1
    };

    return open_at(pass, call, &o, error);
}

cxai_status cx_pass_open_behind(cx_pass *pass, const cxai_heatmap_call *call,
                                int value, int64_t batch, cx_hook_lister *list,
                                void *payload, cxai_error *error)
{
    const opening o = {
        .feed = value, .watched = value, .wrt = value, .batch = batch
    };

    return open_hooked(pass, call, o, list, payload, error);
}

/* Of the batches up to most, not below half of it, the one that leaves the
   fewest places of the last one empty. */
static int64_t even_batch(int64_t count, int64_t most)
{
    int64_t best = count, least = INT64_MAX;

    for (int64_t batch = most; count > most && batch >= (most + 1) / 2;
         batch--) {
        int64_t places = (count + batch - 1) / batch * batch;
        best = places < least ? batch : best;
        least = places < least ? places : least;
    }
    return best;
}

cxai_status cx_pass_open_batched(cx_pass *pass, const cxai_heatmap_call *call,
                                 int feed, int wrt, int64_t most,
                                 cxai_error *error)
{
    opening o = { .feed = feed,
                  .watched = wrt,
                  .wrt = wrt,
                  .batch = even_batch(most, call->options->batch) };

    for (;;) {
        o.many = most >= many_pictures && o.batch > 1;
        cxai_status status = open_at(pass, call, &o, error);
        int too_large = status == CXAI_LIMIT || status == CXAI_NO_MEMORY;
        if (status == CXAI_OK || o.batch == 1)
            return status;
        o.batch = too_large ? o.batch / 2 : 1;
    }
}

void cx_pass_close(cx_pass *pass)
{
    cxai_session_free(&pass->session);
    free(pass->seed);
    pass->seed = NULL;
}

cxai_status cx_pass_forward(cx_pass *pass, const cxai_real *points,
                            cxai_error *error)
{
    cxai_status status =
        cxai_session_set(pass->session, pass->feed, points, error);

    return status == CXAI_OK ? cxai_session_forward(pass->session, error)
                             : status;
}

cxai_status cx_pass_differentiate(cx_pass *pass, const cxai_target *target,
                                  int64_t items, cxai_tensor *view,
                                  cxai_error *error)
{
    memset(pass->seed, 0, (size_t)pass->target_count * sizeof *pass->seed);
    for (int64_t item = 0; item < items; item++)
        cxai_target_seed(target, &pass->target_shape, item, pass->seed);
    cxai_status status =
        cxai_session_backward(pass->session, pass->seed, error);
    return status == CXAI_OK
               ? cxai_session_gradient(pass->session, pass->wrt, view, error)
               : status;
}

cxai_status cx_pass_backward(cx_pass *pass, const cxai_target *target,
                             int64_t items, cxai_real *gradients,
                             cxai_error *error)
{
    cxai_tensor view;
    cxai_status status =
        cx_pass_differentiate(pass, target, items, &view, error);

    if (status == CXAI_OK)
        cxai_tensor_read(&view, gradients);
    return status;
}
