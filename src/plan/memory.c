/*
 * Memory: offsets for all storages in one block, largest first, each at the
 * lowest place where nothing lies that lives at the same time; then the views
 * of every step, so that a run computes no address.
 */
#include "plan/plan.h"

#include "graph/place.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- offsets ------------------------------------------------------------- */

/* Larger first; equal ones by number, so that plans do not depend on qsort. */
static int by_size(const void *a, const void *b)
{
    const cx_storage *x = *(cx_storage *const *)a;
    const cx_storage *y = *(cx_storage *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Inserts a storage into the list of placed ones, which is sorted by offset,
   at the lowest fitting offset. */
static void place(cx_storage **placed, int count, cx_storage *storage)
{
    size_t offset = 0;
    for (int i = 0; i < count; i++) {
        const cx_storage *other = placed[i];
        if (other->last < storage->first || storage->last < other->first)
            continue;
        if (offset + storage->bytes <= other->offset)
            break;
        if (offset < other->offset + aligned(other->bytes))
            offset = other->offset + aligned(other->bytes);
    }
    storage->offset = offset;
    int at = count;
    for (; at > 0 && placed[at - 1]->offset > offset; at--)
        placed[at] = placed[at - 1];
    placed[at] = storage;
}

static cxai_status place_storages(cx_plan *plan, const cx_plan_request *request)
{
    size_t count = (size_t)plan->storage_count;
    cx_storage **order = cx_alloc(count, sizeof *order);
    cx_storage **placed = cx_alloc(count, sizeof *placed);
    if (order == NULL || placed == NULL) {
        free(order);
        free(placed);
        return cx_plan_no_memory(request);
    }
    for (size_t i = 0; i < count; i++)
        order[i] = &plan->storages[i];
    qsort(order, count, sizeof *order, by_size);
    for (int i = 0; i < plan->storage_count; i++) {
        place(placed, i, order[i]);
        size_t end = order[i]->offset + aligned(order[i]->bytes);
        if (end > plan->memory_bytes)
            plan->memory_bytes = end;
    }
    free(order);
    free(placed);
    return CXAI_OK;
}

/* Adds up working memory and packed weights, shared ones too. */
static void measure_step(cx_plan *plan, const cx_step *step)
{
    const cx_demand *d = &step->demand;
    size_t workspace = d->forward_workspace > d->backward_workspace
                           ? d->forward_workspace
                           : d->backward_workspace;
    if (workspace > plan->workspace_bytes)
        plan->workspace_bytes = workspace;
    for (int pass = 0; pass < CX_PASSES; pass++)
        plan->prepared_bytes += aligned(d->prepared_bytes[pass]);
}

static void measure(cx_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++)
        for (const cx_step *s = plan->steps[i]; s != NULL; s = s->producer)
            measure_step(plan, s);
}

void cx_clear_fed_values(const cx_plan *plan)
{
    for (int v = 0; v < plan->value_count; v++) {
        const cx_plan_value *value = &plan->values[v];
        if (!value->fed || value->storage < 0)
            continue;
        const cx_storage *storage = &plan->storages[value->storage];
        memset(plan->memory + storage->offset, 0, storage->bytes);
    }
}

static cxai_status allocate(cx_plan *plan, const cx_plan_request *request)
{
    uint64_t total = (uint64_t)plan->memory_bytes + plan->workspace_bytes +
                     plan->prepared_bytes;
    if (total > request->max_bytes)
        return cxai_fail(request->error, CXAI_LIMIT,
                         "the session needs %.1f MB of memory; the limit is "
                         "%.1f MB",
                         (double)total / 1e6, (double)request->max_bytes / 1e6);
    plan->memory = cx_alloc_room(plan->memory_bytes);
    plan->workspace = cx_alloc_room(plan->workspace_bytes);
    if (plan->memory == NULL || plan->workspace == NULL)
        return cx_plan_no_memory(request);
    cx_clear_fed_values(plan);
    return CXAI_OK;
}

/* ---- views --------------------------------------------------------------- */

/* A gradient of a value: it lies as the value, which it does densely, if that
   lies within another. */
static cxai_tensor view_of(const cx_plan *plan, int value, int storage)
{
    cxai_tensor view = { .data = NULL };
    const cx_plan_value *v = &plan->values[value];
    if (v->shape.rank < 0 || storage < 0)
        return view;
    view.data =
        (cxai_real *)(void *)(plan->memory + plan->storages[storage].offset);
    view.shape = v->shape;
    memcpy(view.stride, v->stride, sizeof view.stride);
    if (v->within >= 0)
        cx_shape_strides_channels_last(&v->shape, view.stride);
    return view;
}

cxai_tensor cx_plan_view(const cx_plan *plan, int value)
{
    const cx_plan_value *v = &plan->values[value];
    cxai_tensor view = { .data = NULL };
    if (v->storage >= 0 || v->literal == NULL) {
        view = view_of(plan, value, v->storage);
        if (v->within >= 0 && view.data != NULL) {
            memcpy(view.stride, v->stride, sizeof view.stride);
            view.data += v->offset;
        }
        return view;
    }
    if (v->literal->type != CX_REAL)
        return view;
    view = cx_literal_tensor(v->literal);
    view.data = cx_literal_data(plan->model, v->literal);
    return view;
}

/* Whether input k, weights, is read only as packed. */
static int reads_packed(const cx_step *step, int k)
{
    return step->places == 0 && step->demand.prepared_bytes[CX_FORWARD] > 0 &&
           (step->demand.keep_inputs >> k & 1) == 0;
}

/* The view of an input, without data where it lies in a file and is not
   needed; 0, or -1 without memory. */
static int view_input(const cx_plan *plan, const cx_step *step, int k)
{
    const cx_plan_value *v = &plan->values[step->x[k]];
    int in_file = v->literal != NULL && v->literal->place != NULL;
    if (in_file && reads_packed(step, k))
        return 0;
    step->x_view[k] = cx_plan_view(plan, step->x[k]);
    return in_file && step->x_view[k].data == NULL ? -1 : 0;
}

cxai_tensor cx_plan_gradient_view(const cx_plan *plan, int value)
{
    return view_of(plan, value, plan->values[value].gradient);
}

static void *storage_at(const cx_plan *plan, int storage)
{
    return storage < 0 ? NULL : plan->memory + plan->storages[storage].offset;
}

/* The share of input k, or of the residual, and where it is added. */
static void view_share(const cx_plan *plan, cx_step *step, int k, int value)
{
    if (step->share == NULL || step->share[k].storage < 0)
        return;
    step->dx_view[k] = view_of(plan, value, step->share[k].storage);
    step->delivery[k] = (cx_delivery){
        .adds = step->share[k].adds,
        .mask = storage_at(plan, step->share[k].mask),
    };
    if (step->share[k].accumulate)
        step->gradient[k] = cx_plan_gradient_view(plan, value);
}

static int view_values(const cx_plan *plan, cx_step *step)
{
    const cx_case *c = step->c;
    for (int k = 0; k < c->input_count; k++)
        if (step->x[k] >= 0) {
            if (view_input(plan, step, k) != 0)
                return -1;
            view_share(plan, step, k, step->x[k]);
        }
    if (step->residual >= 0) {
        int k = c->input_count;
        step->x_view[k] = cx_plan_view(plan, step->residual);
        view_share(plan, step, k, step->residual);
    }
    for (int k = 0; k < c->output_count; k++)
        if (step->y[k] >= 0) {
            step->y_view[k] = cx_plan_view(plan, step->y[k]);
            step->arrived[k] = cx_plan_gradient_view(plan, step->y[k]);
            step->dy_view[k] = step->arrived[k];
        }
    if (step->masked >= 0)
        step->dy_view[0] = view_of(plan, step->y[0], step->masked);
    return 0;
}

static int make_views(cx_plan *plan, cx_step *step)
{
    size_t inputs = (size_t)step->c->input_count + 1;
    size_t outputs = (size_t)step->c->output_count;
    cx_arena *arena = &plan->arena;
    step->x_view = cx_arena_alloc(arena, inputs, sizeof(cxai_tensor));
    step->dx_view = cx_arena_alloc(arena, inputs, sizeof(cxai_tensor));
    step->gradient = cx_arena_alloc(arena, inputs, sizeof(cxai_tensor));
    step->delivery = cx_arena_alloc(arena, inputs, sizeof(cx_delivery));
    step->y_view = cx_arena_alloc(arena, outputs, sizeof(cxai_tensor));
    step->dy_view = cx_arena_alloc(arena, outputs, sizeof(cxai_tensor));
    step->arrived = cx_arena_alloc(arena, outputs, sizeof(cxai_tensor));
    if (step->x_view == NULL || step->dx_view == NULL ||
        step->gradient == NULL || step->delivery == NULL ||
        step->y_view == NULL || step->dy_view == NULL || step->arrived == NULL)
        return -1;
    if (view_values(plan, step) != 0)
        return -1;
    step->epilogue = (cx_epilogue){
        .activation = step->activation,
        .low = step->low,
        .high = step->high,
        .residual =
            step->residual >= 0 ? &step->x_view[step->c->input_count] : NULL,
        .mask = storage_at(plan, step->mask),
    };
    int fused = step->activation != CX_NO_ACTIVATION || step->residual >= 0;
    step->call = (cx_call){
        .c = step->c,
        .x = step->x_view,
        .y = step->y_view,
        .dy = step->dy_view,
        .dx = step->dx_view,
        .saved = storage_at(plan, step->saved),
        .workspace = plan->workspace,
        .epilogue = fused ? &step->epilogue : NULL,
        .delivery = step->delivery,
    };
    return 0;
}

cxai_status cx_place_memory(cx_plan *plan, const cx_plan_request *request)
{
    cxai_status status = place_storages(plan, request);
    measure(plan);
    if (status == CXAI_OK)
        status = allocate(plan, request);
    for (int i = 0; status == CXAI_OK && i < plan->step_count; i++)
        for (cx_step *s = plan->steps[i]; s != NULL; s = s->producer)
            if (make_views(plan, s) != 0)
                status = cx_plan_no_memory(request);
    return status;
}
