#include "run/session.h"

#include <string.h>

static const int all_places =
    CXAI_AFTER_FORWARD | CXAI_BEFORE_BACKWARD | CXAI_AFTER_BACKWARD;

cxai_status cxai_session_add_hook(cxai_session *s, const cxai_hook *hook,
                                  int *handle, cxai_error *error)
{
    if (hook->function == NULL || (hook->places & all_places) == 0 ||
        (hook->places & ~all_places) != 0)
        return cxai_fail(error, CXAI_INVALID,
                         "a hook needs a function and at least one place");
    if (hook->node < -1 || hook->node >= s->model->node_count)
        return cxai_fail(error, CXAI_INVALID,
                         "node %d does not exist; the model has %d nodes",
                         hook->node, s->model->node_count);
    if (cx_grow((void **)&s->hooks, &s->hook_capacity,
                (size_t)s->hook_count + 1, sizeof *s->hooks) != 0)
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory for a hook");
    cx_hook_entry *entry = &s->hooks[s->hook_count++];
    entry->hook = *hook;
    entry->handle = s->next_handle++;
    /* a node's type is found now: the caller's text need not live on */
    if (hook->node < 0 && hook->operator_type != NULL) {
        const cx_operator *op = cx_operator_find(hook->operator_type);
        if (op == NULL) {
            s->hook_count--;
            return cxai_fail(error, CXAI_NOT_FOUND,
                             "there is no operator \"%s\"",
                             hook->operator_type);
        }
        entry->hook.operator_type = op->name;
    }
    s->stale = 1;
    if (handle != NULL)
        *handle = entry->handle;
    return CXAI_OK;
}

cxai_status cxai_session_remove_hook(cxai_session *s, int handle,
                                     cxai_error *error)
{
    for (int i = 0; handle > 0 && i < s->hook_count; i++) {
        if (s->hooks[i].handle != handle)
            continue;
        s->hooks[i].handle = 0; /* never called again; swept when planning */
        s->stale = 1;
        return CXAI_OK;
    }
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "there is no hook with the handle %d", handle);
}

void cx_sweep_hooks(cxai_session *s)
{
    int kept = 0;
    for (int i = 0; i < s->hook_count; i++)
        if (s->hooks[i].handle != 0)
            s->hooks[kept++] = s->hooks[i];
    s->hook_count = kept;
}

static int concerns(const cxai_hook *hook, const cxai_model *model, int node)
{
    if (hook->node >= 0)
        return hook->node == node;
    return hook->operator_type == NULL ||
           strcmp(hook->operator_type, model->nodes[node].type) == 0;
}

void cx_hook_places(const cxai_session *s, unsigned char *places)
{
    for (int i = 0; i < s->hook_count; i++)
        for (int n = 0; n < s->model->node_count; n++)
            if (concerns(&s->hooks[i].hook, s->model, n))
                places[n] |= (unsigned char)s->hooks[i].hook.places;
}

/* Fills a call's four lists of views from the session's room. */
static cxai_hook_call make_call(cxai_session *s, const cx_step *step,
                                cxai_hook_place place)
{
    int inputs = step->c->input_count, outputs = step->c->output_count;
    cxai_tensor *x = s->hook_views, *y = x + inputs;
    cxai_tensor *dy = y + outputs, *dx = dy + outputs;
    memcpy(x, step->x_view, (size_t)inputs * sizeof *x);
    memcpy(y, step->y_view, (size_t)outputs * sizeof *y);
    memset(dy, 0, ((size_t)outputs + (size_t)inputs) * sizeof *dy);
    if (place != CXAI_AFTER_FORWARD)
        memcpy(dy, step->arrived, (size_t)outputs * sizeof *dy);
    if (place == CXAI_AFTER_BACKWARD)
        memcpy(dx, step->dx_view, (size_t)inputs * sizeof *dx);
    return (cxai_hook_call){
        .session = s,
        .node = step->node,
        .place = place,
        .input_count = inputs,
        .output_count = outputs,
        .inputs = x,
        .outputs = y,
        .output_gradients = dy,
        .input_gradients = dx,
    };
}

int cx_run_hooks(cxai_session *s, const cx_step *step, cxai_hook_place place)
{
    int count = s->hook_count; /* hooks added from now on wait for a plan */
    for (int i = 0; i < count; i++) {
        const cx_hook_entry entry = s->hooks[i];
        if (entry.handle == 0 || (entry.hook.places & (int)place) == 0 ||
            !concerns(&entry.hook, s->model, step->node))
            continue;
        const cxai_hook_call call = make_call(s, step, place);
        int result = entry.hook.function(&call, entry.hook.payload);
        if (result != 0)
            return result;
    }
    return 0;
}
