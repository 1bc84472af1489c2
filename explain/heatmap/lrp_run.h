/* A linear layer run on its own, with parts of its input and of its weights,
   for one term of a rule after another. */
#ifndef CXAI_HEATMAP_LRP_RUN_H
#define CXAI_HEATMAP_LRP_RUN_H

#include "lrp_terms.h"

/* Zero at first; holds the weights that it was last given. */
typedef struct cx_lrp_run {
    cxai_session *session;
    int weighted; /* and these are: */
    cx_lrp_weight weight;
} cx_lrp_run;

/* A part of a number u: constant + u * (above or below, by its sign), or, where
   square is 1, u * u times that. */
typedef struct cx_lrp_part {
    cxai_real constant, above, below;
    int square;
} cx_lrp_part;

cx_lrp_part cx_lrp_part_of_weight(cx_lrp_weight weight, double gamma);
cx_lrp_part cx_lrp_part_of_input(cx_lrp_input input);

static inline cxai_real cx_lrp_take(const cx_lrp_part *part, cxai_real u)
{
    cxai_real share = u > 0 ? part->above * u : part->below * u;

    return part->constant + (part->square ? share * u : share);
}

/* What a term multiplies its weights by: x, or an end of the box. */
const cxai_tensor *cx_lrp_source(const cx_lrp_case *c, const cx_lrp_term *term);

/* Runs a term forwards; sum, of y's shape and without bias, is valid until the
   next run. Opens the session when there is none. */
cxai_status cx_lrp_run_forward(cx_lrp_run *run, const cx_lrp_case *c,
                               const cx_lrp_term *term, cxai_tensor *sum,
                               cxai_error *error);

/* Runs the last term backwards from ratio, of y's shape; back is of x's. */
cxai_status cx_lrp_run_backward(cx_lrp_run *run, const cx_lrp_case *c,
                                const cxai_tensor *ratio, cxai_tensor *back,
                                cxai_error *error);

void cx_lrp_run_end(cx_lrp_run *run);

/* A view that gives every element of a channel the same number. */
cxai_tensor cx_lrp_spread(cxai_real *by_channel, const cxai_shape *shape,
                          int axis);

#endif
