/*
 * What an operator is.
 *
 * Each file of src/ops holds one family: shape inference, forward and backward
 * of an operator stand together, and the file ends in
 *
 *     static const cx_operator operators[] = { {.name = "Relu", ...}, ... };
 *     const cx_operator_family cx_operators_FILE = CX_FAMILY(operators);
 *
 * where FILE is the file's name without ".c". The build collects all families
 * into one table; nothing else has to be touched to add an operator.
 *
 * Life of an operator, for one node of one session:
 *   infer    reads attributes, checks shapes, fills output shapes and params
 *   demand   says what backward keeps and how much memory the node needs
 *   prepare  packs constant weights for a pass, once for all sessions of a
 *            model in which packing answers the same
 *   forward, backward   run on planned memory: no allocation, no failure
 * All of them are pure functions of what they are given.
 *
 * Inputs that are not real numbers (indices, axes, shapes, 8-bit weights) are
 * constants: an operator reads them from x_literal in infer, and keeps what it
 * needs in params. Integers that depend on the data (ArgMax, TopK) are carried
 * as reals, exact up to 2^24, through operators that allow it
 * (carries_integers); no others take them.
 */
#ifndef CX_OPS_OPERATOR_H
#define CX_OPS_OPERATOR_H

#include "tensor/attribute.h"
#include "tensor/literal.h"
#include "tensor/view.h"

struct cx_kernels;

struct cx_call;

/* One node with its shapes. Arrays are indexed by input or output number. */
typedef struct cx_case {
    const char *label; /* for messages: Conv node "features.0" */
    int opset;         /* of the model's default domain */
    const cx_attributes *attributes;
    int input_count;
    int output_count;
    const cxai_shape *x_shape;          /* rank -1: input left out */
    const cx_literal *const *x_literal; /* NULL: not a constant */
    const cx_type *x_type; /* integers too when they depend on the data */
    cxai_shape *y_shape;   /* filled by infer; rank -1: left out */
    cx_type *y_type; /* preset to the first input's type; infer may change */
    int64_t written_batch; /* of the graph's input in the file, 0: free; */
    int64_t batch;         /* what it is now: see cx_follow_batch */
    /* The call of a node of the same operator that is made piece by piece
       inside this one, whose only reader this one is: its y[0] is this one's
       x[0] and never in memory as a whole; calls of this node have its x[0] in
       that place. No gradient passes through either. NULL: none */
    const struct cx_call *producer;
    void *params;    /* params_size zeroed bytes, filled by infer */
    cx_arena *arena; /* for parts of params whose size infer finds out */
    const struct cx_kernels *kernels;
    int direct; /* sums are not to be rearranged: see cxai_request */
    int many;   /* packed weights may be large: see there */
    int threads;
    cxai_error *error; /* infer reports here with cx_refuse */
} cx_case;

/* Reports "LABEL: message" in c->error and returns status. */
cxai_status cx_refuse(const cx_case *c, cxai_status status, const char *format,
                      ...) CXAI_PRINTF(3, 4);

#ifdef __clang_analyzer__
#define cx_refuse(c, status, ...)                                              \
    ((cx_refuse)(c, status, __VA_ARGS__), (status))
#endif

/* What a node needs beside its inputs and outputs. Zeroed before demand. */
typedef struct cx_demand {
    uint64_t keep_inputs;  /* bit i: backward reads x[i] (i < 64) */
    uint64_t keep_outputs; /* bit i: backward reads y[i] */
    size_t saved_bytes;    /* written by forward for backward: masks, indices */
    size_t forward_workspace;  /* bytes, all threads together */
    size_t backward_workspace; /* the same */
    size_t prepared_bytes[2];  /* packed constant weights, by pass */
} cx_demand;

enum { CX_FORWARD, CX_BACKWARD, CX_PASSES };

/* Activations that a fused epilogue applies to the finished output. */
typedef enum cx_activation {
    CX_NO_ACTIVATION,
    CX_CLIP,  /* min(max(v, low), high); ReLU is low 0, high infinity. The
                 derivative is 0 or 1 and is saved as one bit an element */
    CX_SWISH, /* v * sigmoid(v), where no gradient passes */
} cx_activation;

/* Fused tail of an operator that has fuses_epilogue set:
   y = activation(op(x) + residual). */
typedef struct cx_epilogue {
    cx_activation activation;
    cxai_real low, high;
    const cxai_tensor *residual; /* of y's shape and strides; NULL: none */
    uint8_t *mask; /* bit i = element i in y's memory order passed unclipped
                      (low < v < high); NULL: not wanted */
} cx_epilogue;

/* How the share of an input's gradient arrives, from operators that deliver:
   dx = share, or dx + share, where the mask has a 1, else 0. */
typedef struct cx_delivery {
    int adds;
    const uint8_t *mask; /* bit i = element i of dx, which is dense, in memory
                            order; NULL: all pass */
} cx_delivery;

/* One run of one node. Views of x, y, dy, dx in arrays of input_count or
   output_count; data is NULL for what is left out, not a real, not kept or
   not wanted. dx is overwritten unless its delivery says otherwise. dy must
   not be written. */
typedef struct cx_call {
    const cx_case *c;
    const cxai_tensor *x;
    const cxai_tensor *y;
    const cxai_tensor *dy;
    const cxai_tensor *dx;
    void *saved;                 /* NULL when saved_bytes was 0 */
    void *workspace;             /* 64-byte aligned */
    const void *prepared[2];     /* by pass; NULL where prepared_bytes was 0 */
    const cx_epilogue *epilogue; /* forward only; NULL: none */
    const cx_delivery *delivery; /* by input, backward only; NULL: dx = share */
} cx_call;

/* How the tensors of a node lie in memory. Gradients lie as their values. */
typedef enum cx_layout {
    CX_ROW_MAJOR,     /* every tensor dense and row-major */
    CX_CHANNELS_LAST, /* x[0], y[0] and a residual dense channels-last from
                         rank 3 on (a pixel stride over C is possible: use
                         stride of the last spatial axis), others row-major */
    CX_SAME,          /* all x and y of one shape have the same dense strides:
                         they may be treated as flat arrays */
    CX_STRIDED,       /* anything: use the strides */
} cx_layout;

/* A case for the gradient checks and the sweep over operators. Inputs are
   shapes separated by ';'. "-" is an input left out; "2=0,-1" is a constant of
   integers of that shape, "=6" a single one, "2~0.5,1" a constant of reals;
   "1,2,4,4" is real and random in
   low..high (both 0: -1..1), spaced so that no kink lies within a finite
   difference. A single integer in attributes is a number and a list of one. */
typedef struct cx_sample {
    const char *inputs;
    const char *attributes; /* "pads=1,1,1,1 group=2 alpha=0.5f mode=linear" */
    double low, high;
    int opset;   /* 0: the newest */
    int outputs; /* 0: one */
} cx_sample;

typedef struct cx_operator {
    const char *name;
    int min_inputs, max_inputs; /* max -1: any number */
    int max_outputs;            /* 0 means 1; -1: any number */
    cx_layout layout;
    size_t params_size;
    int shape_only;     /* needs only x_shape: always folded (Shape, Size) */
    int moves_axes;     /* an output axis is not the input's of that number:
                           the layout of x is not handed on to y (Transpose) */
    int fuses_epilogue; /* forward honours call->epilogue */
    int fuses_swish;    /* CX_SWISH included */
    uint64_t delivers;  /* bit i: backward honours delivery[i] */
    int takes_gaps; /* channels-last: x[0] and y[0] may have gaps between the
                       channels of a pixel and those of the next, of which
                       gradients have none */
    /* Whether a node can be the producer of another of this operator; NULL:
       never. */
    int (*takes_producer)(const cx_case *c, const cx_case *producer);
    /* Whether forward can multiply x[0] by a factor of its batch and channels:
       an input of index max_inputs, then; NULL: never. */
    int (*takes_factor)(const cx_case *c);
    int takes_bias; /* forward adds an input of index max_inputs, a constant
                       with one number for each element of y's last axis */
    /* Whether y[0] can be x[0] itself, seen otherwise: every element of it
       once. *y is then the view of *x. NULL: never. */
    int (*is_view)(const cx_case *c, const cx_view *x, cx_view *y);
    int drops_unread; /* outputs behind the first that nothing reads are as if
                         they were left out */
    int carries_integers; /* forward is right on integers given as reals */
    cxai_status (*infer)(const cx_case *c);
    /* wanted: bit i set when dx[i] will be asked for, 0 for inference. NULL:
       needs nothing. */
    void (*demand)(const cx_case *c, uint64_t wanted, cx_demand *demand);
    /* Writes all of the prepared_bytes of a pass. Reads nothing but the case
       and its literals, whose data is there only now where a batch norm is
       merged into them. May run on a thread of its own. */
    void (*prepare)(const cx_case *c, int pass, void *prepared);
    /* The numbers on which the packed weights of a node depend, beside its
       literals, attributes and kernels; returns how many there are, and writes
       them unless numbers is NULL. NULL: there are none. */
    size_t (*packing)(const cx_case *c, int pass, int64_t *numbers);
    void (*forward)(const cx_call *call);
    void (*backward)(const cx_call *call);
    /* Why there is no backward, in words; exactly one of both is set. */
    const char *not_differentiable;
    /* Evaluates a node whose outputs are integers, all inputs being literals
       (shape_only: x_shape). y: created with y_shape and y_type. */
    cxai_status (*fold)(const cx_case *c, cx_literal *const *y);
    const cx_sample *samples;
    int sample_count;
} cx_operator;

typedef struct cx_operator_family {
    const cx_operator *operators;
    int count;
} cx_operator_family;

#define CX_COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define CX_FAMILY(array)                                                       \
    {                                                                          \
        array, CX_COUNT(array)                                                 \
    }
#define CX_SAMPLES(array) .samples = array, .sample_count = CX_COUNT(array)

/* The table that the build collects, ended by NULL. */
extern const cx_operator_family *const cx_operator_families[];

/* Finds an operator of ONNX's default domain, or NULL. */
const cx_operator *cx_operator_find(const char *name);

#endif
