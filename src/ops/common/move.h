/*
 * Operators that only move elements.
 *
 * Such an operator describes itself once, as moves from a view of an input to
 * a view of an output of the same shape. Three uses are made of it:
 * forward copies each view of x to its view of y, backward adds each view of
 * dy to its view of dx, and fold copies integers.
 */
#ifndef CX_OPS_COMMON_MOVE_H
#define CX_OPS_COMMON_MOVE_H

#include "ops/operator.h"

typedef struct cx_mover {
    const cx_case *c;
    /* forward: x and y; backward: dx and dy; fold: NULL */
    const cxai_tensor *x, *y;
    cx_literal *const *y_literal; /* fold only */
    enum { CX_COPY, CX_COPY_BACK, CX_ADD_BACK } use;
    const cx_delivery *delivery; /* backward, where the operator delivers */
    int adds; /* backward: dx + share; set by such an operator for a move */
    int part, parts; /* the calling thread's share of every move; 0 parts:
                        threads share each move instead */
} cx_mover;

/* Calls cx_move for every move of a node; several threads may do so at once.
 */
typedef void cx_describe(const cx_mover *m);

/* The whole of an input or output, to cut views from. Its data may be NULL. */
cx_view cx_mover_x(const cx_mover *m, int input);
cx_view cx_mover_y(const cx_mover *m, int output);

/* One move; shapes are equal. Nothing is done where data is NULL. */
void cx_move(const cx_mover *m, const cx_view *x, const cx_view *y);

/* to (add: +)= from, cut among threads so that each element belongs to one. */
void cx_move_parallel(const cx_view *to, const cx_view *from, int add,
                      int threads);

/* to = 0, cut likewise. */
void cx_clear_parallel(const cx_view *to, int threads);

/* How often an element of x is moved. */
typedef enum cx_multiplicity {
    CX_EXACTLY_ONCE,
    CX_AT_MOST_ONCE,
    CX_ANY_NUMBER,
} cx_multiplicity;

void cx_move_forward(const cx_call *call, cx_describe *describe);
void cx_move_backward(const cx_call *call, cx_describe *describe,
                      cx_multiplicity multiplicity);
cxai_status cx_move_fold(const cx_case *c, cx_literal *const *y,
                         cx_describe *describe);

#endif
