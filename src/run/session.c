/* Sessions; the functions are documented in cxai/session.h. */
#include "run/session.h"

#include "ops/common/move.h"

#include <stdlib.h>
#include <string.h>

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY, "out of memory for a session");
}

/* Copies a list to *room, which moves behind it. */
static const int *copy_list(int **room, const int *list, int count)
{
    int *copy = *room;
    if (count > 0)
        memcpy(copy, list, (size_t)count * sizeof *copy);
    *room += count;
    return copy;
}

/* 0, or -1 without memory. */
static int copy_request(cxai_session *s, const cxai_request *request)
{
    cxai_request *own = &s->request;
    *own = *request;
    own->hooks = NULL; /* the session has a list of its own */
    if (request->feed_count == 0 && s->model->input_count > 0) {
        own->feed = s->model->inputs;
        own->feed_count = 1;
    }
    size_t total = (size_t)own->feed_count + (size_t)own->watch_count +
                   (size_t)own->wrt_count;
    int *room = s->request_lists = cx_alloc(total, sizeof *room);
    if (room == NULL)
        return -1;
    own->feed = copy_list(&room, own->feed, own->feed_count);
    own->watch = copy_list(&room, own->watch, own->watch_count);
    own->wrt = copy_list(&room, own->wrt, own->wrt_count);
    if (own->feed_shape == NULL)
        return 0;
    size_t fed = (size_t)own->feed_count;
    s->feed_shapes = cx_alloc(fed, sizeof *s->feed_shapes);
    if (s->feed_shapes == NULL)
        return -1;
    memcpy(s->feed_shapes, own->feed_shape, fed * sizeof *s->feed_shapes);
    own->feed_shape = s->feed_shapes;
    return 0;
}

/* Room for the views of the widest node: inputs, outputs and both gradients. */
static cxai_tensor *make_hook_views(const cxai_model *model)
{
    int most = 0;
    for (int n = 0; n < model->node_count; n++) {
        const cx_node *node = &model->nodes[n];
        int count = node->input_count + node->output_count;
        most = count > most ? count : most;
    }
    return cx_alloc((size_t)most * 2, sizeof(cxai_tensor));
}

cxai_status cxai_session_create(cxai_session **out, const cxai_model *model,
                                const cxai_request *request, cxai_error *error)
{
    *out = NULL;
    if (request->feed_count < 0 || request->watch_count < 0 ||
        request->wrt_count < 0)
        return cxai_fail(error, CXAI_INVALID,
                         "a count in the request is "
                         "negative");
    cxai_session *s = cx_alloc(1, sizeof *s);
    if (s == NULL)
        return no_memory(error);
    s->model = model;
    s->threads = request->threads > 0 ? request->threads : cxai_processors();
    s->max_bytes = model->limits.memory_bytes;
    if (request->max_bytes > 0 && request->max_bytes < s->max_bytes)
        s->max_bytes = request->max_bytes;
    s->next_handle = 1;
    s->hook_views = make_hook_views(model);
    s->states = cx_alloc((size_t)s->threads, sizeof *s->states);
    cxai_status status = CXAI_OK;
    if (copy_request(s, request) != 0 || s->hook_views == NULL ||
        s->states == NULL)
        status = no_memory(error);
    for (int i = 0; status == CXAI_OK && i < request->hook_count; i++)
        status = cxai_session_add_hook(s, &request->hooks[i], NULL, error);
    if (status == CXAI_OK)
        status = cx_session_plan(s, error);
    if (status != CXAI_OK)
        cxai_session_free(&s);
    *out = s;
    return status;
}

void cxai_session_free(cxai_session **session)
{
    if (*session == NULL)
        return;
    cxai_session *s = *session;
    if (s->request.keep && s->plan != NULL)
        cx_plan_keep(&s->plan);
    cx_plan_free(&s->plan);
    free(s->request_lists);
    free(s->feed_shapes);
    free(s->hooks);
    free(s->hook_views);
    free(s->states);
    free(s);
    *session = NULL;
}

/* Copies fed values from the old plan to the new one; their layout may have
   changed, their shape has not. */
static void carry_fed_values(const cxai_session *s, const cx_plan *plan)
{
    for (int i = 0; i < s->request.feed_count; i++) {
        cxai_tensor from = cx_plan_view(s->plan, s->request.feed[i]);
        cxai_tensor to = cx_plan_view(plan, s->request.feed[i]);
        if (from.data == NULL || to.data == NULL)
            continue;
        cx_view from_view = cx_view_of(&from), to_view = cx_view_of(&to);
        cx_view_copy(&to_view, &from_view);
    }
}

cxai_status cx_session_plan(cxai_session *s, cxai_error *error)
{
    cx_sweep_hooks(s);
    unsigned char *places = cx_alloc((size_t)s->model->node_count, 1);
    if (places == NULL)
        return no_memory(error);
    cx_hook_places(s, places);
    cx_plan_request request = {
        .model = s->model,
        .request = &s->request,
        .places = places,
        .threads = s->threads,
        .max_bytes = s->max_bytes,
        .error = error,
    };
    cx_plan *plan;
    cxai_status status = cx_plan_create(&plan, &request);
    free(places);
    if (status != CXAI_OK)
        return status;
    if (s->plan != NULL) {
        carry_fed_values(s, plan);
        cx_plan_free(&s->plan);
    }
    s->plan = plan;
    s->stale = 0;
    s->forwarded = 0;
    s->backed = 0;
    return CXAI_OK;
}

const cxai_model *cxai_session_model(const cxai_session *session)
{
    return session->model;
}

uint64_t cxai_session_bytes(const cxai_session *session)
{
    return (uint64_t)session->plan->memory_bytes +
           session->plan->workspace_bytes;
}

static cxai_status check_value(const cxai_session *s, int value,
                               cxai_error *error)
{
    if (value < 0 || value >= s->model->value_count)
        return cxai_fail(error, CXAI_INVALID,
                         "value %d does not exist; the model has %d values",
                         value, s->model->value_count);
    return CXAI_OK;
}

cxai_status cxai_session_shape(const cxai_session *s, int value,
                               cxai_shape *shape, cxai_error *error)
{
    cxai_status status = check_value(s, value, error);
    if (status != CXAI_OK)
        return status;
    *shape = s->plan->values[value].shape;
    if (shape->rank < 0)
        return cxai_fail(error, CXAI_INVALID,
                         "\"%s\" is no part of this session",
                         s->model->values[value].name);
    return CXAI_OK;
}

cxai_status cxai_session_fed(cxai_session *s, int value, cxai_tensor *view,
                             cxai_error *error)
{
    cxai_status status = check_value(s, value, error);
    if (status != CXAI_OK)
        return status;
    *view = cx_plan_view(s->plan, value);
    if (!s->plan->values[value].fed || view->data == NULL)
        return cxai_fail(error, CXAI_INVALID,
                         "\"%s\" is not fed in this session",
                         s->model->values[value].name);
    return CXAI_OK;
}

static void copy_parallel(const cxai_tensor *to, const cxai_real *dense,
                          int threads)
{
    cx_view to_view = cx_view_of(to);
    /* only read from */
    cx_view from =
        cx_view_dense((void *)(uintptr_t)dense, sizeof *dense, &to->shape);
    cx_move_parallel(&to_view, &from, 0, threads);
}

cxai_status cxai_session_set(cxai_session *s, int value, const cxai_real *dense,
                             cxai_error *error)
{
    cxai_tensor view;
    cxai_status status = cxai_session_fed(s, value, &view, error);
    if (status == CXAI_OK)
        copy_parallel(&view, dense, s->threads);
    return status;
}

cxai_status cxai_session_value(const cxai_session *s, int value,
                               cxai_tensor *view, cxai_error *error)
{
    cxai_status status = check_value(s, value, error);
    if (status != CXAI_OK)
        return status;
    const cx_plan_value *v = &s->plan->values[value];
    *view = cx_plan_view(s->plan, value);
    if (view->data == NULL && v->literal != NULL && v->literal->place != NULL)
        return no_memory(error);
    if (view->data == NULL || !(v->fed || v->watched || v->literal != NULL))
        return cxai_fail(error, CXAI_INVALID,
                         "\"%s\" is not watched in this session",
                         s->model->values[value].name);
    if (!s->forwarded && !v->fed)
        return cxai_fail(error, CXAI_INVALID,
                         "\"%s\" has not been computed: run forward first",
                         s->model->values[value].name);
    return CXAI_OK;
}

cxai_status cxai_session_gradient(const cxai_session *s, int value,
                                  cxai_tensor *view, cxai_error *error)
{
    cxai_status status = check_value(s, value, error);
    if (status != CXAI_OK)
        return status;
    *view = cx_plan_gradient_view(s->plan, value);
    if (!s->plan->values[value].wrt || view->data == NULL)
        return cxai_fail(error, CXAI_INVALID,
                         "no gradient with respect to \"%s\" was asked for",
                         s->model->values[value].name);
    if (!s->backed)
        return cxai_fail(error, CXAI_INVALID,
                         "the gradient at \"%s\" has not been computed: run "
                         "backward first",
                         s->model->values[value].name);
    return CXAI_OK;
}
