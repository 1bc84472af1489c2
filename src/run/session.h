/* The inside of a session, shared by the files of src/run. */
#ifndef CX_RUN_SESSION_H
#define CX_RUN_SESSION_H

#include "plan/plan.h"

typedef struct cx_hook_entry {
    cxai_hook hook;
    int handle; /* 0: removed */
} cx_hook_entry;

struct cxai_session {
    const cxai_model *model;
    cxai_request request;
    int *request_lists;      /* the request's own copies of its lists */
    cxai_shape *feed_shapes; /* and of the fed values' shapes, or NULL */
    int threads;
    uint64_t *states; /* floating-point states of the threads while running */
    uint64_t max_bytes;
    cx_plan *plan;
    cx_hook_entry *hooks; /* in the order of adding */
    int hook_count;
    size_t hook_capacity;
    int next_handle;
    cxai_tensor *hook_views; /* room for one node's views */
    unsigned char stale;     /* hooks have changed since the plan was made */
    unsigned char running;   /* inside forward or backward */
    unsigned char forwarded; /* the plan's values are complete */
    unsigned char backed;    /* and its gradients */
};

/* Makes the plan for the hooks of now, keeping what fed values hold. */
cxai_status cx_session_plan(cxai_session *session, cxai_error *error);

/* Calls the hooks of a step in one place; 0, or what a hook returned. */
int cx_run_hooks(cxai_session *session, const cx_step *step,
                 cxai_hook_place place);

/* Where each node is hooked, or-ed, by node; places is zeroed before. */
void cx_hook_places(const cxai_session *session, unsigned char *places);

/* Forgets removed hooks; never while running. */
void cx_sweep_hooks(cxai_session *session);

#endif
