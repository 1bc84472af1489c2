/*
 * Plans that outlive their session: one lies in the model (graph/packed.h),
 * with all that it was planned for, until an equal request takes it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "graph/packed.h"
#include "plan/plan.h"

static void add_shape(cx_numbers *w, const cxai_shape *shape)
{
    cx_note(w, shape->rank);
    for (int d = 0; d < shape->rank; d++)
        cx_note(w, shape->dim[d]);
}

static void add_list(cx_numbers *w, const int *list, int count)
{
    cx_note(w, count);
    for (int i = 0; i < count; i++)
        cx_note(w, list[i]);
}

/* Everything in a request that a plan depends on. */
static void write_key(cx_numbers *w, const cx_plan_request *request)
{
    const cxai_request *r = request->request;
    add_shape(w, &r->input_shape);
    add_list(w, r->feed, r->feed_count);
    for (int i = 0; i < r->feed_count; i++)
        if (r->feed_shape != NULL)
            add_shape(w, &r->feed_shape[i]);
    add_list(w, r->watch, r->watch_count);
    add_list(w, r->wrt, r->wrt_count);
    cx_note(w, r->wrt_count > 0 ? r->target : -1);
    cx_note(w, r->feed_shape != NULL);
    cx_note(w, r->direct);
    cx_note(w, r->many);
    cx_note(w, request->threads);
    cx_note(w, (int64_t)request->max_bytes);
    for (int n = 0; n < request->model->node_count; n++)
        cx_note(w, request->places[n]);
}

cxai_status cx_note_request(cx_plan *plan, const cx_plan_request *request)
{
    cx_numbers w = { 0 };
    if (!request->request->keep)
        return CXAI_OK;
    write_key(&w, request);
    plan->key_count = w.count;
    plan->key = cx_arena_alloc(&plan->arena, w.count, sizeof *plan->key);
    if (plan->key == NULL)
        return cx_plan_no_memory(request);
    w = (cx_numbers){ .at = plan->key };
    write_key(&w, request);
    return CXAI_OK;
}

static void end(void *plan)
{
    cx_plan *p = plan;
    cx_plan_free(&p);
}

static void *exchange(const cxai_model *model, cx_plan *plan)
{
    return cx_packed_exchange(model->packed, CX_LEFT_PLAN, plan, end);
}

cxai_status cx_plan_take(cx_plan **out, const cx_plan_request *request)
{
    cx_plan wanted = { 0 };
    cxai_status status = cx_note_request(&wanted, request);
    *out = exchange(request->model, NULL);
    if (*out != NULL && wanted.key != NULL &&
        (*out)->key_count == wanted.key_count &&
        memcmp((*out)->key, wanted.key,
               wanted.key_count * sizeof *wanted.key) == 0)
        cx_clear_fed_values(*out);
    else
        cx_plan_free(out);
    cx_arena_free(&wanted.arena);
    return status;
}

void cx_plan_keep(cx_plan **plan)
{
    cx_plan *before = exchange((*plan)->model, *plan);
    cx_plan_free(&before);
    *plan = NULL;
}
