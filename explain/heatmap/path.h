/* The straight way from a baseline to a picture, and integrals along it. */
#ifndef CXAI_HEATMAP_PATH_H
#define CXAI_HEATMAP_PATH_H

#include "points.h"
#include "quadrature.h"

typedef struct cx_path {
    int value;             /* of which the points are: the input, or a layer */
    cxai_real *from, *way; /* baseline, and what leads from it to the picture */
    int count;             /* of nodes on the way */
    double *nodes, *weights; /* 0..1, by the method's rule */
    double *baseline_scores; /* [target_count] */
} cx_path;

/*
 * Calls cxai_heatmap_begin, and lays the way from the baseline (NULL: 0), dense
 * (C,H,W), to the picture; at a layer from what the network makes of the one to
 * what it makes of the other. The nodes are options.steps (by default 50) and
 * `more` than these, by the method's setting "rule". On failure there is
 * nothing to close.
 */
cxai_status cx_path_open(cx_path *path, const cxai_heatmap_call *call,
                         int value, const cxai_real *baseline, int more,
                         cxai_error *error);
void cx_path_close(cx_path *path);

/* The points at the nodes, for gradients of a value; the caller may change take
   and what belongs to it (a payload must begin with the path). */
cx_points cx_path_points(const cx_path *path, int wrt);

/* sums[target][...] = integral of the gradient of the wrt value along the way,
   which does not count the way's length; sums is zero at first. */
cxai_status cx_path_integrate(const cx_path *path,
                              const cxai_heatmap_call *call, int wrt,
                              double *sums, cxai_error *error);

/* One part of a mean over `parts` baselines: sums[target][input's numbers] +=
   1/parts * way * the integral of the gradient at the input along the way from
   the baseline (NULL: 0) to the picture; baseline_scores [target_count], unless
   NULL, become the scores at the baseline. Calls cxai_heatmap_begin. */
cxai_status cx_integrate(const cxai_heatmap_call *call,
                         const cxai_real *baseline, int part, int parts,
                         double *sums, double *baseline_scores,
                         cxai_error *error);

#endif
