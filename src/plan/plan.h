/*
 * Plans: a request, turned into steps over planned memory.
 *
 *   select.c    which nodes are run, which values have a gradient
 *   combine.c   nodes that together are one operator of ours
 *   fuse.c      batch norm into weights; residual and activation into epilogues
 *   join.c      what is concatenated is written where it is read
 *   layout.c    how each value lies in memory; conversions where they differ,
 *               none where a value can be another one seen otherwise
 *   lifetime.c  which storages there are and when each is needed
 *   memory.c    offsets, the block itself, the views of every step
 *   pack.c      constant weights, packed once a model
 *   keep.c      plans that wait in the model for the next equal request
 *
 * Time runs over the forward steps 0 .. n-1, the seed at n, and the backward
 * steps: step i goes backward at 2n - i. What backward reads lives until the
 * end, so that backward can be repeated after one forward.
 */
#ifndef CX_PLAN_PLAN_H
#define CX_PLAN_PLAN_H

#include "cxai/session.h"
#include "graph/case.h"
#include "graph/shape.h"

/* One tensor of the plan. The first ones are the model's values, by number;
   folded weights and conversions to another layout are added behind. */
typedef struct cx_plan_value {
    cxai_shape shape;
    int64_t stride[CXAI_MAX_RANK];
    const cx_literal *literal;
    int source; /* the value that this one is a converted copy of, or -1 */
    int home;   /* the value that this one is a view of, which has its
                   numbers and its gradient and is no view; or -1 */
    int within; /* the value in whose rows of channels this one's lie, from
                   channel `offset` on, and which does not lie in another; or
                   -1. Its gradient lies by itself */
    int64_t offset;
    int storage;           /* its numbers; -1: a literal, or not in memory */
    int gradient;          /* storage of its gradient, or -1 */
    int uses;              /* times that a step reads it */
    struct cx_share *last; /* that completes its gradient and could mask it */
    unsigned char fed, watched, wrt;
    unsigned char visible; /* somebody outside looks at it: never fused away */
    unsigned char laid;    /* its strides are settled */
    unsigned char active;  /* lies between wrt and target */
} cx_plan_value;

/* A stretch of memory during a stretch of time, both ends included. */
typedef struct cx_storage {
    size_t bytes;
    size_t offset;
    int first, last;
} cx_storage;

/* Where one input's share of a gradient goes. */
typedef struct cx_share {
    int storage;    /* receives dx; -1: not wanted */
    int accumulate; /* dx is then added to the value's gradient */
    int adds;       /* it is the value's gradient already, and dx is added */
    int mask;       /* storage of bits that dx passes, or -1 */
} cx_share;

typedef struct cx_step {
    int node; /* of the model; -1: a conversion */
    const cx_operator *op;
    cx_case *c;
    int *x, *y;      /* plan values, -1: left out */
    uint64_t wanted; /* bit i: the gradient of x[i] is asked for */
    cx_demand demand;
    int places; /* where the node is hooked: cxai_hook_place, or-ed */

    cx_activation activation; /* fused epilogue */
    cxai_real low, high;
    int residual;             /* plan value, or -1 */
    struct cx_step *producer; /* a step made inside this one, or NULL: see
                                 cx_case */

    /* Weights that are there only while they are packed: the case reads lent,
       whose data is then made of source, times scale where a batch norm was
       merged into them. */
    cx_literal *lent; /* NULL: none */
    const cx_literal *source;
    double *scale; /* by output channel, or NULL */
    int norm;      /* the batch norm's or the bias' node, or -1 */

    int saved, mask;    /* storages, or -1 */
    int masked;         /* storage of dy behind the mask, or -1: not masked */
    int arrives_masked; /* whoever delivers dy applies the mask */
    cx_share *share;    /* by input; the residual's behind them */

    /* Ready to run. Views by input or output; the residual's stand behind the
       inputs'. */
    cx_call call;
    cx_epilogue epilogue;
    cxai_tensor *x_view, *y_view;
    cxai_tensor *dy_view; /* what backward reads: masked when there is a mask */
    cxai_tensor *arrived; /* the gradients of y as they arrived */
    cxai_tensor *dx_view; /* this step's shares */
    cxai_tensor *gradient; /* where accumulated shares are added */
    cx_delivery *delivery; /* by input */
} cx_step;

typedef struct cx_plan {
    const cxai_model *model;
    cx_shaped shaped;
    cx_arena arena;
    cx_plan_value *values;
    int value_count;
    size_t value_capacity;
    cx_step **steps;
    int step_count;
    size_t step_capacity;
    cx_storage *storages;
    int storage_count;
    size_t storage_capacity;
    char *memory;
    size_t memory_bytes;
    char *workspace;
    size_t workspace_bytes;
    char *prepared;        /* packed weights that are not the model's */
    size_t prepared_bytes; /* of all packed weights, the model's too */
    int target;            /* plan value, or -1 */
    int64_t *key;          /* what tells its request from others; NULL: the */
    size_t key_count;      /* plan is not kept */
} cx_plan;

/* What a plan is made from. places: hooks by node. */
typedef struct cx_plan_request {
    const cxai_model *model;
    const cxai_request *request;
    const unsigned char *places;
    int threads;
    uint64_t max_bytes;
    cxai_error *error;
} cx_plan_request;

cxai_status cx_plan_create(cx_plan **out, const cx_plan_request *request);
void cx_plan_free(cx_plan **plan);

/* Leaves a plan whose request has keep in the model. */
void cx_plan_keep(cx_plan **plan);
/* The plan that such a request left there, as new, or NULL: what another one
   left is freed. */
cxai_status cx_plan_take(cx_plan **out, const cx_plan_request *request);

/* Views of a value's numbers and of its gradient; data is NULL where there
   are none, and of weights without memory. */
cxai_tensor cx_plan_view(const cx_plan *plan, int value);
cxai_tensor cx_plan_gradient_view(const cx_plan *plan, int value);

/* ---- the passes, in their order ------------------------------------------ */

/* Which nodes are run (needed) and shaped, both by node of the model. */
cxai_status cx_select(const cx_plan_request *request, unsigned char *needed,
                      unsigned char *shaped);
/* Marks the values between wrt and target and what each step is asked for. */
cxai_status cx_select_active(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_combine(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_fuse(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_join(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_assign_layouts(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_find_lifetimes(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_place_memory(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_pack_weights(cx_plan *plan, const cx_plan_request *request);
cxai_status cx_note_request(cx_plan *plan, const cx_plan_request *request);

/* ---- shared by the passes ------------------------------------------------ */

cxai_status cx_plan_no_memory(const cx_plan_request *request);

/* A fed value that is never set is zero. */
void cx_clear_fed_values(const cx_plan *plan);

/* For the cases of steps that the passes make. */
cx_case_context cx_plan_context(cx_plan *plan, const cx_plan_request *request);

/* The value that has the numbers and the gradient of a value: its home, or
   itself. */
cx_plan_value *cx_plan_home(const cx_plan *plan, int value);
/* The value that has the storage of a value's numbers. */
cx_plan_value *cx_plan_owner(const cx_plan *plan, int value);

/* Adds a value without storage, row-major; -1 without memory. */
int cx_plan_add_value(cx_plan *plan, const cxai_shape *shape,
                      const cx_literal *literal);

#endif
