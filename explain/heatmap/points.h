/* Gradients of the targets at many points of the input or of a layer. */
#ifndef CXAI_HEATMAP_POINTS_H
#define CXAI_HEATMAP_POINTS_H

#include "pass.h"

/* Arrays are dense, of a value's shape for one picture. */
typedef struct cx_points {
    int feed; /* value that a point is written for: the input, or a layer */
    int wrt;  /* value whose gradient is taken: the same, or one behind it */
    int64_t count;
    /* Writes point number index. NULL: it is from + nodes[index] * way. */
    void (*write)(const cxai_heatmap_call *call, void *payload, int64_t index,
                  cxai_real *point);
    const cxai_real *from, *way;
    const double *nodes; /* [count] */
    /* Takes what was found at a point, for each target in the order of the
       points: the gradient, and the wrt value itself (NULL unless asked for).
       NULL: sums[target][...] += weights[index] * gradient. */
    void (*take)(const cxai_heatmap_call *call, void *payload, int64_t index,
                 int target, const cxai_real *gradient, const cxai_real *value);
    double *sums;          /* zero at first */
    const double *weights; /* [count] */
    int with_values;
    int begins; /* the first point is the picture: cxai_heatmap_begin is called
                   there */
    int part,
        parts; /* of a series of such points, all as many, which counts as
                  one for the caller's progress; parts 0: they are alone */
    void *payload;
} cx_points;

/* Goes through all points in batches. The order of the points alone decides
   the order of sums. */
cxai_status cx_gradients(const cxai_heatmap_call *call, const cx_points *points,
                         cxai_error *error);

#endif
