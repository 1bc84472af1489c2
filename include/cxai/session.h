/*
 * Sessions: a request compiled for one input shape.
 *
 * A request says which values are fed, which are watched, and of which target
 * the gradient is taken with respect to which values. Creating a session plans
 * the order of work and all memory; cxai_session_forward and
 * cxai_session_backward then allocate nothing. Only what the request needs is
 * computed: nodes that lead to nothing requested are not run, and the backward
 * pass walks only the nodes between the target and the wrt values.
 *
 * A session belongs to one thread at a time. Several sessions of one model may
 * run on several threads at once. Constant weights are packed for the kernels
 * when a session first needs them so, and kept in the model for all others: the
 * next one is made in a moment, and while a session packs, other new ones of
 * the same model wait.
 *
 * While forward or backward runs, hooks included, subnormal numbers (below
 * 1.2e-38) count as zero: weights full of them, which training leaves behind,
 * would make a network many times slower. Each thread's floating-point state
 * is restored before the function returns.
 */
#ifndef CXAI_SESSION_H
#define CXAI_SESSION_H

#include "cxai/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cxai_session cxai_session;
typedef struct cxai_hook cxai_hook; /* see below */

/* Threads that 0 stands for: the processors that the process may run on, at
   most 256; 1 in a library built without OpenMP. Thread-safe. */
CXAI_API int cxai_processors(void);

/* Zero-initialise, then fill in; arrays are copied. Values are numbers of
   model.h. */
typedef struct cxai_request {
    cxai_shape input_shape; /* of the model's first input; rank 0: as the model
                               declares it, free dimensions being 1; else as
                               for cxai_model_shapes */
    const int *feed;        /* values given from outside; feed_count 0 means */
    int feed_count;         /* the model's first input. A fed value is not
                               computed, whatever its producer; it may be a
                               weight, which then is zero until it is set. */
    const cxai_shape *feed_shape; /* [feed_count], the shapes of the fed values;
                               NULL: as input_shape makes them. Given, nothing
                               before the fed values is looked at, which saves
                               time where a large network is cut often, and the
                               part behind them may be run for another shape
                               than theirs in the network */
    const int *watch;             /* values to read after forward */
    int watch_count;
    int target;     /* the value whose gradient is taken; used only when */
    const int *wrt; /* wrt_count > 0. wrt: values to read the gradient of: */
    int wrt_count;  /* inside values, inputs, or weights. */
    int direct;     /* convolve by direct sums alone, not by Winograd's faster
                       transform, which mixes the pixels of a tile: its rounding
                       is relative to the tile's largest number, and a sum that
                       is 0 comes out as 1e-7 of it */
    int many;       /* many pictures will be run: weights may be packed up to
                       four times as large as they are, and for each direction
                       on its own, where that makes a picture faster */
    const cxai_hook *hooks; /* [hook_count]: as by cxai_session_add_hook, in
                               this order, but planned with the rest */
    int hook_count;
    int keep;    /* when the session is freed, its plan and memory stay in the
                    model for the next one with keep and an equal request,
                    whatever the functions and payloads of its hooks: that is
                    made in a moment, and need not fetch memory from the system
                    again. One is kept; a session with keep and another request
                    frees it, and so does the end of the model */
    int threads; /* 0: cxai_processors() */
    uint64_t max_bytes; /* refuse a plan that needs more, packed weights
                           included; 0, or above it: the memory_bytes of the
                           model's limits */
} cxai_request;

/*
 * Compiles a request. On success *out is owned by the caller, who ends it with
 * cxai_session_free before the model is freed. Errors: CXAI_INVALID for values
 * that do not exist, a shape that does not fit (the node is named) or is none,
 * a fed value that does not cut off all that it should, or a wrt value that the
 * target does not depend on; CXAI_UNSUPPORTED for a gradient through an
 * operator that has none; CXAI_LIMIT; CXAI_NO_MEMORY.
 */
CXAI_API cxai_status cxai_session_create(cxai_session **out,
                                         const cxai_model *model,
                                         const cxai_request *request,
                                         cxai_error *error);

/* Frees *session with its hooks and sets it to NULL; *session may be NULL. */
CXAI_API void cxai_session_free(cxai_session **session);

CXAI_API const cxai_model *cxai_session_model(const cxai_session *session);

/* Bytes of activations, gradients and working memory of this plan; weights, as
   the file holds them and packed, are the model's and not counted. */
CXAI_API uint64_t cxai_session_bytes(const cxai_session *session);

/* The shape that a value has in this session, or CXAI_INVALID. */
CXAI_API cxai_status cxai_session_shape(const cxai_session *session, int value,
                                        cxai_shape *shape, cxai_error *error);

/* Copies dense row-major data into a fed value. It stays until it is set
   again. A fed value that was never set is zero. */
CXAI_API cxai_status cxai_session_set(cxai_session *session, int value,
                                      const cxai_real *dense,
                                      cxai_error *error);

/* A view of a fed value that may be written instead of cxai_session_set, in
   whatever memory order the plan has given it; valid until hooks change or
   free. CXAI_INVALID for a value that is not fed, or that the session does not
   read. */
CXAI_API cxai_status cxai_session_fed(cxai_session *session, int value,
                                      cxai_tensor *view, cxai_error *error);

/* Computes the watched values, the target and what backward needs. */
CXAI_API cxai_status cxai_session_forward(cxai_session *session,
                                          cxai_error *error);

/*
 * Computes d(sum(seed * target)) / d(wrt) for every wrt value, after a
 * forward. seed is dense, row-major, of the target's shape; NULL: it has been
 * written through cxai_session_seed. May be called again with another seed
 * after the same forward.
 */
CXAI_API cxai_status cxai_session_backward(cxai_session *session,
                                           const cxai_real *seed,
                                           cxai_error *error);

/* Where the seed of the next backward lies: to be filled, all of it, after
   forward and again before each backward, which overwrites it. CXAI_INVALID
   without wrt values, or before forward. */
CXAI_API cxai_status cxai_session_seed(cxai_session *session, cxai_tensor *view,
                                       cxai_error *error);

/* A view of a watched or fed value or of the target, valid until the next
   forward, session change or free; it must not be written. */
CXAI_API cxai_status cxai_session_value(const cxai_session *session, int value,
                                        cxai_tensor *view, cxai_error *error);

/* A view of the gradient at a wrt value after backward, valid until the next
   backward, session change or free. */
CXAI_API cxai_status cxai_session_gradient(const cxai_session *session,
                                           int value, cxai_tensor *view,
                                           cxai_error *error);

/* ---- hooks ---------------------------------------------------------------

   A hook is called for the nodes that it was added for, in three places:

     CXAI_AFTER_FORWARD    outputs are complete and may be written
     CXAI_BEFORE_BACKWARD  output gradients are complete and may be written
     CXAI_AFTER_BACKWARD   this node's own contribution to the gradient of each
                           of its inputs is complete and may be written

   Hooks of one place run in the order of the nodes (backward: reversed), and
   at one node in the order in which they were added, on the thread that called
   forward or backward. A hooked node is never fused with another and its
   values never share memory: a hook sees exactly what the model's author
   named. Backward hooks are called only for nodes that the backward pass
   walks, forward hooks only for nodes that are run.

   Adding and removing re-plan the session at its next forward, which computes
   watched values anew; after the last hook is removed the session is what it
   was. A hook may remove itself or others while it runs (they are not called
   again) and may add hooks, which take effect at the next forward. */

typedef enum cxai_hook_place {
    CXAI_AFTER_FORWARD = 1,
    CXAI_BEFORE_BACKWARD = 2,
    CXAI_AFTER_BACKWARD = 4,
} cxai_hook_place;

/* What a hook sees. Views live until it returns; data is NULL where there is
   nothing: an input left out, integers, a gradient that is not asked for. */
typedef struct cxai_hook_call {
    cxai_session *session;
    int node;
    cxai_hook_place place;
    int input_count;
    int output_count;
    const cxai_tensor *inputs;           /* read only, in every place */
    const cxai_tensor *outputs;          /* written AFTER_FORWARD only */
    const cxai_tensor *output_gradients; /* dy; in backward places */
    const cxai_tensor *input_gradients;  /* dx; AFTER_BACKWARD */
} cxai_hook_call;

/* Returning other than 0 stops the run: forward or backward ends with
   CXAI_STOPPED and the session may be run again. */
typedef int cxai_hook_function(const cxai_hook_call *call, void *payload);

struct cxai_hook {
    int places;                /* cxai_hook_place values, or-ed */
    int node;                  /* one node; or -1: */
    const char *operator_type; /* all nodes of this type; or NULL: all nodes */
    cxai_hook_function *function;
    void *payload; /* the caller's; must outlive the hook */
};

/* Adds a hook; *handle (not 0) is for cxai_session_remove_hook and may be
   NULL. Removing a handle twice is CXAI_NOT_FOUND. */
CXAI_API cxai_status cxai_session_add_hook(cxai_session *session,
                                           const cxai_hook *hook, int *handle,
                                           cxai_error *error);
CXAI_API cxai_status cxai_session_remove_hook(cxai_session *session, int handle,
                                              cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
