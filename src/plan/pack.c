/*
 * Packing: constant weights in the order in which kernels read them. What is
 * made of the model's own weights is kept in the model for all its sessions
 * (graph/packed.h); the rest, weights that were computed from this session's
 * shapes, in the plan. Whole steps are packed by one thread each, the largest
 * first, so that the threads meet only once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/size.h"
#include "graph/packed.h"
#include "kernels/work.h"
#include "plan/plan.h"

/* A step with constant weights, by pass. */
typedef struct parcel {
    cx_step *step;
    cx_packed *entry[CX_PASSES]; /* of the model; NULL: the plan's own */
    char *made[CX_PASSES];       /* where to make them; NULL: not to be made */
    size_t bytes;                /* to be made */
} parcel;

typedef struct packer {
    cx_plan *plan;
    const cx_plan_request *request;
    cx_packed_store *store;
    parcel *parcels;
    int count;
    char *scratch; /* for lent weights, scratch_bytes for each thread */
    size_t scratch_bytes;
} packer;

/* ---- what there is ------------------------------------------------------- */

/* Whether all constants of a node are those of the model. */
static int reads_model(const packer *p, int n)
{
    const cxai_model *model = p->request->model;
    const cx_node *node = &model->nodes[n];
    for (int i = 0; i < node->input_count; i++) {
        int v = node->inputs[i];
        if (v >= 0 && p->plan->values[v].literal != NULL &&
            p->plan->values[v].literal != model->values[v].literal)
            return 0;
    }
    return 1;
}

/* The model's entry for one pass of a step, or NULL without memory. */
static cx_packed *find_entry(const packer *p, const cx_step *step, int pass)
{
    enum { FIXED = 5 };
    const cx_operator *op = step->op;
    size_t count = op->packing == NULL ? 0 : op->packing(step->c, pass, NULL);
    int64_t *key = cx_arena_alloc(&p->plan->arena, count + FIXED, sizeof *key);
    if (key == NULL)
        return NULL;
    key[0] = step->node;
    key[1] = step->norm;
    key[2] = pass;
    key[3] = (int64_t)step->demand.prepared_bytes[pass];
    key[4] = (int64_t)(intptr_t)step->c->kernels;
    if (count > 0)
        op->packing(step->c, pass, key + FIXED);
    return cx_packed_entry(p->store, key, count + FIXED);
}

/* Weights that lie in the file are lent to the step's case while they are
   packed; 0, or -1 without memory. */
static int borrow(const packer *p, cx_step *step)
{
    const cx_literal **literal = (const cx_literal **)step->c->x_literal;
    for (int i = 0; i < step->c->input_count; i++) {
        if (literal[i] == NULL || literal[i]->place == NULL)
            continue;
        step->source = literal[i];
        step->lent = cx_arena_alloc(&p->plan->arena, 1, sizeof *step->lent);
        if (step->lent == NULL)
            return -1;
        *step->lent =
            (cx_literal){ .type = CX_REAL, .shape = step->source->shape };
        literal[i] = step->lent;
    }
    return 0;
}

static int list_parcel(packer *p, cx_step *step)
{
    const size_t *bytes = step->demand.prepared_bytes;
    if (bytes[CX_FORWARD] == 0 && bytes[CX_BACKWARD] == 0)
        return 0;
    parcel *one = &p->parcels[p->count++];
    one->step = step;
    if (borrow(p, step) != 0)
        return -1;
    if (!reads_model(p, step->node) ||
        (step->norm >= 0 && !reads_model(p, step->norm)))
        return 0;
    for (int pass = 0; pass < CX_PASSES; pass++)
        if (bytes[pass] > 0 &&
            (one->entry[pass] = find_entry(p, step, pass)) == NULL)
            return -1;
    return 0;
}

static int list_parcels(packer *p)
{
    cx_plan *plan = p->plan;
    size_t most = 0;
    for (int i = 0; i < plan->step_count; i++)
        for (cx_step *s = plan->steps[i]; s != NULL; s = s->producer)
            most++;
    p->parcels = cx_arena_alloc(&plan->arena, most, sizeof *p->parcels);
    if (p->parcels == NULL)
        return -1;
    for (int i = 0; i < plan->step_count; i++)
        for (cx_step *s = plan->steps[i]; s != NULL; s = s->producer)
            if (list_parcel(p, s) != 0)
                return -1;
    return 0;
}

/* ---- where it goes ------------------------------------------------------- */

/* Hands out places for what is to be made in the model, or in the plan, from
   room on, or only counts when room is NULL. Returns the bytes. */
static size_t divide(const packer *p, int shared, char *room)
{
    size_t bytes = 0;
    for (int i = 0; i < p->count; i++) {
        parcel *one = &p->parcels[i];
        for (int pass = 0; pass < CX_PASSES; pass++) {
            const cx_packed *entry = one->entry[pass];
            size_t size = one->step->demand.prepared_bytes[pass];
            if (size == 0 || (entry != NULL) != shared ||
                (shared && entry->weights != NULL))
                continue;
            if (room != NULL) {
                one->made[pass] = room + bytes;
                one->bytes += size;
            }
            bytes = cx_size_plus(bytes, cx_size_line(size));
        }
    }
    return bytes;
}

static size_t lent_bytes(const cx_step *step)
{
    if (step->lent == NULL)
        return 0;
    return cx_size_line((size_t)cx_literal_count(step->source) *
                        sizeof(cxai_real));
}

/* Room for lent weights of the steps that are to be made. */
static int allocate_scratch(packer *p)
{
    for (int i = 0; i < p->count; i++) {
        size_t bytes = lent_bytes(p->parcels[i].step);
        if (p->parcels[i].bytes > 0 && bytes > p->scratch_bytes)
            p->scratch_bytes = bytes;
    }
    if (p->scratch_bytes == 0)
        return 0;
    p->scratch = cx_alloc_room(
        cx_size_times(p->scratch_bytes, (size_t)p->request->threads));
    return p->scratch != NULL ? 0 : -1;
}

static int allocate(packer *p)
{
    size_t own = divide(p, 0, NULL), shared = divide(p, 1, NULL);
    if (own > 0) {
        p->plan->prepared = cx_alloc_room(own);
        if (p->plan->prepared == NULL)
            return -1;
        divide(p, 0, p->plan->prepared);
    }
    if (shared > 0) {
        char *room = cx_packed_room(p->store, shared);
        if (room == NULL)
            return -1;
        divide(p, 1, room);
    }
    return allocate_scratch(p);
}

/* ---- making it ----------------------------------------------------------- */

/* The step's weights: its source, by output channel times its scale. */
static void lend(const cx_step *step, cxai_real *weights)
{
    const cx_literal *source = step->source;
    size_t count = (size_t)cx_literal_count(source);
    if (source->place != NULL)
        cx_bytes_move(weights, source->place, count * sizeof *weights);
    else
        memcpy(weights, source->data, count * sizeof *weights);
    step->lent->data = weights;
    if (step->scale == NULL)
        return;
    size_t row = count / (size_t)source->shape.dim[0];
    for (size_t i = 0; i < count; i += row)
        for (size_t k = i; k < i + row; k++)
            weights[k] = (cxai_real)((double)weights[k] * step->scale[i / row]);
}

static void make(const packer *p, const parcel *one)
{
    const cx_step *step = one->step;
    char *scratch = p->scratch;
    if (step->lent != NULL && scratch != NULL) {
        scratch += (size_t)cx_thread_number() * p->scratch_bytes;
        lend(step, (cxai_real *)(void *)scratch);
    }
    for (int pass = 0; pass < CX_PASSES; pass++)
        if (one->made[pass] != NULL)
            step->op->prepare(step->c, pass, one->made[pass]);
    if (step->lent != NULL)
        step->lent->data = NULL;
}

/* Larger first; equal ones in their order. */
static int by_bytes(const void *a, const void *b)
{
    const parcel *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->step->node < y->step->node ? -1 : x->step->node > y->step->node;
}

static void make_all(packer *p)
{
    qsort(p->parcels, (size_t)p->count, sizeof *p->parcels, by_bytes);
    int left = 0;
    while (left < p->count && p->parcels[left].bytes > 0)
        left++;
#pragma omp parallel for num_threads(p->request->threads)                      \
    schedule(dynamic) if (left > 1)
    for (int i = 0; i < left; i++)
        make(p, &p->parcels[i]);
}

/* Tells the steps where their weights are, and the model what it has now. */
static void hand_out(const packer *p)
{
    for (int i = 0; i < p->count; i++) {
        const parcel *one = &p->parcels[i];
        for (int pass = 0; pass < CX_PASSES; pass++) {
            cx_packed *entry = one->entry[pass];
            if (entry != NULL && one->made[pass] != NULL)
                entry->weights = one->made[pass];
            one->step->call.prepared[pass] =
                entry != NULL ? entry->weights : one->made[pass];
        }
    }
}

cxai_status cx_pack_weights(cx_plan *plan, const cx_plan_request *request)
{
    packer p = { .plan = plan,
                 .request = request,
                 .store = request->model->packed };
    cx_packed_lock(p.store);
    int failed = list_parcels(&p) != 0 || allocate(&p) != 0;
    if (!failed) {
        make_all(&p);
        hand_out(&p);
    }
    cx_packed_unlock(p.store);
    cx_free_aligned(p.scratch);
    return failed ? cx_plan_no_memory(request) : CXAI_OK;
}
